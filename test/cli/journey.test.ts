import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { nncIn, temporary, type Outcome } from '../support/cli.ts';

/** A table with words, gaps and dollars becomes a trained, judged model and a prediction with a name, in four commands. */

function homes(): string {
  const cities = ['Paris', 'Lyon', 'Nice', 'Rome'];
  const perSqm = [9000, 5000, 6000, 5500];
  let seed = 7;
  const next = (n: number): number => Math.floor(((seed = (seed * 16807) % 2147483647) / 2147483647) * n);
  const rows = Array.from({ length: 300 }, (_, i) => {
    const [city, sqm] = [next(4), 30 + next(170)];
    const price = (perSqm[city] ?? 0) * sqm + next(40000);
    const kind = price < 400_000 ? 'cheap' : price < 800_000 ? 'fair' : 'dear';
    return `${i + 1},${cities[city] ?? ''},${next(10) === 0 ? '' : sqm},${next(20) === 0 ? 'NA' : next(2) ? 'yes' : 'no'},"$${price.toLocaleString('en-US')}",${kind}`;
  });
  return `id,city,sqm,garden,price,kind\n${rows.join('\n')}\n`;
}

describe('from an unknown table to a named prediction', () => {
  const dir = temporary();
  const run = (...args: readonly string[]): Promise<Outcome> => nncIn(dir, {}, ...args);
  const all: Outcome[] = [];

  beforeAll(async () => {
    writeFileSync(join(dir, 'homes.csv'), homes());
    all.push(await run('new', 'homes', '--data', 'homes.csv'));
    all.push(await run('train', 'homes.nn', '--save', 'homes.safetensors', '--device', 'cpu'));
    all.push(await run('eval', 'homes.nn', '--weights', 'homes.safetensors', '--device', 'cpu'));
    all.push(
      await run(
        'predict',
        'homes.nn',
        '--weights',
        'homes.safetensors',
        '--input',
        'city=Rome, sqm=40, garden=no, price=$230000',
        '--device',
        'cpu',
      ),
    );
  });

  it('writes a program, and says what it left out', () => {
    expect(all[0]?.code, all[0]?.stderr).toBe(0);
    expect(readFileSync(join(dir, 'homes.nn'), 'utf8')).toMatchInlineSnapshot(`
      "# Tells the class 'kind' from 4 columns of homes.csv.
      data  "homes.csv" x=[city, sqm, garden, price] y=kind normalize missing=flag split=0.8
      layer Linear(10, 32) -> relu -> Linear(32, 32) -> relu -> Linear(32, 3)
      loss  cross_entropy
      metric accuracy
      metric f1
      optim adamw lr=cosine(0.003, warmup=20) weight_decay=0.01
      train epochs=200 batch=32 shuffle seed=1 early_stop=20
      "
    `);
    expect(all[0]?.stdout).toContain('without the column id: it numbers the rows');
  });

  it('trains it, says how words are read, stops early and keeps the best', () => {
    expect(all[1]?.code, all[1]?.stderr).toBe(0);
    expect(all[1]?.stderr).toContain('kind: the words are the classes 0 cheap, 1 dear, 2 fair');
    expect(all[1]?.stdout).toContain('its weights are kept');
  });

  it('judges it by class', () => {
    expect(all[2]?.code, all[2]?.stderr).toBe(0);
    expect(Number(/accuracy +([\d.]+)/.exec(all[2]?.stdout ?? '')?.[1])).toBeGreaterThan(0.85);
    expect(all[2]?.stdout).toMatch(/class +precision +recall +f1 +examples\ncheap +/);
    expect(all[2]?.stdout).toMatch(/real \\ predicted +cheap +dear +fair\n/);
  });

  it('predicts a name, with the odds of the others', () => {
    expect(all[3]?.code, all[3]?.stderr).toBe(0);
    expect(all[3]?.stdout).toMatch(/^cheap [\d.]+ %  \((fair|dear) [\d.]+ %, (fair|dear) [\d.]+ %\)\n$/);
  });

  it('gives predictions of a file as a table, as JSON, as plain numbers', async () => {
    writeFileSync(join(dir, 'two.csv'), 'price,city,sqm,garden\n"$900,000",Paris,100,yes\n250000,Rome,,NA\n');
    const call = ['predict', 'homes.nn', '--weights', 'homes.safetensors', '--data', 'two.csv', '--device', 'cpu'];
    const [csv, json, logits] = [await run(...call, '--out', 'p.csv'), await run(...call, '--json'), await run(...call, '--logits')];
    expect([csv?.code, json?.code, logits?.code], csv?.stderr).toEqual([0, 0, 0]);
    expect(readFileSync(join(dir, 'p.csv'), 'utf8')).toMatch(/^class,p\(cheap\),p\(dear\),p\(fair\)\ndear,.*\ncheap,.*\n$/);
    const [one] = JSON.parse(json.stdout) as { class: string; 'p(dear)': number }[];
    expect(one?.class).toBe('dear');
    expect(one?.['p(dear)']).toBeGreaterThan(0.5);
    expect(logits.stdout).toMatch(/^-?[\d.e-]+,-?[\d.e-]+,-?[\d.e-]+\n/);
  });

  it.each<[string, readonly string[], string]>([
    ['a word that was not there', ['--input', 'city=Pariss, price=3'], "did you mean 'Paris'?"],
    ['a column that is none', ['--input', 'town=Paris'], "'town' is no column of the model"],
    ['too few values', ['--input', 'Paris,3'], 'the model takes 4 values for each example'],
  ])('refuses %s', async (_what, args, message) => {
    const { code, stderr } = await run('predict', 'homes.nn', '--weights', 'homes.safetensors', '--device', 'cpu', ...args);
    expect(code).toBeGreaterThan(0);
    expect(stderr).toContain(message);
  });

  it('keeps what the user has', async () => {
    const { code, stderr } = await run('new', 'homes', '--data', 'homes.csv');
    expect([code, stderr]).toEqual([1, expect.stringContaining('homes.nn is there already')]);
  });

  it('starts from an example', async () => {
    const { code, stdout } = await run('new', 'first');
    expect([code, stdout]).toEqual([0, expect.stringContaining('first.nn, house.csv: a number from numbers')]);
    expect((await run('check', 'first.nn')).code).toBe(0);
  });
});

describe('a table with decimal commas', () => {
  it('becomes a program that reads them, with dotted dates, and predicts', async () => {
    const dir = temporary();
    const run = (...args: readonly string[]): Promise<Outcome> => nncIn(dir, {}, ...args);
    const rows = Array.from(
      { length: 60 },
      (_, i) => `${String((i % 28) + 1).padStart(2, '0')}.03.2024;${(7 * i) % 13},5;"${2 * i + 1},25"`,
    );
    writeFileSync(join(dir, 'preise.csv'), `datum;menge;preis\n${rows.join('\n')}\n`);
    const made = await run('new', 'preise', '--data', 'preise.csv');
    expect(made.stdout).toContain("preise.nn: tells the number 'preis'");
    expect(made.stdout).toContain('x=[datum, menge] y=preis normalize normalize_target dates decimal=comma split=0.8');
    expect((await run('train', 'preise.nn', '--device', 'cpu', '--epochs', '2', '--save', 'preise.safetensors')).code).toBe(0);
    const predict = (input: string) => run('predict', 'preise.nn', '--weights', 'preise.safetensors', '--device', 'cpu', '--input', input);
    expect((await predict('datum=05.03.2024, menge="80,5"')).stdout).toMatch(/^-?\d+(\.\d+)?\n$/);
    expect((await predict('datum=05.03.2024, menge=80.5')).stderr).toContain(
      `'menge' needs a number, and this is "80.5"\n  = help: with decimal=comma, numbers are written as 80,5 or 1.234,5: a dot only stands before three digits`,
    );
  });
});

describe('slips of the command line', () => {
  it.each<[readonly string[], string]>([
    [['house.nn'], 'house.nn is a program, and nnc needs to know what to do with it\n  = help: train it with: nnc train house.nn'],
    [['house.csv'], 'house.csv is a table, and nnc needs a program\n  = help: write a first one with: nnc new NAME --data house.csv'],
    [['train', 'examples/house.csv'], 'examples/house.csv is no program: a program is a .nn file'],
    [
      ['train', 'examples/house.nn', '--lr', '0.1'],
      'there is no flag --lr: the program says it\n  = help: write in the .nn file: optim adam lr=0.01',
    ],
    [['train', 'examples/house.nn', '--batch-size', '4'], 'there is no flag --batch-size\n  = help: here it is --batch'],
    [['train', 'examples/house.nn', '--save-best'], '--save-best looks at held-out examples, and the program holds none out'],
    [['train', 'examples/house.nn', '--allow-missing'], '--allow-missing says how to take weights over, and there are none'],
    [
      ['predict', 'a.nn', '--weights', 'w.safetensors', '--data', 'a.png', '--data', 'b.png'],
      '--data is given twice, and only one counts\n  = help: keep one of them',
    ],
    [
      ['train', 'examples/house.nn', '--steps', '1', '--device', 'cpu', '--save', 'w.pt'],
      'w.pt would not hold what its ending says: weights are written as .safetensors\n  = help: write w.safetensors',
    ],
    [
      ['predict', 'examples/house.nn', '--weights', 'test/parity/house/final.safetensors', '--input', '3', '--out', 'p.xlsx'],
      'p.xlsx would not hold what its ending says: predictions are written as .csv, .json or .safetensors\n  = help: write p.csv',
    ],
    [['draw', 'examples/house.nn', '-o', 'net.png'], 'net.png would not hold what its ending says: a picture is written as .svg'],
    [['train', 'a.nn', '--save', 'a', '--save=b'], '--save is given twice, and only one counts'],
    [['new', 'x', '--target', 'y'], '--target is a column of the file that --data names'],
    [['eval', 'examples/house.nn'], "error: required option '--weights <file>' not specified"],
    [['generate', 'examples/house.nn', '--weights', 'test/parity/house/final.safetensors'], 'the model does not read text'],
  ])('%j', async (args, message) => {
    const { code, stderr } = await nncIn(process.cwd(), {}, ...args);
    expect(code).toBeGreaterThan(0);
    expect(stderr).toContain(message);
  });

  it('nnc alone says what to try first, and nnc version what it is', async () => {
    expect(await nncIn(process.cwd(), {})).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('nnc new mine --data mine.csv') as string,
    });
    expect((await nncIn(process.cwd(), {}, 'version')).stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
  });
});
