import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { nncIn, temporary, type Outcome } from '../support/cli.ts';

/** The best weights on held-out examples survive an interruption: what is judged, and how long it waits, is as if the run had never stopped. */
const PROGRAM = `data n=40 seed=3 split=0.5 { x = uniform(-1, 1); y = sin(3*x) + 0.6*normal() }
layer Linear(1, 24) -> tanh -> Linear(24, 1)
loss mse
metric mae
optim adam lr=0.05
train epochs=300 batch=10 seed=2 early_stop=12
`;
const EPOCH = 2;
const dir = temporary();
writeFileSync(join(dir, 'a.nn'), PROGRAM);
writeFileSync(join(dir, 'c.nn'), PROGRAM.replace('split=0.5 ', '').replace(' early_stop=12', ''));
const train = (folder: string, ...more: readonly string[]): Promise<Outcome> =>
  nncIn(dir, {}, 'train', 'a.nn', '--device', 'cpu', '--checkpoint', folder, '--save', `${folder}.safetensors`, ...more);
const bytes = (name: string): string => readFileSync(join(dir, name)).toString('hex');
/** A line of `--log`. */
interface Line {
  readonly step: number;
  readonly held_out?: { readonly loss: number };
}
const BEST = /the best on held-out examples was after epoch (\d+): .*/;

const straight = await train('straight');
const best = Number(BEST.exec(straight.stdout)?.[1]);

describe('the best weights of a run', () => {
  it('come some way before its end', () => {
    expect(straight.stdout).toContain('stopped early, nothing better in 12 epochs');
    expect(best).toBeGreaterThan(3);
  });

  it.each([
    ['before the best', () => best - 2],
    ['just after the best', () => best + 1],
    ['when most of the patience is gone', () => best + 11],
  ])('are the same where it stops and goes on %s', async (name, epochs) => {
    const folder = name.replaceAll(' ', '-');
    await train(folder, '--steps', String(EPOCH * epochs()));
    const { code, stdout, stderr } = await train(folder, '--resume');
    expect([code, stderr]).toEqual([0, expect.not.stringContaining('judged')]);
    expect(BEST.exec(stdout)?.[0]).toBe(BEST.exec(straight.stdout)?.[0]);
    expect(stdout).toContain('stopped early, nothing better in 12 epochs');
    expect(bytes(`${folder}.safetensors`)).toBe(bytes('straight.safetensors'));
    expect(bytes(join(folder, 'best.safetensors'))).toBe(bytes(join('straight', 'best.safetensors')));
    expect(bytes(join(folder, 'checkpoint.safetensors'))).toBe(bytes(join('straight', 'checkpoint.safetensors')));
  });

  it('are looked for anew where their file is damaged', async () => {
    await train('damaged', '--steps', '20');
    const path = join(dir, 'damaged', 'best.safetensors');
    const whole = readFileSync(path);
    const bad = [whole.subarray(0, 40), Buffer.alloc(0), Buffer.concat([whole.subarray(0, -3), Buffer.from([1, 2, 3])])];
    for (const [i, content] of bad.entries()) {
      writeFileSync(path, content);
      const { code, stderr } = await train('damaged', '--resume', '--steps', String(22 + 2 * i));
      expect([code, stderr]).toEqual([0, expect.stringContaining('best.safetensors is damaged: its checksum is another one')]);
    }
  });

  it('are those of the best of all epochs, the first one too, however long the patience is', async () => {
    const judged = async (from: string, to: string): Promise<readonly number[]> => {
      writeFileSync(
        join(dir, 'e.nn'),
        PROGRAM.replace('epochs=300', 'epochs=60').replace('early_stop=12', 'early_stop=25').replace(from, to),
      );
      const { stdout } = await nncIn(dir, {}, 'train', 'e.nn', '--device', 'cpu', '--log', 'e.jsonl');
      const held = readFileSync(join(dir, 'e.jsonl'), 'utf8')
        .trim()
        .split('\n')
        .map((l) => JSON.parse(l) as Line)
        .filter((l) => l.held_out);
      const epochs = held.map((l) => (l.step + 1) / EPOCH - 1);
      expect(epochs).toEqual([...epochs.keys()]);
      const values = held.map((l) => l.held_out?.loss ?? NaN);
      const lowest = values.indexOf(Math.min(...values));
      expect(Number(BEST.exec(stdout)?.[1])).toBe(lowest);
      return [lowest, epochs.length];
    };
    for (const patience of [20, 25, 50]) expect((await judged('early_stop=25', `early_stop=${patience}`))[0]).toBeGreaterThan(3);
    expect(await judged('adam lr=0.05', 'sgd lr=0.001 maximize')).toEqual([0, 26]);
  });

  it('are the same where a run with a long patience is interrupted', async () => {
    const text = PROGRAM.replace('early_stop=12', 'early_stop=25').replace('epochs=300', 'epochs=120');
    writeFileSync(join(dir, 'b.nn'), text);
    const run = (folder: string, ...more: readonly string[]): Promise<Outcome> =>
      nncIn(dir, {}, 'train', 'b.nn', '--device', 'cpu', '--checkpoint', folder, ...more);
    await run('b1');
    await run('b2', '--steps', '14');
    await run('b2', '--resume');
    expect(bytes(join('b2', 'checkpoint.safetensors'))).toBe(bytes(join('b1', 'checkpoint.safetensors')));
  });

  it('are looked for anew where they were judged by something else', async () => {
    await train('other', '--steps', '20', '--save-best', 'loss');
    const { code, stderr } = await train('other', '--resume', '--save-best', 'mae');
    expect(code).toBe(0);
    expect(stderr).toContain(
      `${join('other', 'best.safetensors')} was not judged by this run's held-out mae, so the best is looked for anew`,
    );
  });

  it.each([
    ['early_stop=100', []],
    ['', ['--save-best', 'mae', '--trap-nonfinite']],
  ])('are saved where the loss is no number later on (%s %j)', async (setting, flags) => {
    const rising = PROGRAM.replace('adam lr=0.05', 'sgd lr=linear(0.01, end=4)').replace('early_stop=12', setting);
    writeFileSync(join(dir, 'rising.nn'), rising);
    const out = `rising-${flags.length}.safetensors`;
    const r = await nncIn(dir, {}, 'train', 'rising.nn', '--device', 'cpu', '--save', out, ...flags);
    expect(r.code).toBe(1);
    expect(r.stderr).toContain('error[NN702]');
    expect(r.stdout).toMatch(/failed after \d+ steps in /);
    const held = Number(/the best on held-out examples was after epoch \d+: loss ([\d.]+),/.exec(r.stdout)?.[1]);
    const judged = await nncIn(dir, {}, 'eval', 'rising.nn', '--weights', out, '--device', 'cpu', '--json');
    expect((JSON.parse(judged.stdout) as { readonly loss: number }).loss).toBeCloseTo(held, 4);
  });

  it('are those of every net of a population, as of the net alone', async () => {
    const seeds = await nncIn(dir, {}, 'train', 'a.nn', '--seeds', '3', '--device', 'cpu', '--save', 'seeds.safetensors');
    expect(seeds.stderr).toContain('each is judged after every epoch, and its values are those of its best');
    const [, seed = '', held, epoch] = /^(seed \d+) +[\d.]+ +[\d.]+ +[\d.]+ +([\d.]+) +[\d.]+ +(epoch \d+)$/m.exec(seeds.stdout) ?? [];
    expect(seeds.stdout).toContain(`best: ${seed} (held-out mae `);
    const alone = ['--seed', seed.replace('seed ', ''), '--device', 'cpu', '--save', 'alone.safetensors'];
    const { stdout } = await nncIn(dir, {}, 'train', 'a.nn', ...alone);
    expect(stdout).toContain(`the best on held-out examples was after ${epoch}: loss ${held},`);
    expect(bytes('seeds.safetensors')).toBe(bytes('alone.safetensors'));
  });

  it('are looked for by a metric in a population, and by the loss in folds', async () => {
    const seeds = await nncIn(dir, {}, 'train', 'a.nn', '--seeds', '2', '--device', 'cpu', '--save-best', 'mae', '--epochs', '40');
    expect(seeds.stdout).toContain('ranked by held-out mae, the lowest first; values of training are means over the epoch of the best');
    const folds = await nncIn(dir, {}, 'train', 'a.nn', '--folds', '2', '--device', 'cpu');
    expect(folds.stderr).toContain('each is judged after every epoch, and its values are those of its best');
    expect(folds.stdout).toMatch(/best after\n( +\d+ +20 .* epoch \d+\n){2}held-out loss: /);
    const none = await nncIn(dir, {}, 'train', 'c.nn', '--seeds', '2', '--save-best');
    expect([none.code, none.stderr]).toEqual([2, expect.stringContaining('--save-best looks at held-out examples')]);
    writeFileSync(join(dir, 'rows.csv'), Array.from({ length: 20 }, (_, i) => `${i / 10},${i / 5}\n`).join(''));
    writeFileSync(
      join(dir, 'tested.nn'),
      'data "rows.csv" test="rows.csv"\nlayer Linear(1, 1)\nloss mse\nmetric r2\noptim sgd lr=0.1\ntrain epochs=5 batch=5\n',
    );
    const train = (...more: readonly string[]) => nncIn(dir, {}, 'train', 'tested.nn', '--device', 'cpu', '--save-best', 'r2', ...more);
    const tested = await train();
    expect([tested.code, tested.stdout]).toEqual([0, expect.stringMatching(/best/)]);
    const other = await train('--data', 'rows.csv');
    expect([other.code, other.stderr]).toEqual([
      2,
      expect.stringContaining('holds none out\n  = help: with --data, test="rows.csv" is not read: write split=0.9 for it'),
    ]);
  });
});
