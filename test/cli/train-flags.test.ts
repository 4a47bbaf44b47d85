import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { UserError } from '../../src/base/errors.ts';
import { commands } from '../../src/cli/commands.ts';
import { checkFlags, type TrainFlags } from '../../src/cli/train-flags.ts';
import { nncIn, temporary } from '../support/cli.ts';

/** A flag that is taken must do what it says: with runs of many nets, it counts or is refused. */

const GOLDEN = join(import.meta.dirname, 'golden', 'train-flags.txt');
const PLAIN: TrainFlags = { device: 'auto', rng: 'native', opt: 1 };
const WAYS: readonly Partial<TrainFlags>[] = [{ findLr: true }, { folds: 5 }, { seeds: 3 }, { sweep: ['lr=[1, 2]'] }];
/** Values that differ from those that are taken where a flag is not given. */
const VALUES: Readonly<Record<string, unknown>> = {
  device: 'cpu',
  rng: 'torch',
  opt: 0,
  sweep: ['lr=[1, 2]'],
  rename: ['a=b'],
  folds: 5,
  init: 'w.safetensors',
};

const options = commands()
  .commands.find((c) => c.name() === 'train')
  ?.options.filter((o) => !o.hidden);

function said(flags: TrainFlags): string {
  try {
    checkFlags(flags);
    return 'counts';
  } catch (e) {
    if (!(e instanceof UserError)) throw e;
    return e.message.replaceAll('\n', '\n    ');
  }
}

describe('every flag of nnc train', () => {
  it('counts together with --find-lr, --folds, --seeds and --sweep, or is refused with a way out', async () => {
    const lines = WAYS.flatMap((way) => [
      `with ${JSON.stringify(way)}`,
      ...(options ?? []).map((o) => {
        const name = o.attributeName();
        // What says how --init takes weights over needs them.
        const init = ['allowMissing', 'rename'].includes(name) && way.findLr ? { init: 'w.safetensors' } : {};
        return `  ${o.long ?? ''}: ${said({ ...PLAIN, ...way, ...init, [name]: way[name as keyof TrainFlags] ?? VALUES[name] ?? true })}`;
      }),
    ]);
    await expect(`${lines.join('\n')}\n`).toMatchFileSnapshot(GOLDEN);
  });

  it('is refused before anything is read, with status 2', async () => {
    const r = await nncIn(temporary(), {}, 'train', 'none.nn', '--seeds', '2', '--report', 'a.html');
    expect([r.code, r.stdout, r.stderr]).toEqual([
      2,
      '',
      'error[NN501]: the call is wrong\n' +
        '  = --report is for one net, and --seeds and --sweep train many\n' +
        '  = help: leave it away, then train the best net once more, alone: with its --seed, and its values written in the program\n',
    ]);
  });
});

describe('flags that count with many nets', () => {
  const PROGRAM = `data n=64 seed=1 split=0.5 { x = uniform(); y = 3*x }
layer Linear(1, 32) -> relu -> Linear(32, 1)
loss mse
optim adam lr=0.01
train steps=40 batch=16 seed=1
`;
  const dir = temporary();
  writeFileSync(join(dir, 'a.nn'), PROGRAM);
  const run = (...flags: string[]) => nncIn(dir, {}, 'train', 'a.nn', '--device', 'cpu', ...flags);

  it('--plot draws the losses of the best', async () => {
    const r = await run('--seeds', '2', '--plot');
    expect(r.code, r.stderr).toBe(0);
    expect(r.stdout).toMatch(/best: seed \d+ .*\n\n(.*\n)*.*[\u2801-\u28ff](.*\n)*.*step/);
  });

  it.each([['--seeds', '2'], ['--sweep', 'lr=[0.1, 0.01]'], ['--folds', '2'], ['--find-lr']])('--max-memory limits %s', async (...way) => {
    const small = await run(...way, '--max-memory', '1kb');
    expect([small.code, small.stderr]).toEqual([1, expect.stringContaining('bytes of device memory, and 1000 are allowed')]);
    expect((await run(...way, '--max-memory', '10mb')).code).toBe(0);
  });

  it('--find-lr starts from weights whose names are changed', async () => {
    expect((await run('--save', 'w.safetensors')).code).toBe(0);
    writeFileSync(join(dir, 'b.nn'), PROGRAM.replace('layer Linear', 'layer first: Linear'));
    const find = (...flags: string[]) =>
      nncIn(dir, {}, 'train', 'b.nn', '--device', 'cpu', '--find-lr', '--init', 'w.safetensors', ...flags);
    expect((await find()).stderr).toContain("w.safetensors holds '0.weight', which the model has not");
    const named = await find('--rename', '0.{i}=first.{i}', '--allow-missing');
    expect([named.code, named.stderr]).toEqual([0, expect.stringContaining('tensors of w.safetensors are taken over')]);
  });
});
