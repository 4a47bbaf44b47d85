import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { compile } from '../../src/compile.ts';
import { openProgram } from '../../src/cli/program.ts';
import { nnc, temporary } from '../support/cli.ts';

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

  it('shows the same table of the kernels on the processor, those of loops too', async () => {
    const file = join(temporary(), 'trace.json');
    const r = await nnc('train', 'examples/series.nn', '--epochs', '1', '--profile', file, '--device', 'cpu');
    expect(r.code, r.stderr).toBe(0);
    expect(r.stdout).toMatch(/kernel +ms +share +MFLOP +GFLOP\/s +MB +GB\/s +of roof +where/);
    expect(r.stdout).toContain('examples/series.nn:12:7');
    expect(r.stdout).toMatch(/a step: \d+ kernels, [\d.]+ ms on one thread, with no other at work; roof: [\d.]+ GFLOP\/s, [\d.]+ GB\/s/);
    expect(r.stdout).toMatch(/training itself ran on WebAssembly SIMD/);
    const trace = JSON.parse(readFileSync(file, 'utf8')) as { traceEvents: { dur: number; name: string; args: { flops: number } }[] };
    expect(trace.traceEvents.some((e) => e.args.flops > 0 && e.dur > 0)).toBe(true);
    // One event for each kernel of the plan, in their order.
    const { model } = await openProgram('examples/series.nn');
    const { plan } = compile(model, { rows: 1000, devices: 'cpu' });
    expect(trace.traceEvents).toHaveLength(plan.backends.wasm?.programs.find((p) => p.name === 'train')?.calls.length ?? 0);
  });
});

describe('--device auto', () => {
  it('says what it compared', async () => {
    const r = await nnc('train', 'examples/house.nn', '--epochs', '2');
    expect(r.stderr).toMatch(/likely faster for this program than /);
  });
});
