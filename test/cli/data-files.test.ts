import { encode } from 'fast-png';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { nncIn, temporary } from '../support/cli.ts';

/** Data of many kinds from the command line. */
describe('a folder of images', () => {
  it('is trained on by class, judged, and tells the class of one image', async () => {
    const dir = temporary();
    const stripes = (across: boolean, shift: number): Uint8Array =>
      encode({
        width: 8,
        height: 8,
        channels: 1,
        data: Uint8Array.from({ length: 64 }, (_, i) => (((across ? i >> 3 : i & 7) + shift) % 4 < 2 ? 220 : 30)),
      });
    for (const [name, across] of [
      ['rows', true],
      ['columns', false],
    ] as const) {
      mkdirSync(join(dir, 'stripes', name), { recursive: true });
      for (let i = 0; i < 20; i++) writeFileSync(join(dir, 'stripes', name, `${i}.png`), stripes(across, i));
    }
    writeFileSync(
      join(dir, 'a.nn'),
      'input x: [1, 8, 8]\ndata "stripes" split=0.8 hold=stratified\nlayer Conv2d(1, 4, 3) -> relu -> flatten -> Linear(144, 2)\nloss cross_entropy\nmetric accuracy\noptim adam lr=0.01\ntrain epochs=20 batch=8 shuffle\n',
    );
    const trained = await nncIn(dir, {}, 'train', 'a.nn', '--device', 'cpu', '--save', 'w.safetensors');
    expect(trained.stderr).toContain('40 images of 2 classes (columns, rows), from 0 to 1');
    expect(trained.code).toBe(0);
    writeFileSync(join(dir, 'new.png'), stripes(true, 3));
    const told = await nncIn(dir, {}, 'predict', 'a.nn', '--weights', 'w.safetensors', '--data', 'new.png', '--device', 'cpu');
    expect(told.stdout).toMatch(/^rows \d+\.\d %/);
    writeFileSync(join(dir, 'wide.png'), encode({ width: 9, height: 8, channels: 1, data: new Uint8Array(72) }));
    const wrong = await nncIn(dir, {}, 'predict', 'a.nn', '--weights', 'w.safetensors', '--data', 'wide.png', '--device', 'cpu');
    expect([wrong.code, wrong.stderr]).toEqual([1, expect.stringContaining('wide.png has 9 x 8 pixels, and the input takes 8 x 8')]);
  });
});

describe('byte pairs', () => {
  it('are learned from a text, and a trained model speaks', async () => {
    const dir = temporary();
    writeFileSync(join(dir, 'a.txt'), readFileSync('examples/tale.txt', 'utf8').slice(0, 6000));
    writeFileSync(
      join(dir, 'a.nn'),
      'input t: int[16]\ndata "a.txt" tokens=bpe vocabulary=300 context=16\nlayer Embedding(300, 8) -> Linear(8, 300)\nloss cross_entropy\noptim adam lr=0.05\ntrain epochs=3 batch=16\n',
    );
    const trained = await nncIn(dir, {}, 'train', 'a.nn', '--device', 'cpu', '--save', 'w.safetensors');
    expect(trained.stderr).toContain('300 tokens of byte pairs are learned from the text');
    const spoken = await nncIn(
      dir,
      {},
      'generate',
      'a.nn',
      '--weights',
      'w.safetensors',
      '--prompt',
      'The fox',
      '--tokens',
      '20',
      '--device',
      'cpu',
    );
    expect(spoken.stdout).toMatch(/^The fox[^\uFFFD]{20,}/);
    expect(spoken.code).toBe(0);
  });
});
