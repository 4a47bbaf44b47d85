import { gzipSync } from 'fflate';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { floats, idx, wholes } from '../support/arrays.ts';
import { nncIn, temporary } from '../support/cli.ts';

/** .npy and IDX files hold one tensor each: which labels belong to which images. */
const program = (data: string, width = 1): string =>
  `${width > 1 ? 'input x: [1, 2, 2]\n' : ''}data ${data}\nlayer ${width > 1 ? 'flatten -> ' : ''}Linear(${width}, 2)\nloss cross_entropy\nmetric accuracy\noptim adam lr=0.5\ntrain epochs=60\n`;

/** Below 0 is the class 0; the new labels are those of other rows. */
function folder(): string {
  const dir = temporary();
  mkdirSync(join(dir, 'np'));
  const put = (name: string, bytes: Uint8Array): void => writeFileSync(join(dir, 'np', name), bytes);
  put('X.npy', floats([4, 1], -2, -1, 1, 2));
  put('y.npy', wholes(0, 0, 1, 1));
  put('Xtest.npy', floats([4, 1], 2, 1, -1, -2));
  put('ytest.npy', wholes(1, 1, 0, 0));
  return dir;
}

const TAKEN = 'np/Xtest.npy needs a file for the target, and y.npy is that of np/X.npy';

describe('labels of new images', () => {
  it('are named by test_y, and never those of the training images', async () => {
    const dir = folder();
    const run = (command: string, file: string, ...more: readonly string[]) => nncIn(dir, {}, command, file, '--device', 'cpu', ...more);
    writeFileSync(join(dir, 'wrong.nn'), program('"np/X.npy" y="y.npy" test="np/Xtest.npy"'));
    const wrong = await run('train', 'wrong.nn');
    expect([wrong.code, wrong.stderr]).toEqual([1, expect.stringContaining(TAKEN)]);
    expect(wrong.stderr).toContain('help: name it in the data line: test="np/Xtest.npy" test_y="FILE"; FILE is beside np/Xtest.npy');

    writeFileSync(join(dir, 'a.nn'), program('"np/X.npy" y="y.npy" test="np/Xtest.npy" test_y="ytest.npy"'));
    expect((await run('train', 'a.nn', '--save', 'w.safetensors')).code).toBe(0);
    const judge = (file: string, ...more: readonly string[]) => run('eval', file, '--weights', 'w.safetensors', ...more);
    const own = await judge('a.nn');
    expect(own.stdout).toMatch(/^4 held-out examples of np\/Xtest.npy\naccuracy +1\.0+$/m);
    // The program's own file of held-out examples has its own labels, also where the call names it.
    expect((await judge('a.nn', '--data', 'np/Xtest.npy')).stdout).toMatch(/^4 examples of np\/Xtest.npy\naccuracy +1\.0+$/m);
    expect((await judge('a.nn', '--data', './np/X.npy')).stdout).toMatch(/^accuracy +1\.0+$/m);
  });

  it('are named by --files for --data', async () => {
    const dir = folder();
    const run = (command: string, ...more: readonly string[]) => nncIn(dir, {}, command, 'a.nn', '--device', 'cpu', ...more);
    writeFileSync(join(dir, 'a.nn'), program('"np/X.npy" y="y.npy"'));
    expect((await run('train', '--save', 'w.safetensors')).code).toBe(0);
    const judge = (...more: readonly string[]) => run('eval', '--weights', 'w.safetensors', ...more);
    const wrong = await judge('--data', 'np/Xtest.npy');
    expect([wrong.code, wrong.stderr.trimEnd()]).toEqual([
      1,
      expect.stringContaining(`${TAKEN}\n  = help: name it: --data np/Xtest.npy --files y=FILE`),
    ]);
    expect((await judge('--data', 'np/Xtest.npy', '--files', 'y=np/ytest.npy')).stdout).toMatch(/^accuracy +1\.0+$/m);
    const predicted = await run('predict', '--weights', 'w.safetensors', '--data', 'np/Xtest.npy');
    expect(predicted.stdout.trim().split('\n')).toHaveLength(4);
    expect((await judge('--data', 'np/Xtest.npy', '--files', 'z=np/ytest.npy')).stderr).toContain(
      "'z' is no target or further input of the program\n  = help: it has: y",
    );
    expect((await judge('--data', 'np/Xtest.npy', '--files', 'ytest.npy')).stderr).toContain(
      '--files ytest.npy names no file\n  = help: write: --files y=ytest.npy',
    );
    expect((await judge('--files', 'y=np/ytest.npy')).stderr).toContain(
      '--files names files beside that of --data\n  = help: add --data FILE',
    );
    expect((await judge('--data', 'np/Xtest.npy', '--files', 'y=np/no.npy')).stderr).toContain(
      'np/no.npy cannot be read: it does not exist\n  = help: no.npy is looked for beside np/Xtest.npy, in its folder',
    );
    writeFileSync(join(dir, 'new.csv'), 'x,y\n1,1\n-1,0\n');
    expect((await judge('--data', 'new.csv', '--files', 'y=np/ytest.npy')).stderr).toContain(
      "new.csv holds all inputs and targets, and a file of its own is named for 'y'\n  = help: only .npy and IDX files hold one tensor each: take it away",
    );
  });

  it('of another folder may have the same name', async () => {
    const dir = folder();
    mkdirSync(join(dir, 'new'));
    writeFileSync(join(dir, 'new', 'X.npy'), floats([2, 1], 3, -3));
    writeFileSync(join(dir, 'new', 'y.npy'), wholes(1, 0));
    writeFileSync(join(dir, 'a.nn'), program('"np/X.npy" y="y.npy" test="new/X.npy"'));
    const trained = await nncIn(dir, {}, 'train', 'a.nn', '--device', 'cpu', '--save', 'w.safetensors');
    expect(trained.code).toBe(0);
    const own = await nncIn(dir, {}, 'eval', 'a.nn', '--device', 'cpu', '--weights', 'w.safetensors');
    expect(own.stdout).toMatch(/^2 held-out examples of new\/X.npy\naccuracy +1\.0+$/m);
  });

  it('are known for MNIST as it is downloaded', async () => {
    const dir = temporary();
    const dark = [0, 0, 0, 0];
    const light = [255, 255, 255, 255];
    const put = (name: string, bytes: Uint8Array): void => writeFileSync(join(dir, `${name}.gz`), gzipSync(bytes));
    put('train-images-idx3-ubyte', idx([4, 2, 2], [...dark, ...light, ...dark, ...light]));
    put('train-labels-idx1-ubyte', idx([4], [0, 1, 0, 1]));
    put('t10k-images-idx3-ubyte', idx([2, 2, 2], [...light, ...dark]));
    put('t10k-labels-idx1-ubyte', idx([2], [1, 0]));
    for (const [name, labels] of [
      ['a.nn', ' y="train-labels-idx1-ubyte.gz"'],
      ['b.nn', ''],
    ] as const) {
      writeFileSync(join(dir, name), program(`"train-images-idx3-ubyte.gz"${labels} test="t10k-images-idx3-ubyte.gz"`, 4));
      expect((await nncIn(dir, {}, 'train', name, '--device', 'cpu', '--save', 'w.safetensors')).code).toBe(0);
      for (const data of [[], ['--data', 't10k-images-idx3-ubyte.gz']]) {
        const judged = await nncIn(dir, {}, 'eval', name, '--device', 'cpu', '--weights', 'w.safetensors', ...data);
        expect(judged.stdout).toMatch(/^2 .*examples of t10k-images-idx3-ubyte.gz\naccuracy +1\.0+$/m);
      }
    }
  });
});
