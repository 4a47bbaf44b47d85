import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
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

  it('needs a GPU', async () => {
    const r = await nnc('train', 'examples/house.nn', '--epochs', '2', '--profile', '--device', 'cpu');
    expect(r.code).toBe(2);
    expect(r.stderr).toContain('--profile times dispatches of a GPU');
  });
});

describe('--device auto', () => {
  it('says what it compared', async () => {
    const r = await nnc('train', 'examples/house.nn', '--epochs', '2');
    expect(r.stderr).toMatch(/likely faster for this program than /);
  });
});
