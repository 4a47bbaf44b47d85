import { encode } from 'fast-png';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
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
    mkdirSync(join(dir, 'flat'));
    for (const i of [0, 1, 2]) writeFileSync(join(dir, 'flat', `${i}.png`), stripes(i !== 1, i));
    const run = (command: string, ...more: readonly string[]) =>
      nncIn(dir, {}, command, 'a.nn', '--weights', 'w.safetensors', '--device', 'cpu', ...more);
    const names = ['0.png', '1.png', '2.png'].map((n) => join('flat', n));
    const lines = (await run('predict', '--data', 'flat')).stdout.trim().split('\n');
    expect(lines.map((l) => l.replace(/ \d.*/, ''))).toEqual([
      `${names[0] ?? ''}: rows`,
      `${names[1] ?? ''}: columns`,
      `${names[2] ?? ''}: rows`,
    ]);
    const json = JSON.parse((await run('predict', '--data', 'flat', '--json')).stdout) as { file: string; class: string }[];
    expect(json.map((r) => [r.file, r.class])).toEqual(names.map((n, i) => [n, i === 1 ? 'columns' : 'rows']));
    expect((await run('predict', '--data', 'stripes')).stdout.trim().split('\n')).toHaveLength(40);
    for (const given of ['flat', join('flat', '0.png')]) {
      const judged = await run('eval', '--data', given);
      expect([judged.code, judged.stderr]).toEqual([
        1,
        expect.stringContaining(
          `${names[0] ?? ''} lies in no folder of a class, so its class is not known\n  = help: give a folder that holds a folder for each class, with .png or .jpg files in it`,
        ),
      ]);
    }
    mkdirSync(join(dir, 'nothing'));
    const none = await run('predict', '--data', 'nothing');
    expect([none.code, none.stderr]).toEqual([
      1,
      expect.stringContaining('nothing holds no images\n  = help: it should hold .png or .jpg files, or folders of them'),
    ]);
    writeFileSync(join(dir, 'wide.png'), encode({ width: 9, height: 8, channels: 1, data: new Uint8Array(72) }));
    const wrong = await nncIn(dir, {}, 'predict', 'a.nn', '--weights', 'w.safetensors', '--data', 'wide.png', '--device', 'cpu');
    expect([wrong.code, wrong.stderr]).toEqual([1, expect.stringContaining('wide.png has 9 x 8 pixels, and the input takes 8 x 8')]);
  });
});

describe('what else lies in a folder of images', () => {
  const program = (outputs: number): string =>
    `input x: [1, 2, 2]\ndata "ds"\nlayer flatten -> Linear(4, ${outputs})\nloss cross_entropy\noptim adam\ntrain epochs=2\n`;
  const png = encode({ width: 2, height: 2, channels: 1, data: new Uint8Array(4) });
  function folder(...files: readonly string[]) {
    const dir = temporary();
    for (const file of files) {
      mkdirSync(dirname(join(dir, 'ds', file)), { recursive: true });
      writeFileSync(join(dir, 'ds', file), png);
    }
    return {
      dir,
      async run(outputs: number, command = 'train', ...more: readonly string[]) {
        writeFileSync(join(dir, 'a.nn'), program(outputs));
        return nncIn(dir, {}, command, 'a.nn', '--device', 'cpu', ...more);
      },
    };
  }
  const at = (...parts: readonly string[]): string => join('ds', ...parts);

  it('is said', async () => {
    const said = await folder('a/1.png', 'a/2.bmp', 'b/1.png', 'b/deep/2.png', 'stray.png').run(2);
    expect(said.code).toBe(0);
    for (const line of [
      '2 images of 2 classes (a, b), from 0 to 1',
      `not read in ${at('a')}: 1 file of another kind, such as ${at('a', '2.bmp')}`,
      `not read in ${at('b')}: 1 folder of its own, such as ${at('b', 'deep')}`,
      `not read in ds: 1 file beside the folders of classes, such as ${at('stray.png')}`,
    ])
      expect(said.stderr).toContain(line);
  });

  it('is left out where systems made it', async () => {
    const said = await folder('a/1.png', 'a/._1.png', 'a/.DS_Store', 'b/1.png', '__MACOSX/1.png', '.ipynb_checkpoints/1.png').run(2);
    expect([said.code, said.stderr]).toEqual([0, expect.stringContaining('2 images of 2 classes (a, b)')]);
    expect(said.stderr).not.toContain('not read');
  });

  it('may not be all that a class has', async () => {
    const bitmaps = await folder('a/1.png', 'b/1.png', 'c/1.bmp', 'c/2.bmp').run(3);
    expect([bitmaps.code, bitmaps.stderr]).toEqual([
      1,
      expect.stringContaining(`${at('c')} is the folder of a class, and has no .png or .jpg file, and 2 files of other kinds`),
    ]);
    expect(bitmaps.stderr).toContain('help: save its images as .png or .jpg, or take the folder away');
    const deep = await folder('a/1.png', 'b/1.png', 'c/one/1.png').run(3);
    expect(deep.stderr).toContain(`${at('c')} is the folder of a class, and has no .png or .jpg file, and 1 folder of its own`);
    expect(deep.stderr).toContain('help: put the images into it, not into folders of it, or take the folder away');
  });

  it('and more outputs than classes are told, and predictions have the names of those that exist', async () => {
    const { run } = folder('a/1.png', 'b/1.png');
    const trained = await run(4, 'train', '--save', 'w.safetensors');
    expect(trained.stderr).toContain('advice: the model has 4 outputs, and the data 2 classes (a, b): make the last layer 2 wide');
    const told = await run(4, 'predict', '--weights', 'w.safetensors', '--data', 'ds', '--json');
    const [first] = JSON.parse(told.stdout) as Record<string, unknown>[];
    expect(Object.keys(first ?? {}).join()).toMatch(/\ba\b.*\bb\b.*output 2.*output 3/);
    const judged = await run(4, 'eval', '--weights', 'w.safetensors');
    expect(judged.stdout).toMatch(/^a .*\nb .*\noutput 2 .*\noutput 3 /m);
    const few = await run(1);
    expect(few.code).not.toBe(0);
  });
});

describe('a model of text', () => {
  it.each(['chars', 'bytes', 'bpe vocabulary=270'])('of %s is judged and predicts in text', async (tokens) => {
    const dir = temporary();
    writeFileSync(join(dir, 'a.txt'), 'ab\nba '.repeat(60));
    writeFileSync(
      join(dir, 'a.nn'),
      `input t: int[6]\ndata "a.txt" tokens=${tokens} context=6\nlayer Embedding(300, 8) -> Linear(8, 300)\nloss cross_entropy\noptim adam lr=0.1\ntrain epochs=2 batch=8\n`,
    );
    const run = (command: string, ...more: readonly string[]) => nncIn(dir, {}, command, 'a.nn', '--device', 'cpu', ...more);
    expect((await run('train', '--save', 'w.safetensors')).code).toBe(0);
    const told = (await run('predict', '--weights', 'w.safetensors', '--data', 'a.txt')).stdout.trimEnd().split('\n');
    expect(told.join('')).toMatch(/^(?:[ab ]|\\n)+$/);
    const judged = await run('eval', '--weights', 'w.safetensors');
    expect(judged.stdout).toMatch(/^"(?: ?ab?|ba?)" /m);
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

describe('names of files', () => {
  const program = (data: string): string => `data "${data}" x=a y=b\nlayer Linear(1, 1)\nloss mse\noptim adam\ntrain epochs=2\n`;

  it('may be written as on Windows', async () => {
    const dir = temporary();
    mkdirSync(join(dir, 'sub', 'new'), { recursive: true });
    writeFileSync(join(dir, 'sub', 'new', 'house.csv'), 'a,b\n1,2\n2,4\n');
    writeFileSync(join(dir, 'a.nn'), program('sub\\new\\house.csv'));
    expect((await nncIn(dir, {}, 'train', 'a.nn', '--device', 'cpu')).code).toBe(0);
    writeFileSync(join(dir, 'b.nn'), program('C:\\data\\house.csv'));
    expect((await nncIn(dir, {}, 'train', 'b.nn')).stderr).toContain('C:/data/house.csv cannot be read: it does not exist');
  });

  it('are no addresses on the web', async () => {
    const dir = temporary();
    const said = 'https://example.org/house.csv is an address on the web, and nnc reads files';
    writeFileSync(join(dir, 'a.nn'), program('https://example.org/house.csv'));
    const own = await nncIn(dir, {}, 'train', 'a.nn');
    expect(own.stderr).toContain(said);
    expect(own.stderr).toContain('download it first: curl -LO https://example.org/house.csv');
    expect(own.stderr).toContain('--> a.nn:1:1');
    expect((await nncIn(dir, {}, 'train', 'a.nn', '--data', 'https://example.org/house.csv')).stderr).toContain(said);
    expect((await nncIn(dir, {}, 'train', 'https://example.org/house.csv')).code).not.toBe(0);
  });
});
