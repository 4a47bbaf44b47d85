import { encode } from 'fast-png';
import { mkdirSync, writeFileSync } from 'node:fs';
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

  it('takes a folder of images, large or small, grey or in colour', async () => {
    for (const [size, channels, input, last] of [
      [200, 3, 'input x: [3, 64, 64]', 'flatten -> Linear(8192, 2)'],
      [3, 1, 'input x: [1, 3, 3]', '   -> Linear(64, 2)'],
    ] as const) {
      const dir = temporary();
      for (const [i, name] of ['cats', 'dogs'].entries()) {
        mkdirSync(join(dir, 'photos', name), { recursive: true });
        for (let k = 0; k < 4; k++)
          writeFileSync(
            join(dir, 'photos', name, `${k}.png`),
            encode({ width: size, height: size, channels, data: new Uint8Array(size * size * channels).fill(i * 200 + k) }),
          );
      }
      writeFileSync(join(dir, 'photos', 'notes.txt'), '');
      const made = await nncIn(dir, {}, 'new', 'ph', '--data', 'photos');
      expect(made.stdout).toContain(
        `ph.nn: tells the class of an image, one of 2\n  not read in photos: 1 file beside the folders of classes, such as ${join('photos', 'notes.txt')}\n`,
      );
      for (const part of [input, last, 'nnc predict ph.nn --weights ph.safetensors --data photo.png']) expect(made.stdout).toContain(part);
      const trained = await nncIn(dir, {}, 'train', 'ph.nn', '--device', 'cpu', '--epochs', '1');
      expect(trained.code, trained.stderr).toBe(0);
      expect((await nncIn(dir, {}, 'new', 'b', '--data', 'photos', '--target', 'y')).stderr).toContain(
        '--target names columns of a table, and photos is a folder of images\n  = help: take --target away',
      );
      expect((await nncIn(dir, {}, 'new', 'b', '--data', join('photos', 'cats'))).stderr).toContain(
        `${join('photos', 'cats')} has no images of two classes or more\n  = help: put the .png or .jpg files of each class into a folder of its own, which has the name of the class`,
      );
    }
  });
});
