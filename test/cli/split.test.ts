import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { nncIn, temporary, type Outcome } from '../support/cli.ts';

/** Held-out examples: of another file, by time, by group, and one fold after the other. */
describe('held-out examples', () => {
  const dir = temporary();
  const write = (name: string, text: string): void => writeFileSync(join(dir, name), text);
  const run = (...args: readonly string[]): Promise<Outcome> => nncIn(dir, {}, ...args);
  const program = (data: string): string =>
    `data "a.csv" x=[a, city] y=y normalize ${data}\nlayer Linear(3, 8) -> tanh -> Linear(8, 1)\nloss mse\nmetric r2\noptim adam lr=0.05\ntrain epochs=40 batch=10 seed=1\n`;

  beforeAll(() => {
    const row = (i: number): string => `${i / 20},${i % 3 ? 'Nice' : 'Rome'},${Math.floor(i / 6)},${(i / 20) * 2 + (i % 3 ? 1 : 0)}`;
    write('a.csv', `a,city,house,y\n${Array.from({ length: 60 }, (_, i) => row(i)).join('\n')}\n`);
    write('b.csv', 'city,y,a\nRome,2.1,1.05\nNice,3.5,1.25\n');
    write('strange.csv', 'city,y,a\nBern,2.1,1.05\n');
    write('test.nn', program('test="b.csv"'));
    write('strange.nn', program('test="strange.csv"'));
    write('last.nn', program('split=0.9 hold=last'));
    write('groups.nn', program('split=0.8 groups=house'));
    write('plain.nn', program(''));
  });

  it('come from another file, read as the training data is', async () => {
    const { code, stdout, stderr } = await run('train', 'test.nn', '--device', 'cpu');
    expect(code, stderr).toBe(0);
    expect(Number(/held out: loss ([\d.e-]+)/.exec(stdout)?.[1])).toBeLessThan(0.1);
    const strange = await run('train', 'strange.nn', '--device', 'cpu');
    expect([strange.code, strange.stderr]).toEqual([
      1,
      expect.stringContaining("'Bern' is none of the 2 words of 'city' that a.csv was trained with"),
    ]);
  });

  it.each(['last', 'groups'])('are those of hold and groups: %s', async (name) => {
    const { code, stdout, stderr } = await run('train', `${name}.nn`, '--device', 'cpu');
    expect(code, stderr).toBe(0);
    expect(stdout).toContain('held-out r2');
  });

  it('are each part of the data in turn, with --folds', async () => {
    const { code, stdout, stderr } = await run('train', 'plain.nn', '--folds', '3', '--device', 'cpu');
    expect(code, stderr).toBe(0);
    expect(stdout.split('\n').filter((l) => /^ +[123] +20 /.test(l))).toHaveLength(3);
    expect(stdout).toMatch(/held-out r2: 0\.9\d+ \+- [\d.e-]+ \(standard deviation over 3 folds\)/);
    const tested = await run('train', 'test.nn', '--folds', '3', '--device', 'cpu');
    expect([tested.code, tested.stderr]).toEqual([
      0,
      expect.stringContaining('--folds holds out a part of the data each time: the examples of test="b.csv" are not looked at'),
    ]);
    const saved = await run('train', 'plain.nn', '--folds', '3', '--save', 'w.safetensors');
    expect([saved.code, saved.stderr]).toEqual([2, expect.stringContaining('--save is for one net, and --folds trains 3')]);
  });
});
