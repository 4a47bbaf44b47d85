import { describe, expect, it } from 'vitest';
import { at } from '../../src/base/errors.ts';
import { compile } from '../../src/compile.ts';
import type { CompileOptions } from '../../src/planning/options.ts';
import type { Graph } from '../../src/ir/graph/types.ts';
import { dce } from '../../src/passes/graph/cleanup.ts';
import { channelsLast } from '../../src/passes/graph/channels-last.ts';
import { evaluate } from '../../src/reference/evaluate.ts';
import { distance, randomInputs } from '../../src/verify/run-graph.ts';
import { model } from '../support/programs.ts';
import { runGraph } from '../support/run-graph.ts';

function stepOf(text: string, batch: number, options: CompileOptions = { devices: 'gpu' }): Graph {
  const { programs } = compile(model(`${text}; loss mse; optim sgd lr=0.1; train batch=${batch}`).model, { rows: 8, ...options });
  return at(programs, 0).schedule.source;
}

/** Products of two matrices, by their labels. */
const products = (g: Graph): string[] =>
  g.nodes.flatMap((n) => (n.op === 'contract' && /^p[ac],(pb|co)->/.test(n.attrs.spec) ? [n.attrs.spec] : []));
const FORWARD = 'pc,co->po';

describe('products over the channels of images', () => {
  it.each([
    ['of 1 x 1', 'Conv2d(3, 4, 1) -> tanh -> Conv2d(4, 2, 1)', [3, 5, 7], 2, 3, 2],
    ['of one example', 'Conv2d(3, 4, 1) -> tanh -> Conv2d(4, 2, 1)', [3, 5, 7], 1, 3, 2],
    ['with a stride', 'Conv2d(3, 4, 1, stride=2) -> tanh -> Conv2d(4, 2, 1)', [3, 5, 7], 2, 3, 2],
    ['along one axis', 'Conv1d(3, 5, 1) -> tanh -> Conv1d(5, 2, 1)', [3, 9], 4, 3, 2],
    ['along three axes', 'Conv3d(3, 4, 1) -> tanh -> Conv3d(4, 2, 1)', [3, 2, 5, 3], 2, 3, 2],
    ['beside others', 'Conv2d(3, 4, 3) -> tanh -> Conv2d(4, 2, 1)', [3, 5, 7], 2, 2, 1],
  ] as const)('%s are products of matrices', async (_, layers, shape, batch, forward, gradients) => {
    const before = stepOf(`input x: [${shape.join(', ')}]; layer ${layers} -> flatten`, batch);
    expect(products(before)).toEqual([]);
    const after = dce(channelsLast(before, () => true));
    expect(products(after).filter((s) => s === FORWARD)).toHaveLength(forward);
    expect(products(after).filter((s) => s !== FORWARD)).toHaveLength(gradients);
    const given = { ...randomInputs(before, () => undefined, 4), scalars: { step: 0, seed: 0, total: 10 } };
    const [want, same] = [evaluate(before, given), evaluate(after, given)];
    for (const device of ['cpu', 'js', 'gpu'] as const) {
      const got = await runGraph(after, 1, device, given);
      for (const [i, w] of before.writes.entries()) {
        expect(distance(same(at(after.writes, i).value).data, want(w.value).data, 1)).toBeLessThan(1e-12);
        expect(distance(got.state.get(w.state) ?? [], want(w.value).data, 1), device).toBeLessThan(1e-5);
      }
    }
  });

  it.each([
    ['linear layers', 'input x: [6, 3]; layer Linear(3, 4) -> tanh -> Linear(4, 2) -> flatten'],
    ['a linear layer along an axis that is no last one', 'input x: [6]; layer Linear(6, 4) -> transpose(0, 1) -> transpose(0, 1)'],
    ['attention', 'input x: [6, 4]; layer attention(x, x, x, 2) -> Linear(4, 2) -> flatten'],
    ['convolutions of 3 x 3', 'input x: [3, 5, 7]; layer Conv2d(3, 4, 3) -> flatten'],
    ['groups', 'input x: [4, 5, 7]; layer Conv2d(4, 4, 1, groups=2) -> flatten'],
  ])('are not: %s', (_, text) => {
    expect(products(channelsLast(stepOf(text, 2), () => true))).toEqual([]);
  });

  it('are not, but for gradients, where rows are whole tiles of vectors', () => {
    const g = channelsLast(stepOf('input x: [3, 2, 16]; layer Conv2d(3, 4, 1) -> tanh -> Conv2d(4, 2, 1) -> flatten', 2), () => true);
    expect(products(g)).toEqual(['pa,pb->ab', 'pa,pb->ab']);
  });

  const WIDE = 'input x: [40, 7, 7]; layer Conv2d(40, 40, 1) -> tanh -> Conv2d(40, 40, 1) -> flatten';
  it('are for the processor, and many channels', () => {
    expect(products(stepOf(WIDE, 8, { devices: 'cpu' }))).toHaveLength(5);
    expect(products(stepOf(WIDE.replaceAll('40', '8'), 8, { devices: 'cpu' }))).toEqual([]);
    expect(products(stepOf(WIDE, 8, { devices: 'gpu' }))).toEqual([]);
    expect(products(stepOf(WIDE, 8, { devices: 'all' }))).toEqual([]);
  });
});
