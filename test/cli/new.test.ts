import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { nncIn, temporary, type Outcome } from '../support/cli.ts';

/** What `nnc new` writes for a table, `nnc train` takes. */

/** Writes a table, then a program for it, and trains that for a moment. */
async function firstRun(csv: string, ...flags: readonly string[]): Promise<{ readonly made: Outcome; readonly trained: Outcome }> {
  const dir = temporary();
  writeFileSync(join(dir, 't.csv'), csv);
  const made = await nncIn(dir, {}, 'new', 'm', '--data', 't.csv', ...flags);
  return { made, trained: await nncIn(dir, {}, 'train', 'm.nn', '--device', 'cpu', '--epochs', '2') };
}

describe('nnc new', () => {
  it('takes a table of two columns of which one counts', async () => {
    const { made, trained } = await firstRun('x,y\n1,2\n2,4\n3,6\n4,8\n5,10\n');
    expect(made.code, made.stderr).toBe(0);
    expect(made.stdout).toContain("m.nn: tells the number 'y'\n  x numbers the rows, and is an input since it may tell more than that\n");
    expect(trained.code, trained.stderr).toBe(0);
  });

  it('takes the table of a program that numbers rows in a column without a name, and has names twice', async () => {
    const { made, trained } = await firstRun(
      `,a,a,y\n${Array.from({ length: 30 }, (_, i) => `${i},${i * i},${(i * 7) % 5},${3 * i}`).join('\n')}\n`,
    );
    expect(made.code, made.stderr).toBe(0);
    expect(made.stdout).toContain('x=[a, "a.1"] y=y');
    expect(trained.code, trained.stderr).toBe(0);
  });

  it('says how to make a program for a table whose name it is given', async () => {
    const { code, stderr } = await nncIn(temporary(), {}, 'new', 'tables/Homes.CSV');
    expect([code, stderr]).toEqual([
      2,
      expect.stringContaining(
        'tables/Homes.CSV is a name for a table, and this is the name of the program to write\n  = help: to make a program for that table: nnc new Homes --data tables/Homes.CSV',
      ),
    ]);
  });

  it('makes classes of labels that are numbers and words', async () => {
    const labels = ['1', '2', 'other'];
    const { made, trained } = await firstRun(
      `a,label\n${Array.from({ length: 60 }, (_, i) => `${i * i},${labels[i % 3] ?? ''}`).join('\n')}\n`,
    );
    expect(made.stdout).toContain('y=label normalize words=[label]');
    expect(trained.code, trained.stderr).toBe(0);
    expect(trained.stderr).toContain('label: the words are the classes 0 1, 1 2, 2 other');
  });
});
