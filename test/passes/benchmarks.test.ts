import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { compile } from '../../src/compile.ts';
import { planBytes } from '../../src/plan.ts';
import { model } from '../support/programs.ts';
import { webgpuOf } from '../support/sections.ts';

/** Programs of the benchmarks, with the dispatches that a step may have and the bytes that it may take. */
const PROGRAMS = [
  { name: 'A', rows: 100, dispatches: 3, megabytes: 1 },
  { name: 'B', rows: 128, dispatches: 12, megabytes: 16 },
  { name: 'C', rows: 64, dispatches: 20, megabytes: 32 },
  { name: 'D', rows: 16, dispatches: 90, megabytes: 49 },
];

describe.each(PROGRAMS)('benchmark $name', ({ name, rows, dispatches, megabytes }) => {
  const { plan } = compile(model(readFileSync(`bench/programs/${name}.nn`, 'utf8')).model, {
    rows,
    devices: 'gpu',
    adapter: { software: true, bindings: 16, subgroup: 1, collectives: false, half: false },
  });

  it('keeps to its dispatches and its memory', () => {
    expect(webgpuOf(plan).programs['train']?.length).toBeLessThanOrEqual(dispatches);
    expect(planBytes(plan).total / 1e6).toBeLessThanOrEqual(megabytes);
  });

  it('binds no more than it was allowed, and starts every short loop where drivers do not see it', () => {
    for (const k of webgpuOf(plan).kernels) {
      expect(k.bindings.length).toBeLessThanOrEqual(16);
      // The tree over the lanes holds barriers, which are not written out.
      const text = k.wgsl.replace(/fn combine_[^]*?\n}\n/g, '');
      for (const [, first, end] of text.matchAll(/for \(var \w+ = (\w+); \w+ < (\d+)u/g))
        expect(Number(end) > 40 || first === 'zero').toBe(true);
      // Only loops with unit steps and constant bounds are free of a counter against endless loops.
      expect(k.wgsl).not.toMatch(/while|loop \{/);
    }
  });
});

it('shares kernels between equal layers', () => {
  const { plan } = compile(model(readFileSync('bench/programs/D.nn', 'utf8')).model, {
    rows: 16,
    adapter: { software: true, bindings: 16, subgroup: 1, collectives: false, half: false },
  });
  expect(webgpuOf(plan).kernels.length).toBeLessThan((webgpuOf(plan).programs['train']?.length ?? 0) / 2);
});
