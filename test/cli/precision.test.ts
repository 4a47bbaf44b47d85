import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readSafetensors } from '../../src/data/safetensors.ts';
import { nnc, temporary } from '../support/cli.ts';

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
