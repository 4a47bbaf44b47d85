import { describe, expect, it } from 'vitest';
import { at } from '../../src/base/errors.ts';
import { GraphBuilder } from '../../src/ir/graph/builder.ts';
import type { Graph, NodeId } from '../../src/ir/graph/types.ts';
import { visitKernel } from '../../src/ir/kernel/visit.ts';
import { SCHEMES } from '../../src/passes/graph/winograd-schemes.ts';
import { evaluate } from '../../src/reference/evaluate.ts';
import { distance, planGraph, runGraph as run, type GraphInputs } from '../../src/verify/run-graph.ts';
import { Random } from '../support/random.ts';
import { openSession, runGraph } from '../support/run-graph.ts';

type Matrix = readonly (readonly number[])[];

/** Along the first axes of [n, n, 3, 8]; stored as it is, or with those axes last. */
function mixed(matrix: Matrix, axes: readonly number[], turned = false): Graph {
  const b = new GraphBuilder('mixed');
  const n = at(matrix, 0).length;
  const x = b.add('input', [], { name: 'x' }, { dtype: 'f32', shape: [n, n, 3, 8] });
  const y: NodeId = b.add('mix', [x], { axes, matrix });
  b.outputs['y'] = b.op('detach', turned ? b.permute(y, [2, 3, 0, 1]) : y);
  return b.graph();
}

/** What the processor makes of it with a way to write its kernel, and the threads of that kernel. */
async function bitsOf(graph: Graph, tiling: number, given: GraphInputs) {
  const planned = planGraph(graph, 1, { devices: 'cpu', tiling });
  const session = await openSession(planned.plan, 'cpu');
  const { outputs } = await run(planned, session, given);
  session.destroy();
  const threads = at(planned.lowered.kernels.wasm ?? [], 0).axes.reduce((n, a) => n * a.extent, 1);
  return { y: outputs.get('y'), threads };
}

const MATRICES: readonly (readonly [string, Matrix])[] = [
  ...SCHEMES.flatMap((f): [string, Matrix][] => [
    [`B^T for ${f.results}`, f.input],
    [`G for ${f.results}`, f.kernel],
    [`A^T for ${f.results}`, f.result],
  ]),
  [
    'a row of zeros',
    [
      [0, 0, 0],
      [1, 0, -1],
      [-1, -2, 0],
    ],
  ],
  [
    'rows that are equal, or turned around as a whole',
    [
      [1, 2, 0],
      [1, 2, 0],
      [-1, -2, 0],
      [0, -3, 0],
    ],
  ],
  [
    'columns that are equal, or turned around as a whole',
    [
      [2, 2, -2],
      [1, 1, -1],
    ],
  ],
  [
    'two pairs of rows with the same columns',
    [
      [1, 2, 3, 0],
      [1, -2, 3, 0],
      [4, 5, 6, 0],
      [4, -5, 6, 0],
    ],
  ],
];

describe.each(MATRICES)('linear combinations by %s', (_, matrix) => {
  const n = at(matrix, 0).length;
  const given = { inputs: new Map([['x', new Random(5).floats(n * n * 24)]]), state: new Map() };

  it.each([
    ['one axis', [0], false],
    ['two axes', [0, 1], false],
    ['two axes that end up last', [1, 0], true],
  ] as const)('along %s agree with the reference, with the same bits in tiles and point by point', async (_name, axes, turned) => {
    const graph = mixed(matrix, axes, turned);
    const want = evaluate(graph, { ...given, scalars: { step: 0, seed: 0, total: 1 } })(at(Object.values(graph.outputs), 0)).data;
    const results = await Promise.all((['cpu', 'js', 'gpu'] as const).map((device) => runGraph(graph, 1, device, given)));
    for (const { outputs } of results) expect(distance(outputs.get('y') ?? [], want)).toBeLessThan(1e-6);
    // There is one way to tile it, and the plain kernel.
    const [tiled, plain] = await Promise.all([0, 1].map((tiling) => bitsOf(graph, tiling, given)));
    expect(tiled?.threads).toBeLessThan(plain?.threads ?? 0);
    expect(tiled?.y).toEqual(plain?.y);
  });
});

it('a tile computes what its rows and columns share once', () => {
  const { input } = at(SCHEMES, 1);
  const kernel = at(planGraph(mixed(input, [0, 1]), 1, { devices: 'cpu' }).lowered.kernels.wasm ?? [], 0);
  const counts = { mul: 0, add: 0, loads: 0 };
  visitKernel(kernel, {
    load: () => counts.loads++,
    expr: (e) => {
      if (e.kind !== 'call' || e.type !== 'f32x4') return;
      if (e.fn === 'mul') counts.mul++;
      if (e.fn === 'add' || e.fn === 'sub') counts.add++;
    },
  });
  // A line of six takes 2 products and 2 sums for the first and the last row, and 3 and 4 for each pair between.
  expect(counts).toEqual({ loads: 36, mul: 12 * (2 * 2 + 3 * 2), add: 12 * (2 * 2 + 4 * 2) });
});
