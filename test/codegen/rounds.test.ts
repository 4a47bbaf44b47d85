import { describe, expect, it } from 'vitest';
import { copiesOf } from '../../src/codegen-wasm/rounds.ts';
import { stagingOf, type Staging } from '../../src/codegen-wasm/staging.ts';
import { GraphBuilder } from '../../src/ir/graph/builder.ts';
import type { Graph } from '../../src/ir/graph/types.ts';
import { parseKernel } from '../../src/ir/kernel/parse.ts';
import { endsOfRounds } from '../../src/ir/kernel/rounds.ts';
import type { Stmt } from '../../src/ir/kernel/types.ts';
import { evaluate } from '../../src/reference/evaluate.ts';
import { nodeHelpers } from '../../src/node/helpers.ts';
import { createWasmSession } from '../../src/runtime/wasm.ts';
import { planGraph, runGraph as run } from '../../src/verify/run-graph.ts';
import { Random } from '../support/random.ts';
import { wasmOf } from '../support/sections.ts';

type Loop = Extract<Stmt, { kind: 'for' }>;

/** A loop with rounds for four sums, and what else is in it. */
function loopOf(extent: number, place: string, more = ''): Loop {
  const sums = [0, 1, 2, 3];
  const kernel = parseKernel(`kernel k {
  # y
  read x : f32[4096]
  write y : f32[16]
  axis i0 < 4
${sums.map((i) => `  var acc${i} = splat(0f)`).join('\n')}
  for k < ${extent} {
    let v = x[4 * ${place}]
${sums.map((i) => `    set acc${i} = fma(v, v, acc${i})`).join('\n')}
${more}  }
${sums.map((i) => `  store y[4 * ${i}u] = acc${i}`).join('\n')}
}
`);
  const loop = kernel.body.find((s) => s.kind === 'for');
  if (!loop) throw new Error('no loop');
  return loop;
}

describe('rounds of a product', () => {
  it('end after the last of at least four sums', () => {
    const { body } = loopOf(8, 'add(i0, mul(k, 4u))');
    expect(endsOfRounds(body)).toEqual([4]);
    expect(endsOfRounds([...body, ...body])).toEqual([4, 9]);
    expect(endsOfRounds(body.slice(0, 4))).toEqual([]);
  });

  it.each([
    [8, 4],
    [9, 3],
    [14, 2],
    [7, 1],
  ])('of %i iterations, %i are written out together', (extent, copies) => {
    expect(copiesOf(loopOf(extent, 'add(i0, mul(k, 4u))'))).toBe(copies);
  });

  it('are not copied if the variable of the loop is more than a step through memory', () => {
    expect(copiesOf(loopOf(8, 'add(i0, mod(k, 3u))'))).toBe(1);
    expect(copiesOf(loopOf(8, 'add(i0, k)', '    let f = f32(k)\n'))).toBe(1);
    expect(copiesOf(loopOf(8, 'add(i0, k)', '    if lt(k, 3u) {\n      set acc0 = v\n    }\n'))).toBe(1);
  });
});

const f32 = (...shape: number[]) => ({ dtype: 'f32', shape }) as const;

/** Rounds of every number; and panels that are copied or not, in one block or several, parts of sums, and sums of two axes. */
const PRODUCTS: readonly (readonly [spec: string, a: readonly number[], b: readonly number[]])[] = [
  ['mk,kn->mn', [8, 7], [7, 16]],
  ['mk,kn->mn', [8, 9], [9, 16]],
  ['mk,kn->mn', [12, 50], [50, 32]],
  ['mk,kn->mn', [64, 36], [36, 32]],
  ['mk,nk->mn', [20, 60], [24, 60]],
  ['mk,nk->mn', [6, 1025], [8, 1025]],
  ['mk,nk->mn', [64, 1024], [64, 1024]],
  ['mk,kn->mn', [300, 128], [128, 64]],
  ['mk,kn->mn', [512, 512], [512, 128]],
  ['mk,kn->mn', [64, 8192], [8192, 32]],
  ['mk,kn->mn', [32, 256], [256, 640]],
  ['km,kn->mn', [300, 32], [300, 64]],
  ['km,kn->mn', [1024, 64], [1024, 48]],
  ['mkl,lkn->mn', [64, 100, 9], [9, 100, 32]],
  ['bmk,bkn->bmn', [3, 16, 260], [3, 260, 32]],
  ['bmk,bkn->bmn', [3, 64, 1024], [3, 1024, 32]],
];

/** A graph of one product of the inputs a and b, of which windows may slide over b's last axis but one. */
function productOf(spec: string, a: readonly number[], b: readonly number[], window = 0): Graph {
  const g = new GraphBuilder('product');
  const inputs = [a, b].map((shape, i) => g.add('input', [], { name: 'ab'.charAt(i) }, f32(...shape)));
  const axis = b.length - 2;
  const other = window > 0 ? g.add('window', [inputs[1] ?? 0], { axis, size: window, stride: 1, dilation: 1 }) : (inputs[1] ?? 0);
  g.outputs['y'] = g.op('abs', g.contract(spec, inputs[0] ?? 0, other));
  return g.graph();
}

function stagingFor(spec: string, a: readonly number[], b: readonly number[], window = 0): Staging | undefined {
  const kernel = planGraph(productOf(spec, a, b, window), 1, { devices: 'cpu' }).lowered.kernels['wasm']?.[0];
  return kernel && stagingOf(kernel);
}

/** Weight gradients of convolutions along one axis: examples, channels, places. One operand differs along every axis of the result but one. */
const WINDOWS: readonly (readonly [spec: string, a: readonly number[], b: readonly number[], window: number])[] = [
  ['npk,npcw->kcw', [2, 200, 64], [2, 204, 4], 5],
  ['npk,npcw->kcw', [16, 16, 64], [16, 18, 64], 3],
  ['npk,npcw->kcw', [32, 16, 64], [32, 18, 64], 3],
  ['npk,npcw->kcw', [2, 14, 256], [2, 16, 16], 3],
  ['npk,npcw->kcw', [3, 600, 64], [3, 602, 64], 3],
];

describe('products on the processor', () => {
  it.each([...PRODUCTS.map((p) => [...p, 0] as const), ...WINDOWS])(
    '%s of %j and %j with windows of %i is that of the reference, on one thread and on two',
    async (spec, a, b, window) => {
      const graph = productOf(spec, a, b, window);
      const random = new Random(3);
      const numbers = [a, b].map((shape) =>
        random.floats(
          shape.reduce((n, d) => n * d, 1),
          -1,
          1,
        ),
      );
      const given = new Map(numbers.map((values, i) => ['ab'.charAt(i), values] as const));
      const state = new Map<string, Float64Array>();
      const want = evaluate(graph, { inputs: given, state, scalars: { step: 0, seed: 0, total: 1 } })(graph.outputs['y'] ?? -1).data;
      const planned = planGraph(graph, 1, { devices: 'cpu' });
      for (const threads of [1, 2]) {
        const session = createWasmSession(planned.plan, wasmOf(planned.plan), { reason: 'test', helpers: nodeHelpers(threads) });
        // Small products are never shared, so their sessions start no helpers.
        const shared = wasmOf(planned.plan).programs.some((p) => p.calls.some((c) => c.shared));
        for (let i = 0; shared && i < 500 && session.threads() < threads; i++) await new Promise((resolve) => setTimeout(resolve, 10));
        if (shared) expect(session.threads()).toBe(threads);
        try {
          const got = (await run(planned, session, { inputs: given, state })).outputs.get('y') ?? [];
          expect(got.length).toBe(want.length);
          const worst = Math.max(...[...want].map((w, i) => Math.abs(w - (got[i] ?? NaN))));
          expect(worst).toBeLessThan(1e-3);
        } finally {
          session.destroy();
        }
      }
    },
  );

  it('are staged in every way by these sizes', () => {
    const ways = [...PRODUCTS.map((p) => [...p, 0] as const), ...WINDOWS].map(([spec, a, b, window]) => {
      const s = stagingFor(spec, a, b, window);
      if (!s) return 'not';
      const copied = `${s.ofStreamed ? 'streamed ' : ''}${s.ofResident ? 'resident' : ''}`.trim();
      return `${s.streamed.name}, ${s.block < s.streamed.extent ? 'blocks' : 'one block'}, ${s.parts > 1 ? 'parts' : 'whole'}, ${copied || 'nothing'} copied${s.within.length > 0 ? `, with further axes, by ${s.divided === s.resident ? 'the resident' : 'the streamed'}` : ''}`;
    });
    expect([...new Set(ways)].sort()).toMatchInlineSnapshot(`
      [
        "i0, blocks, parts, resident copied",
        "i0, one block, parts, streamed resident copied",
        "i1, blocks, whole, streamed copied",
        "i1, one block, parts, resident copied, with further axes, by the streamed",
        "i1, one block, whole, resident copied, with further axes, by the streamed",
        "i1, one block, whole, streamed copied",
        "i1, one block, whole, streamed resident copied",
        "i2, one block, whole, resident copied, with further axes, by the resident",
        "not",
      ]
    `);
  });

  it('copies columns as they lie in memory, several words at once', () => {
    const copied = (spec: string, a: readonly number[], b: readonly number[]): unknown => {
      const panel = stagingFor(spec, a, b)?.ofStreamed;
      return panel && { across: panel.across, words: panel.copies.map((c) => c.words) };
    };
    expect(copied('km,kn->mn', [1024, 512], [1024, 128])).toEqual({ across: true, words: [2] });
    // Rows lie in memory as they are copied.
    expect(copied('mk,nk->mn', [1024, 512], [128, 512])).toEqual({ across: false, words: [4, 4, 4, 4] });
  });

  it('is divided among threads along a long axis, even for few examples', () => {
    const planned = planGraph(productOf('bmk,bkn->bmn', [2, 512, 64], [2, 64, 512]), 1, { devices: 'cpu' });
    expect(wasmOf(planned.plan).programs[0]?.calls[0]?.points).toBeGreaterThanOrEqual(16);
  });

  it('keeps the operand in the first cache of which the inner loop reads more', () => {
    // The wide panel of columns stays, in parts that fit, and rows go by, copied where that pays.
    expect(stagingFor('km,kn->mn', [1024, 512], [1024, 128])).toMatchObject({ streamed: { name: 'i0' }, parts: 4 });
    expect(stagingFor('mk,kn->mn', [1024, 512], [512, 128])).toMatchObject({ streamed: { name: 'i0' }, parts: 2, ofStreamed: undefined });
    // Short sums write along their rows, so that columns go by.
    expect(stagingFor('mk,kn->mn', [1024, 128], [128, 128])).toMatchObject({ streamed: { name: 'i1' }, parts: 1, ofResident: undefined });
  });
});
