import { spawn } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readSafetensors } from '../../src/data/safetensors.ts';
import { nnc, temporary } from '../support/cli.ts';

const LONG = `let n = 20
data n=64 seed=1 split=0.5 { x = uniform(); y = 3*x }
layer Linear(1, 4) -> relu -> Linear(4, 1)
loss mse
optim adam lr=0.001
train steps=n seed=1
`;

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
    ['one after the other', 'cpu', ['--sweep', 'n=[20, 2000000, 30]'], /^n 20 .*\n?/m, /^stopped: 2 nets in turn, 1 more not begun,/m],
    ['at once', 'gpu', ['--seeds', '3', '--steps', '2000000'], /^seed 1 \(stopped at step \d+\) /m, /^stopped: 3 nets at once,/m],
  ])('keeps what is known where Ctrl-C ends it: %s', async (how, device, flags, row, end) => {
    const dir = temporary();
    const [program, out] = [join(dir, 'a.nn'), join(dir, 'w.safetensors')];
    writeFileSync(program, LONG);
    const args = ['train', program, '--device', device, '--save', out, ...flags];
    const child = spawn(process.execPath, [join(process.cwd(), 'dist/cli/main.js'), ...args]);
    let [stdout, stderr] = ['', ''];
    child.stdout.on('data', (d: Buffer) => (stdout += d.toString()));
    child.stderr.on('data', (d: Buffer) => (stderr += d.toString()));
    await expect.poll(() => stderr, { timeout: 60_000 }).toContain(how);
    await new Promise((resolve) => setTimeout(resolve, 2000));
    child.kill('SIGINT');
    expect(await new Promise((resolve) => child.once('close', resolve)), stdout + stderr).toBe(130);
    expect(stdout).toMatch(row);
    expect(stdout).toMatch(end);
    expect(stdout).toMatch(/^(seed|n) .* \(stopped at step \d+\) /m);
    expect(readSafetensors(readFileSync(out), out).size).toBe(4);
  });

  it.each([
    [['--sweep', 'lr'], "--sweep takes a setting and its values, not 'lr'"],
    [['--sweep', 'lr=[1, x]'], "--sweep takes a setting and its values, not 'lr=[1, x]'"],
    [['--sweep', 'speed=[1, 2]'], "there is no 'speed' that --sweep could change"],
    [['--sweep', 'lr=[-1]'], '--sweep sets lr to -1, and it cannot be negative'],
    [['--seeds', '5000'], '5000 nets are more than the 4096 that one call trains'],
    [['--seeds', '2', '--log', 'x'], '--log is for one net, and --seeds and --sweep train many'],
    [['--seeds', '2', '--profile'], '--profile is for one net, and --seeds and --sweep train many'],
    [['--seeds', '2', '--rng', 'torch'], '--rng torch is for one net, and --seeds and --sweep train many'],
  ])('refuses %j', async (flags, message) => {
    const r = await nnc('train', 'examples/house.nn', ...flags);
    expect(r.code).toBe(2);
    expect(r.stderr).toContain(message);
  });
});
