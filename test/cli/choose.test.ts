import { availableParallelism } from 'node:os';
import { describe, expect, it } from 'vitest';
import { choose } from '../../src/node/choose.ts';
import type { FoundAdapter } from '../../src/node/gpu.ts';
import { plan } from '../support/programs.ts';

const found = (software: boolean): FoundAdapter => ({
  adapter: { info: { description: software ? 'llvmpipe' : 'A GPU' } } as GPUAdapter,
  via: 'Dawn',
  reason: 'a GPU is there',
  software,
});
const net = (width: number) =>
  plan(`layer Linear(${width}, ${width}) -> relu -> Linear(${width}, 1); loss mse; optim adam; train epochs=1 batch=64`, { rows: 64 });

describe('--device auto takes', () => {
  it('the processor for a small net, whatever the GPU', () => {
    for (const software of [true, false])
      expect(choose(net(4), found(software))).toEqual({
        cpu: true,
        reason: `likely faster for this program than ${software ? 'llvmpipe, a GPU in software' : 'A GPU'}`,
      });
  });

  it('a GPU for a large one', () => {
    expect(choose(net(1024), found(false))).toEqual({
      cpu: false,
      reason: 'a GPU is there; likely faster for this program than the processor',
    });
  });

  it.runIf(availableParallelism() <= 16)('the processor rather than a driver in software', () => {
    expect(choose(net(1024), found(true)).cpu).toBe(true);
  });

  it('the GPU where the plan has nothing else', () => {
    const { backends, ...rest } = net(4);
    expect(choose({ ...rest, backends: { webgpu: backends.webgpu } } as ReturnType<typeof net>, found(true))).toEqual({
      cpu: false,
      reason: 'a GPU is there',
    });
  });
});
