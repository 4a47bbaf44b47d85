import { existsSync, mkdirSync, readFileSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { at } from '../../src/base/errors.ts';
import { findAdapter } from '../../src/node/gpu.ts';
import { tuningsPath } from '../../src/cli/tunings.ts';
import { readSafetensors } from '../../src/data/safetensors.ts';
import { nnc, nncIn, temporary } from '../support/cli.ts';

describe('nnc train with many nets', () => {
  it('trains one for each seed at once, and saves the best', async () => {
    const folder = temporary();
    const best = join(folder, 'best.safetensors');
    const r = await nnc('train', 'examples/house.nn', '--seeds', '12', '--epochs', '100', '--device', 'gpu', '--save', best);
    expect(r.code, r.stderr).toBe(0);
    expect(r.stderr).toContain('training 12 nets at once');
    expect(r.stdout).toMatch(/net +first loss +loss\n(seed \d+ .*\n){10}\.\.\. and 2 more/);
    const label = /best: seed (\d+)/.exec(r.stdout)?.[1] ?? '';
    const alone = join(folder, 'alone.safetensors');
    await nnc('train', 'examples/house.nn', '--seed', label, '--epochs', '100', '--device', 'gpu', '--save', alone);
    const [a, b] = [best, alone].map((f) => readSafetensors(readFileSync(f), f));
    expect(a).toEqual(b);
  });

  it('trains one for each value of a sweep, on the processor one after the other', async () => {
    const r = await nnc('train', 'examples/house.nn', '--sweep', 'lr=[0.001, 0.1]', '--epochs', '50', '--device', 'cpu');
    expect(r.code, r.stderr).toBe(0);
    expect(r.stderr).toContain('training 2 nets one after the other');
    expect(r.stdout).toContain('best: lr 0.1');
  });

  it.each([
    [['--sweep', 'lr'], "--sweep takes a setting and its values, not 'lr'"],
    [['--sweep', 'lr=[1, x]'], "--sweep takes a setting and its values, not 'lr=[1, x]'"],
    [['--sweep', 'speed=[1, 2]'], "adam has no setting 'speed' that --sweep could change"],
    [['--sweep', 'lr=[-1]'], '--sweep sets lr to -1, and it cannot be negative'],
    [['--seeds', '5000'], '5000 nets are more than the 4096 that one call trains'],
    [['--seeds', '2', '--log', 'x'], '--log is for one net, and --seeds and --sweep train many'],
    [['--seeds', '2', '--profile'], '--profile is for one net, and --seeds and --sweep train many'],
    [['--seeds', '2', '--rng', 'torch'], '--rng torch draws for one net, and --seeds and --sweep train many'],
  ])('refuses %j', async (flags, message) => {
    const r = await nnc('train', 'examples/house.nn', ...flags);
    expect(r.code).toBe(2);
    expect(r.stderr).toContain(message);
  });
});

describe('nnc train --profile', () => {
  it('shows every kernel with its place, and writes a trace', async () => {
    const file = join(temporary(), 'trace.json');
    const r = await nnc('train', 'examples/moons.nn', '--epochs', '2', '--profile', file);
    expect(r.code, r.stderr).toBe(0);
    expect(r.stdout).toMatch(/kernel +ms +share +MFLOP +GFLOP\/s +MB +GB\/s +of roof +where/);
    expect(r.stdout).toContain('examples/moons.nn:4:7');
    const trace = JSON.parse(readFileSync(file, 'utf8')) as { traceEvents: { dur: number; name: string }[] };
    expect(trace.traceEvents.length).toBeGreaterThan(3);
    for (const e of trace.traceEvents) expect(e.dur).toBeGreaterThanOrEqual(0);
  });

  it('needs a GPU', async () => {
    const r = await nnc('train', 'examples/house.nn', '--epochs', '2', '--profile', '--device', 'cpu');
    expect(r.code).toBe(2);
    expect(r.stderr).toContain('--profile times dispatches of a GPU');
  });
});

describe('--device auto', () => {
  it('says what it compared', async () => {
    const r = await nnc('train', 'examples/house.nn', '--epochs', '2');
    expect(r.stderr).toMatch(/a step should take about [\d.e-]+ ms on the processor and [\d.e-]+ ms on /);
  });
});

describe('nnc dump --why', () => {
  it('tells what each merge gained and why each cut was made', async () => {
    const r = await nnc('dump', 'examples/moons.nn', '--stage', 'fused', '--why');
    expect(r.code, r.stderr).toBe(0);
    expect(r.stdout).toMatch(/%\d+ = \w+ : f32\[.*\] .* is stored: /);
    expect(r.stdout).toMatch(/is computed where it is read: read [\d.]+ times an element/);
    expect(r.stdout).toMatch(/become one kernel over rows of \[\d+\]: a dispatch and up to \d+ loads less/);
    expect(r.stdout).toContain('stay apart: ');
    expect(r.stdout).toMatch(/dispatch 0: k0/);
    expect((await nnc('dump', 'examples/moons.nn', '--stage', 'ast', '--why')).stderr).toContain('--why goes with --stage fused');
  });
});

describe('nnc tune', () => {
  /** A cache of its own, with the driver that is unpacked already. */
  function cache(): string {
    const folder = temporary();
    const shared = join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'nnc');
    for (const name of existsSync(shared) ? readdirSync(shared) : [])
      if (name.startsWith('swiftshader')) symlinkSync(join(shared, name), join(folder, name));
    return folder;
  }

  const folder = cache();
  const env = { NNC_CACHE: folder };

  it('measures every kernel, and what it found is used until it is told otherwise', async () => {
    const r = await nncIn(process.cwd(), env, 'tune', 'examples/moons.nn');
    expect(r.code, r.stderr).toBe(0);
    expect(r.stdout).toMatch(/^kernel +ms +tuned +gain +tile\n(k\d+_\w+ +[\d.]+ +[\d.]+ +[\d.]+x +.*\n)+/);
    expect(r.stdout).toMatch(/kernels are faster tuned: .*\.json\n$|nothing is faster/);
    expect(r.stderr).not.toContain('results differ');
    const args = ['train', 'examples/moons.nn', '--epochs', '2', '--device', 'gpu'];
    for (const more of [[], ['--deterministic']]) expect((await nncIn(process.cwd(), env, ...args, ...more)).code).toBe(0);
  });

  it('says so where its table is broken', async () => {
    const { found } = await findAdapter();
    const table = join(folder, 'tunings', basename(tuningsPath(at(found ? [found.adapter] : [], 0, 'adapter'))));
    mkdirSync(dirname(table), { recursive: true });
    writeFileSync(table, '{');
    const args = ['train', 'examples/moons.nn', '--epochs', '1', '--device', 'gpu'];
    const r = await nncIn(process.cwd(), env, ...args);
    expect(r.code).toBe(2);
    expect(r.stderr).toContain(`${table} holds no tilings\n  = help: remove it, and run nnc tune again`);
    expect((await nncIn(process.cwd(), env, ...args, '--deterministic')).code).toBe(0);
  });
});

describe('plans of earlier runs', () => {
  it('are taken where the text is the same, and written anew where they are broken', async () => {
    const folder = temporary();
    const program = join(folder, 'deep.nn');
    const layers = Array.from({ length: 12 }, () => 'Linear(24, 24) -> tanh -> LayerNorm(24)').join(' -> ');
    const text = (lr: string) => `data n=64 { x = uniform(); y = 2*x }
layer Linear(1, 24) -> ${layers} -> Linear(24, 1)
loss mse
optim adam lr=${lr}
train steps=3
`;
    const run = async (lr: string): Promise<string> => {
      writeFileSync(program, text(lr));
      const r = await nncIn(folder, { NNC_CACHE: folder }, 'train', program, '--device', 'cpu');
      expect(r.code, r.stderr).toBe(0);
      return /last loss (\S+)/.exec(r.stdout)?.[1] ?? '';
    };
    const plans = (): string[] => readdirSync(join(folder, 'plans'));
    const first = await run('0.001');
    expect(plans()).toHaveLength(1);
    expect(await run('0.001')).toBe(first);
    expect(plans()).toHaveLength(1);
    const kept = join(folder, 'plans', plans()[0] ?? '');
    writeFileSync(kept, '{"format":');
    expect(await run('0.001')).toBe(first);
    expect(JSON.parse(readFileSync(kept, 'utf8'))).toHaveProperty('format', 'nnc-plan');
    expect(await run('0.1')).not.toBe(first);
    expect(plans()).toHaveLength(2);
  });
});

describe('precision f16', () => {
  const program = (text: string): string => {
    const file = join(temporary(), 'half.nn');
    writeFileSync(file, text);
    return file;
  };
  const TEXT = `layer Linear(1, 16) -> relu -> Linear(16, 1)
loss mse
optim adam lr=0.01
precision f16
data n=64 seed=1 { x = uniform(); y = 2*x + 1 }
train epochs=60 seed=1
`;

  it('trains to the same loss on every device, stops and goes on with its loss scale', async () => {
    const file = program(TEXT);
    const folder = temporary();
    const losses: number[] = [];
    for (const device of ['gpu', 'cpu']) {
      const r = await nnc('train', file, '--device', device);
      expect(r.code, r.stderr).toBe(0);
      losses.push(Number(/last loss (\S+)/.exec(r.stdout)?.[1]));
    }
    expect(Math.abs((losses[0] ?? NaN) / (losses[1] ?? NaN) - 1)).toBeLessThan(0.02);
    const run = (...more: string[]) => nnc('train', file, '--device', 'cpu', '--checkpoint', folder, ...more);
    expect((await run('--epochs', '30')).code).toBe(0);
    const kept = readSafetensors(readFileSync(join(folder, 'checkpoint.safetensors')), 'checkpoint');
    expect(kept.get('optim.loss_scale')?.data[0]).toBeGreaterThanOrEqual(1);
    const on = await run('--epochs', '60', '--resume');
    expect(Number(/last loss (\S+)/.exec(on.stdout)?.[1])).toBe(losses[1]);
  });

  it('says where numbers take four bytes although they are rounded, and what memory two bytes would take', async () => {
    const file = program(TEXT);
    const r = await nnc('train', file, '--device', 'gpu', '--epochs', '2');
    const has = (await nnc('doctor')).stdout.includes('shader-f16');
    expect(r.stderr.includes('has no shader-f16, so that numbers are rounded as it says and take four bytes')).toBe(!has);
    expect((await nnc('check', file)).stdout).toContain('device memory on a GPU with shader-f16: ');
    expect((await nnc('check', 'examples/house.nn')).stdout).toContain('device memory: ');
  });

  it('is verified against the reference, rounding and all', async () => {
    const r = await nnc('verify', program(TEXT));
    expect(r.code, r.stderr).toBe(0);
    expect(r.stdout).toContain('every kernel agrees with the float64 reference to 0.004');
  });
});

describe('--subgroup-matrix', () => {
  it('says where there are none', async () => {
    const r = await nnc('train', 'examples/house.nn', '--subgroup-matrix', '--epochs', '2');
    expect(r.code).toBe(3);
    expect(r.stderr).toMatch(/NN601.*\n.* offers no subgroup matrices that nnc can use\n.*leave --subgroup-matrix away/);
    const cpu = await nnc('train', 'examples/house.nn', '--subgroup-matrix', '--device', 'cpu');
    expect(cpu.code).toBe(2);
    expect(cpu.stderr).toContain('--subgroup-matrix is for GPUs, and --device cpu is none');
  });
});
