import { describe, expect, it } from 'vitest';
import { at } from '../../src/base/errors.ts';
import { compile } from '../../src/compile.ts';
import { planBytes } from '../../src/plan.ts';
import type { CompileOptions } from '../../src/planning/options.ts';
import type { Graph } from '../../src/ir/graph/types.ts';
import { dce } from '../../src/passes/graph/cleanup.ts';
import { winograd } from '../../src/passes/graph/winograd.ts';
import { schemesFor } from '../../src/passes/graph/winograd-schemes.ts';
import { evaluate } from '../../src/reference/evaluate.ts';
import { distance, randomInputs } from '../../src/verify/run-graph.ts';
import { model } from '../support/programs.ts';
import { adapterAtHand, runGraph } from '../support/run-graph.ts';

/** A training step, with the weights in the vector of parameters. */
function stepOf(text: string, batch: number, options: CompileOptions = { devices: 'cpu' }): Graph {
  const { programs } = compile(model(`${text}; loss mse; optim sgd lr=0.1; train batch=${batch}`).model, { rows: 8, ...options });
  return at(programs, 0).schedule.source;
}

const mixes = (g: Graph): number => g.nodes.filter((n) => n.op === 'mix').length;
const given = (g: Graph, seed: number) => ({ ...randomInputs(g, () => undefined, seed), scalars: { step: 0, seed: 0, total: 10 } });

/** Mixes of a convolution: of its input, its weights and its results; of the gradient of weights: of input, cotangent and gradient. */
const EACH = 3;

describe('convolutions by tiles', () => {
  it.each([
    ['two, of which the first one has no gradient of its input', 'Conv2d(2, 3, 3, padding=1) -> tanh -> Conv2d(3, 4, 3)', [2, 6, 8], 3, 5],
    ['of images with odd sides', 'Conv2d(3, 5, 3, padding=1)', [3, 7, 5], 2, 2],
    ['of one example', 'Conv2d(3, 2, 3) -> tanh -> Conv2d(2, 3, 3, padding=1)', [3, 6, 7], 1, 5],
    ['with a border that is not zero', 'Conv2d(2, 3, 3, padding=1, padding_mode="reflect")', [2, 5, 5], 2, 2],
    ['with more padding than they need', 'Conv2d(2, 3, 3, padding=2) -> tanh -> Conv2d(3, 4, 3, padding=1)', [2, 4, 6], 2, 5],
    ['of 5 x 5', 'Conv2d(3, 4, 5, padding=2) -> tanh -> Conv2d(4, 2, 5)', [3, 9, 10], 2, 5],
    ['along one axis', 'Conv1d(3, 4, 3) -> tanh -> Conv1d(4, 3, 5, padding=2)', [3, 23], 3, 5],
    ['along one of two axes', 'Conv2d(3, 4, [3, 1]) -> tanh -> Conv2d(4, 3, [1, 3], padding=[0, 1])', [3, 9, 6], 2, 5],
    ['along three axes', 'Conv3d(2, 3, 3, padding=1) -> tanh -> Conv3d(3, 2, 3)', [2, 5, 4, 6], 2, 5],
    ['with others between', 'Conv2d(2, 4, 1) -> Conv2d(4, 4, 3, padding=1) -> Conv2d(4, 2, 7)', [2, 8, 8], 2, 3],
  ] as const)('%s', async (_, layers, shape, batch, found) => {
    const before = stepOf(`input x: [${shape.join(', ')}]; layer ${layers} -> flatten`, batch);
    expect(mixes(before)).toBe(0);
    const values = given(before, 11);
    const want = evaluate(before, values);
    // Of all schemes that fit the first one, and then the last one.
    for (const which of [0, -1]) {
      const after = dce(winograd(before, ({ size, places }) => schemesFor(size, places.length).at(which)));
      expect(mixes(after)).toBe(EACH * found);
      const same = evaluate(after, values);
      for (const device of ['cpu', 'js', 'gpu'] as const) {
        const got = await runGraph(after, 1, device, values);
        for (const [i, w] of before.writes.entries()) {
          expect(distance(same(at(after.writes, i).value).data, want(w.value).data, 1)).toBeLessThan(1e-12);
          expect(distance(got.state.get(w.state) ?? [], want(w.value).data, 1), device).toBeLessThan(1e-5);
        }
      }
    }
  });

  /** Products of windows that are no convolutions. */
  const BLOCKS = [
    'block Local() { param w: [4, 3, 6, 6, 3, 3] = normal(0, 1); einsum(x, w, equation="nchwyx,ochwyx->nohw") }',
    'block Twice() { param w: [4, 3, 3, 3] = normal(0, 1); einsum(x, w, equation="nclyx,ocyx->nol") }',
  ].join('\n');

  it.each([
    ['a stride', 'Conv2d(3, 4, 3, stride=2)'],
    ['a dilation', 'Conv2d(3, 4, 3, dilation=2)'],
    ['groups', 'Conv2d(4, 4, 3, groups=2)'],
    ['another size', 'Conv2d(3, 4, 4) -> tanh -> Conv2d(4, 4, 1)'],
    ['windows of two sizes', 'Conv2d(3, 4, [3, 5])'],
    ['a single row of results', 'Conv2d(3, 3, [6, 1]) -> Conv2d(3, 4, 3)'],
    ['weights of their own at each place', 'unfold(2, 3, 1) -> unfold(3, 3, 1) -> Local()'],
    ['windows twice along one axis', 'reshape(3, 64) -> unfold(2, 3, 1) -> unfold(2, 3, 1) -> Twice()'],
    ['windows side by side', 'MaxPool2d(3, stride=1) -> Conv2d(3, 4, 1)'],
  ])('are none with %s', (_, layers) => {
    const channels = layers.includes('groups') ? 4 : 3;
    const g = stepOf(`${BLOCKS}\ninput x: [${channels}, 8, 8]; layer ${layers} -> flatten`, 2);
    expect(mixes(winograd(g, ({ size, places }) => schemesFor(size, places.length)[0]))).toBe(0);
  });

  const WIDE = 'input x: [36, 16, 16]; layer Conv2d(36, 36, 3, padding=1) -> relu -> Conv2d(36, 36, 3, padding=1) -> flatten';
  const wide = (channels: number): string => WIDE.replaceAll('36', String(channels));
  it('are chosen by their cost: many channels, and tiles enough for what is done for each weight', () => {
    // Of both layers, of the gradient of the second one's input, and of the gradients of both layers' weights.
    expect(mixes(stepOf(WIDE, 8))).toBe(EACH * 5);
    // Of the gradients of weights alone: to transform a cotangent takes less than to transform results back.
    expect(mixes(stepOf(wide(16), 8))).toBe(EACH * 2);
    expect(mixes(stepOf(wide(8), 8))).toBe(0);
    expect(mixes(stepOf(WIDE.replaceAll('16, 16', '2, 2'), 2))).toBe(0);
    // Larger tiles for larger images, smaller ones where those would be half empty and where there are few.
    const lengths = (text: string): number[] =>
      stepOf(text, 8).nodes.flatMap((n) =>
        n.op === 'mix' && n.attrs.matrix.length > at(n.attrs.matrix, 0).length ? [n.attrs.matrix.length] : [],
      );
    expect(new Set(lengths(WIDE))).toEqual(new Set([6]));
    expect(new Set(lengths(WIDE.replaceAll('16, 16', '6, 6')))).toEqual(new Set([4]));
  });

  it('are for the processor, where memory is not short, and where products are not rounded', async () => {
    expect(mixes(stepOf(WIDE, 8, { devices: 'gpu' }))).toBe(0);
    expect(mixes(stepOf(WIDE, 8, {}))).toBe(0);
    expect(mixes(stepOf(WIDE, 8, { devices: 'all', adapter: await adapterAtHand(true) }))).toBe(EACH * 5);
    expect(mixes(stepOf(WIDE, 8, { devices: 'gpu', adapter: await adapterAtHand(true) }))).toBe(0);
    expect(mixes(stepOf(WIDE, 8, { devices: 'cpu', level: 0 }))).toBe(0);
    const whole = { devices: 'cpu', maxMemory: 2 ** 30 } as const;
    expect(mixes(stepOf(WIDE, 8, whole))).toBe(EACH * 5);
    const { total } = planBytes(compile(model(`${WIDE}; loss mse; optim sgd lr=0.1; train batch=8`).model, { rows: 8, ...whole }).plan);
    expect(mixes(stepOf(WIDE, 8, { devices: 'cpu', maxMemory: total - 1 }))).toBe(0);
    expect(mixes(stepOf(`precision f16; ${WIDE}`, 8))).toBe(0);
  });
});
