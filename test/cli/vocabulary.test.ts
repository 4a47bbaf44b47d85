import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { readMetadata, readSafetensors, writeSafetensors } from '../../src/data/safetensors.ts';
import { nncIn, temporary, type Outcome } from '../support/cli.ts';

/** Numbers of characters mean something only to the weights that were trained with them. */

const MODEL = (tokens: string, classes: number): string =>
  `data "tale.txt" tokens=${tokens} context=4\ninput t: int[4]\nlayer Embedding(${classes}, 6) -> Linear(6, ${classes})\nloss cross_entropy\noptim adam lr=0.05\ntrain steps=20 seed=3\n`;
const KNOWN = { tokens: 'chars', entries: [' ', 'a', 'b', 'c', 'd', 'é'] };

describe('the vocabulary of a text', () => {
  const dir = temporary();
  const run = (...args: readonly string[]): Promise<Outcome> => nncIn(dir, {}, ...args);
  const write = (name: string, content: string | Uint8Array): void => writeFileSync(join(dir, name), content);
  const metadata = (name: string): unknown =>
    (JSON.parse(readMetadata(readFileSync(join(dir, name)))['nnc.learned'] ?? '{}') as { vocabulary?: unknown }).vocabulary;
  let trained: Outcome;

  beforeAll(async () => {
    write('m.nn', MODEL('chars', 6));
    write('bytes.nn', MODEL('bytes', 256));
    write('tale.txt', 'a cab é bad dab cab abcd '.repeat(8));
    write('other.txt', 'bdbd bdbd bdbd ');
    write('strange.txt', 'bdbd z bdbd');
    trained = await run('train', 'm.nn', '--save', 'w.safetensors', '--checkpoint', 'ck', '--device', 'cpu');
    const plain = readSafetensors(readFileSync(join(dir, 'w.safetensors')), 'w');
    write('plain.safetensors', writeSafetensors(Object.fromEntries(plain)));
  });

  it('is kept with the weights and with the checkpoint', () => {
    expect(trained.code, trained.stderr).toBe(0);
    expect(metadata('w.safetensors')).toEqual(KNOWN);
    expect(metadata('ck/checkpoint.safetensors')).toEqual(KNOWN);
  });

  it('numbers the text that predictions are made of', async () => {
    const [text, numbers] = await Promise.all([
      run('predict', 'm.nn', '--weights', 'w.safetensors', '--data', 'other.txt', '--device', 'cpu'),
      run('predict', 'm.nn', '--weights', 'w.safetensors', '--input', '2,4,2,4;0,2,4,2;4,0,2,4', '--device', 'cpu'),
    ]);
    expect(text.code, text.stderr).toBe(0);
    expect(text.stdout).toBe(numbers.stdout);
    expect(text.stderr).toBe('');
  });

  it('refuses a text with other characters', async () => {
    const wanted = 'character 6 of strange.txt is "z", which is none of the 6 that w.safetensors was trained with';
    const predicted = await run('predict', 'm.nn', '--weights', 'w.safetensors', '--data', 'strange.txt');
    const started = await run('train', 'm.nn', '--init', 'w.safetensors', '--data', 'strange.txt', '--device', 'cpu');
    const resumed = await run('train', 'm.nn', '--checkpoint', 'ck', '--resume', '--data', 'strange.txt', '--device', 'cpu');
    expect([predicted.code, started.code, resumed.code]).toEqual([1, 1, 1]);
    expect(predicted.stderr).toContain(wanted);
    expect(started.stderr).toContain(wanted);
    expect(resumed.stderr).toContain(wanted.replace('w.safetensors', join('ck', 'checkpoint.safetensors')));
  });

  it('refuses weights of another kind of tokens', async () => {
    const { code, stderr } = await run('predict', 'bytes.nn', '--weights', 'w.safetensors', '--data', 'other.txt');
    expect(code).toBe(1);
    expect(stderr).toContain('w.safetensors was trained with tokens=chars, and the program says tokens=bytes');
  });

  it('stays what it is where training goes on with another text', async () => {
    const { code, stderr } = await run(
      'train',
      'm.nn',
      '--init',
      'w.safetensors',
      '--data',
      'other.txt',
      '--save',
      'v.safetensors',
      '--device',
      'cpu',
    );
    expect(code, stderr).toBe(0);
    expect(metadata('v.safetensors')).toEqual(KNOWN);
  });

  it('is missed aloud where weights have none', async () => {
    const { code, stderr } = await run('predict', 'm.nn', '--weights', 'plain.safetensors', '--data', 'other.txt', '--device', 'cpu');
    expect(code).toBe(0);
    expect(stderr).toContain('plain.safetensors holds no vocabulary');
  });
});
