import { describe, expect, it } from 'vitest';
import { ANY_ADAPTER } from '../../src/codegen/backend.ts';
import { GraphBuilder } from '../../src/ir/graph/builder.ts';
import type { Graph } from '../../src/ir/graph/types.ts';
import { parseKernel } from '../../src/ir/kernel/parse.ts';
import { printKernel } from '../../src/ir/kernel/print.ts';
import type { Kernel, Stmt } from '../../src/ir/kernel/types.ts';
import { gpuTarget } from '../../src/codegen-wgsl/targets.ts';
import { optionsFor } from '../../src/passes/schedule/lower.ts';
import { STAGES, stagedWay, stageSizeFor } from '../../src/passes/schedule/staging.ts';
import { evaluate } from '../../src/reference/evaluate.ts';
import { proveAccesses } from '../../src/verify/accesses.ts';
import { proveKernels } from '../../src/verify/prove-kernels.ts';
import { distance, planGraph, runGraph, type GraphInputs } from '../../src/verify/run-graph.ts';
import { Random } from '../support/random.ts';
import { adapterAtHand, openSession } from '../support/run-graph.ts';

interface Product {
  readonly spec: string;
  readonly a: readonly number[];
  readonly b: readonly number[];
  /** With operands that are computed, and something computed from the product. */
  readonly fused?: boolean;
}

const size = (shape: readonly number[]): number => shape.reduce((n, d) => n * d, 1);

function productOf({ spec, a, b, fused = false }: Product, drawn = true): { readonly graph: Graph; readonly given: GraphInputs } {
  const g = new GraphBuilder('product');
  const inputs = new Map<string, Float64Array>();
  const r = new Random(size(a) + size(b));
  const leaf = (name: string, shape: readonly number[]) => {
    if (drawn) inputs.set(name, r.floats(size(shape)));
    return g.add('input', [], { name }, { dtype: 'f32', shape });
  };
  const [x, y] = [leaf('x', a), leaf('y', b)];
  const product = fused ? g.contract(spec, g.op('tanh', x), g.op('mul', y, g.like(2, y))) : g.contract(spec, x, y);
  const shape = g.shape(product) as readonly number[];
  g.outputs['y'] = fused ? g.op('max', g.op('add', product, leaf('z', shape)), g.like(0, product)) : product;
  return { graph: g.graph(), given: { inputs, state: new Map() } };
}

const isStaged = ({ body }: Kernel): boolean => body.some((s) => s.kind === 'shared');

describe('a staged product', () => {
  it.each<Product>([
    { spec: 'ab,bc->ac', a: [70, 130], b: [130, 68], fused: true },
    { spec: 'ab,cb->ac', a: [31, 129], b: [37, 129], fused: true },
    { spec: 'btd,do->bto', a: [4, 32, 48], b: [48, 96], fused: true },
    { spec: 'bti,bto->io', a: [5, 33, 65], b: [5, 33, 63], fused: true },
    { spec: 'bhid,bhjd->bhij', a: [2, 3, 40, 24], b: [2, 3, 36, 24] },
  ])('of $spec at $a and $b is the product in every size', async (product) => {
    const { graph, given } = productOf(product);
    const want = evaluate(graph, { ...given, scalars: { step: 0, seed: 0, total: 10 } })(graph.outputs['y'] ?? -1).data;
    const adapter = await adapterAtHand(false);
    const { schedule } = planGraph(graph, 1, { adapter, devices: 'gpu' }).lowered;
    const last = schedule.groups.length - 1;
    const { options } = optionsFor(schedule, schedule.groups[last] ?? never(), last, gpuTarget(adapter));
    // The plain way comes behind all candidates, of which the staged ones are the last.
    const from = options.length - 1 - STAGES.length;
    const seen = new Set<string>();
    for (let tiling = from; tiling < from + STAGES.length; tiling++) {
      const planned = planGraph(graph, 1, { adapter, devices: 'gpu', tiling });
      const kernel = planned.lowered.kernels.webgpu?.at(-1) ?? never();
      expect(isStaged(kernel)).toBe(true);
      seen.add(printKernel(kernel));
      expect(parseKernel(printKernel(kernel))).toEqual(kernel);
      expect(proveKernels(planned.lowered, 1).problems).toEqual([]);
      const session = await openSession(planned.plan, 'gpu');
      const got = await runGraph(planned, session, given);
      session.destroy();
      expect(distance(got.outputs.get('y') ?? [], want), `tiling ${tiling}`).toBeLessThan(1e-5);
    }
    expect(seen.size).toBe(STAGES.length);
  });

  it('takes the size that gives a device enough workgroups, and none where there is little to do', () => {
    const sizeOf = (a: number, k: number, c: number): string => {
      const { graph } = productOf({ spec: 'ab,bc->ac', a: [a, k], b: [k, c] }, false);
      const { schedule } = planGraph(graph, 1, { adapter: ANY_ADAPTER, devices: 'gpu' }).lowered;
      const way = stagedWay(schedule, schedule.groups[0] ?? never());
      const found = way && stageSizeFor(way);
      return found ? `${found.rows} by ${found.columns} in ${found.slices}` : 'none';
    };
    expect(sizeOf(4096, 4096, 4096)).toBe('128 by 64 in 1');
    expect(sizeOf(1024, 1024, 1024)).toBe('64 by 64 in 1');
    expect(sizeOf(512, 768, 768)).toBe('32 by 32 in 4');
    expect(sizeOf(512, 64, 512)).toBe('32 by 32 in 1');
    expect(sizeOf(16, 4096, 512)).toBe('none');
    expect(sizeOf(64, 64, 64)).toBe('none');
    expect(sizeOf(2048, 4, 2048)).toBe('none');
  });

  it('does not share a dispatch with what would need more memory than a workgroup has', async () => {
    const g = new GraphBuilder('both');
    const input = (name: string, ...shape: number[]) => g.add('input', [], { name }, { dtype: 'f32', shape });
    g.outputs['product'] = g.contract('ab,bc->ac', input('x', 64, 512), input('y', 512, 64));
    g.outputs['sums'] = g.sum(input('v', 8, 4096), [1]);
    const graph = g.graph();
    const planned = planGraph(graph, 1, { adapter: await adapterAtHand(false), devices: 'gpu' });
    expect(planned.lowered.kernels.webgpu?.map((k) => k.lanes)).toEqual([256, 256]);
    expect(planned.lowered.batches).toHaveLength(2);
    const session = await openSession(planned.plan, 'gpu');
    session.destroy();
  });

  it('is what options to measure begin with', async () => {
    const adapter = await adapterAtHand(false);
    for (const [a, k, c] of [
      [512, 768, 768],
      [70, 1000, 330],
      [20, 30, 40],
    ] as const) {
      const { graph } = productOf({ spec: 'ab,bc->ac', a: [a, k], b: [k, c] }, false);
      const { schedule, kernels } = planGraph(graph, 1, { adapter, devices: 'gpu' }).lowered;
      const { options } = optionsFor(schedule, schedule.groups[0] ?? never(), 0, gpuTarget(adapter));
      expect(options[0]?.kernel).toEqual(kernels.webgpu?.[0]);
    }
  });

  it('stays as it is for software, where shared memory is no faster', () => {
    const { graph } = productOf({ spec: 'ab,bc->ac', a: [256, 256], b: [256, 256] });
    const kernels = planGraph(graph, 1, { adapter: { ...ANY_ADAPTER, software: true }, devices: 'all' }).lowered.kernels;
    expect(Object.values(kernels).flat().filter(isStaged)).toEqual([]);
  });
});

describe('the proof of a staged product', () => {
  const { graph } = productOf({ spec: 'ab,bc->ac', a: [128, 256], b: [256, 128] });
  const [kernel = never()] = planGraph(graph, 1, { adapter: ANY_ADAPTER, devices: 'gpu' }).lowered.kernels.webgpu ?? [];
  const problemsOf = (body: readonly Stmt[]): readonly string[] =>
    proveAccesses({ ...kernel, body }, { beyond: 0, robust: true, uniforms: new Map() }).problems;
  /** Without the n-th barrier. */
  const without = (body: readonly Stmt[], n: { left: number }): Stmt[] =>
    body.flatMap((s): Stmt[] => {
      if (s.kind === 'barrier') return n.left-- === 0 ? [] : [s];
      return 'body' in s ? [{ ...s, body: without(s.body, n) }] : [s];
    });
  const barriers = (body: readonly Stmt[]): number =>
    body.reduce((n, s) => n + ('body' in s ? barriers(s.body) : s.kind === 'barrier' ? 1 : 0), 0);

  it('holds, and needs every barrier', () => {
    expect(kernel.lanes).toBe(256);
    expect(problemsOf(kernel.body)).toEqual([]);
    const count = barriers(kernel.body);
    expect(count).toBeGreaterThan(4);
    for (let n = 0; n < count; n++) expect(problemsOf(without(kernel.body, { left: n })), `barrier ${n}`).not.toEqual([]);
  });

  it('goes through no thread by itself, though rows and columns end inside of a part', () => {
    for (const product of [
      { spec: 'hab,hcb->hac', a: [12, 2050, 64], b: [12, 1024, 64] },
      { spec: 'hab,hcb->hac', a: [64, 513, 64], b: [64, 515, 64] },
      { spec: 'ab,cb->ac', a: [512, 768], b: [50257, 768] },
    ]) {
      const { lowered } = planGraph(productOf(product, false).graph, 1, { adapter: ANY_ADAPTER, devices: 'gpu' });
      expect(lowered.kernels.webgpu?.every(isStaged)).toBe(true);
      expect(proveKernels(lowered, 1)).toMatchObject({ kernels: 1, problems: [], enumerated: 0 });
    }
  });

  it('finds a table that is too small', () => {
    const small = kernel.body.map((s): Stmt => (s.kind === 'shared' ? { ...s, size: s.size - 1 } : s));
    expect(problemsOf(small)[0]).toMatch(/^left512: lane \d+ is at 511 of 511$/);
  });
});

function never(): never {
  throw new Error('there is no kernel');
}
