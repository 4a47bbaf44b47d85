import { describe, expect, it } from 'vitest';
import { at } from '../../src/base/errors.ts';
import { compile } from '../../src/compile.ts';
import { contractLabels } from '../../src/ir/graph/contract.ts';
import type { Graph } from '../../src/ir/graph/types.ts';
import { packWeights } from '../../src/passes/graph/pack-weights.ts';
import type { CompileOptions } from '../../src/planning/options.ts';
import { simplify } from '../../src/passes/graph/simplify.ts';
import { evaluate } from '../../src/reference/evaluate.ts';
import { distance, randomInputs } from '../../src/verify/run-graph.ts';
import { model } from '../support/programs.ts';
import { runGraph } from '../support/run-graph.ts';

/** A training step with weights as they are. */
function stepOf(text: string): Graph {
  const { programs } = compile(model(`${text}\nloss mse; optim sgd lr=0.1`).model, { rows: 4, devices: 'cpu' });
  return at(programs, 0).schedule.source;
}

const packed = (g: Graph): number => g.nodes.filter((n) => n.op === 'detach').length;

describe('weights of convolutions', () => {
  it('are copied with the channels of the result last, for the product and for the gradient of its input', () => {
    const g = stepOf('input x: [3, 8, 8]; layer Conv2d(3, 4, 3) -> relu -> Conv2d(4, 8, 3, padding=1) -> flatten -> Linear(288, 2)');
    // The first one needs no gradient of its input.
    expect(packed(g)).toBe(3);
    for (const node of g.nodes) {
      if (node.op !== 'contract') continue;
      const l = contractLabels(node.attrs.spec);
      node.inputs.forEach((i, k) => {
        if (g.nodes[i]?.op === 'detach') expect(l.out).toContain((k === 0 ? l.a : l.b).at(-1));
      });
    }
  });

  it.each([
    ['of a whole number of vectors', 'input x: [3, 65]; layer Conv1d(3, 8, 3, stride=2) -> flatten -> Linear(256, 1)', true],
    [
      'of groups',
      'input x: [4, 6, 7]; layer Conv2d(4, 8, 3, groups=2, padding=1) -> relu -> Conv2d(8, 8, 1) -> flatten -> Linear(336, 1)',
      true,
    ],
    ['of three axes', 'input x: [1, 6, 6, 6]; layer Conv3d(1, 4, 3) -> flatten -> Linear(256, 1)', true],
    ['turned around', 'input x: [4, 5, 5]; layer ConvTranspose2d(4, 4, 3) -> flatten -> Linear(196, 1)', true],
    ['of odd channels', 'input x: [3, 8, 8]; layer Conv2d(3, 5, 3) -> flatten -> Linear(180, 1)', false],
    ['that few places read', 'input x: [2, 2, 2]; layer Conv2d(2, 4, 2) -> flatten -> Linear(4, 1)', false],
  ])('%s', (_, text, copies) => {
    const with_ = stepOf(text);
    expect(packed(with_) > 0).toBe(copies);
    // Without the copies the graph has the same value.
    const without = simplify(with_);
    expect(packed(without)).toBe(0);
    const given = { ...randomInputs(with_, () => undefined, 3), scalars: { step: 0, seed: 0, total: 10 } };
    const [p, q] = [evaluate(with_, given), evaluate(without, given)];
    for (const w of with_.writes) {
      const other = without.writes.find((o) => o.state === w.state);
      expect(distance(p(w.value).data, q(other?.value ?? -1).data, 1)).toBeLessThan(1e-12);
    }
    expect(packed(packWeights(without))).toBe(packed(with_));
  });

  it.each([
    ['ConvTranspose2d(4, 1, 4, stride=2, padding=1) -> flatten -> Linear(100, 1)', [4, 5, 5], 4],
    ['ConvTranspose2d(4, 3, 3, stride=2) -> flatten -> Linear(363, 1)', [4, 5, 5], 12],
    ['ConvTranspose1d(4, 2, 5, stride=2) -> flatten -> Linear(126, 1)', [4, 30], 4],
    ['ConvTranspose2d(4, 8, 5, stride=3, output_padding=1) -> flatten -> Linear(2592, 1)', [4, 5, 5], 72],
    // Six numbers are no whole number of vectors.
    ['ConvTranspose1d(4, 3, 4, stride=2) -> flatten -> Linear(186, 1)', [4, 30], undefined],
  ] as const)('of %s are copied with the places within a stride and the channels as one axis', async (layer, shape, size) => {
    const graph = stepOf(`input x: [${shape.join(', ')}]; layer ${layer}`);
    const widths = graph.nodes.flatMap((node) => {
      if (node.op !== 'contract') return [];
      return node.inputs.flatMap((i) => {
        const { op, type } = at(graph.nodes, i);
        const reads = contractLabels(node.attrs.spec);
        return op === 'detach' && reads.out.endsWith((i === node.inputs[0] ? reads.a : reads.b).slice(-1)) ? [type.shape.at(-1)] : [];
      });
    });
    if (size === undefined) expect(widths).not.toContain(6);
    else expect(widths).toContain(size);
    const given = { ...randomInputs(graph, () => undefined, 5), scalars: { step: 0, seed: 0, total: 10 } };
    const want = evaluate(graph, given);
    const plain = simplify(graph);
    const other = evaluate(plain, given);
    const got = await runGraph(graph, 1, 'cpu', given);
    for (const { state, value } of graph.writes) {
      const same = plain.writes.find((w) => w.state === state)?.value ?? -1;
      expect(distance(other(same).data, want(value).data, 1)).toBeLessThan(1e-12);
      expect(distance(got.state.get(state) ?? [], want(value).data, 1)).toBeLessThan(1e-4);
    }
  });
});

describe('weights of linear layers', () => {
  const copies = (layer: string, places: number, options: CompileOptions = { devices: 'cpu' }): Graph => {
    const text = `input x: [${places}, 8]; layer ${layer} -> flatten -> Linear(${places} * 20, 1); loss mse; optim sgd lr=0.1; train batch=4`;
    const { programs } = compile(model(text).model, { rows: 4, ...options });
    return at(programs, 0).schedule.source;
  };

  it('are copied for the processor with the results last, where many rows read them', async () => {
    const graph = copies('Linear(8, 12) -> tanh -> Linear(12, 20)', 64);
    const copied = graph.nodes.filter((n) => n.op === 'detach').map((n) => n.type.shape.join());
    expect(copied).toEqual(['8,12', '12,20']);
    const given = { ...randomInputs(graph, () => undefined, 9), scalars: { step: 0, seed: 0, total: 10 } };
    const plain = simplify(graph);
    const [want, other] = [evaluate(graph, given), evaluate(plain, given)];
    const got = await runGraph(graph, 1, 'cpu', given);
    for (const [i, { state, value }] of graph.writes.entries()) {
      expect(distance(other(at(plain.writes, i).value).data, want(value).data, 1)).toBeLessThan(1e-12);
      expect(distance(got.state.get(state) ?? [], want(value).data, 1)).toBeLessThan(1e-5);
    }
  });

  it.each<readonly [string, string, number, CompileOptions]>([
    ['few rows read them', 'Linear(8, 20)', 63, {}],
    ['results are no whole vectors', 'Linear(8, 10) -> tanh -> reshape(32, 20)', 64, {}],
    ['sums are long', 'reshape(1, 512) -> Linear(512, 20)', 64, {}],
    ['it is for a GPU', 'Linear(8, 20)', 64, { devices: 'gpu' }],
    ['it is for any device', 'Linear(8, 20)', 64, { devices: 'all' }],
  ])('are not where %s', (_, layer, places, options) => {
    const text = `input x: [${places}, 8]; layer ${layer} -> flatten -> mean(dim=1, keepdim=true); loss mse; optim sgd lr=0.1; train batch=4`;
    const { programs } = compile(model(text).model, { rows: 4, devices: 'cpu', ...options });
    expect(packed(at(programs, 0).schedule.source)).toBe(0);
  });
});
