import { describe, expect, it } from 'vitest';
import { bindBatch } from '../../src/passes/graph/cleanup.ts';
import { evaluate } from '../../src/reference/evaluate.ts';
import { initialValue } from '../../src/base/init.ts';
import { model } from '../support/programs.ts';

/** Losses and functions in models, where the batch is not known: the loss of three examples is the mean of their own losses. */

const ROWS = 3;
const spread = (n: number, low: number, high: number): Float32Array =>
  Float32Array.from({ length: n }, (_, i) => low + ((high - low) * ((i * 29 + 7) % 31)) / 31);
const RANDOM = { uniform: spread, normal: (n: number): Float32Array => spread(n, -1, 1) };

/** The loss of a model of some examples, each `x` and `target` numbers long. */
function lossOf(text: string, rows: number, x: readonly number[], target: readonly number[]): number {
  const { model: m } = model(`${text}\noptim sgd lr=0.1\ntrain steps=1`);
  const graph = bindBatch(m.training ?? m.predict, rows);
  const state = new Map([...m.params, ...m.states].map((p) => [p.name, initialValue(p.init, p.shape, RANDOM)]));
  const all = evaluate(graph, {
    inputs: new Map([
      ['x', x],
      ['target', target],
    ]),
    state,
    scalars: { step: 0, seed: 0, total: 1 },
  });
  return all(graph.outputs['loss'] ?? -1).data[0] ?? NaN;
}

/** What is written for the model, how many numbers an example and its target have, and labels below which number the target is. */
type Case = readonly [text: string, x: number, target: number, labels: number | undefined];
const MODELS: readonly Case[] = [
  ['input x: [3]\nlayer Linear(3, 4)\nloss gaussian_nll(full=true)', 3, 2, undefined],
  ['input x: [3]\nlayer Linear(3, 4)\nloss poisson_nll(full=true)', 3, 4, undefined],
  ['input x: [3]\nlayer Linear(3, 4)\nloss mse(weight=[1, 1, 1, 1])', 3, 4, undefined],
  ['input x: [3]\nlayer Linear(3, 4)\nloss huber(weight=[1, 2, 3, 4])', 3, 4, undefined],
  ['input x: [3]\nlayer Linear(3, 4)\nloss bce_with_logits(weight=[1, 2, 3, 4], pos_weight=[4, 3, 2, 1])', 3, 4, undefined],
  ['input x: [3]\nlayer Linear(3, 4) -> sigmoid\nloss bce(weight=[1, 2, 3, 4])', 3, 4, undefined],
  ['input x: [3]\nlayer Linear(3, 4)\nloss multilabel_soft_margin(weight=[1, 2, 3, 4])', 3, 4, undefined],
  ['input x: [3]\nlayer Linear(3, 4)\nloss multi_margin(p=2, weight=[1, 2, 3, 4])', 3, 1, 4],
  ['input x: [3]\nlayer Linear(3, 4)\nloss multilabel_margin', 3, 4, 3],
  ['input x: [3]\nlayer Linear(3, 4)\nloss margin_ranking(margin=0.5)', 3, 2, undefined],
  ['input x: [3]\nlayer Linear(3, 4)\nloss hinge_embedding', 3, 4, undefined],
  ['input x: [3]\nlayer Linear(3, 4)\nloss cosine_embedding', 3, 1, undefined],
  ['input x: [3]\nlayer Linear(3, 6)\nloss triplet_margin(swap=true, p=3)', 3, 1, undefined],
  ['input x: [3]\nlayer Linear(3, 6)\nloss triplet_margin_with_distance(distance=cosine)', 3, 1, undefined],
  ['input x: [5, 3]\ntarget y: int[2]\nlayer Linear(3, 4) -> log_softmax\nloss ctc', 15, 2, 4],
  [
    'input x: [2, 3, 4]\nlayer grid_sample(x, affine_grid(reshape(x, [24])[:, 0:6] -> reshape([2, 3]), size=[2, 2]))\nloss mse',
    24,
    8,
    undefined,
  ],
  ['input x: [2, 4]\nparam w: [3, 2, 2] = normal\nlayer conv1d(x, weight_norm(w, [1, 2, 3]), bias=[1, 2, 3])\nloss mse', 8, 9, undefined],
  ['input x: [2, 2]\nlayer solve(x + 4 * diag([1, 1]), inverse(x + 5 * diag([1, 1])))\nloss mse', 4, 4, undefined],
  ['input x: [2, 2]\nlayer reshape(det(x) + trace(x) + logdet(x @ transpose(x) + diag([1, 1])), [1])\nloss mse', 4, 1, undefined],
  ['input x: [3]\nlayer diag_embed(x) + cdist(x -> unsqueeze, x -> unsqueeze)\nloss mse', 3, 9, undefined],
  ['input x: [3]\nlayer tile(repeat_interleave(x, 2), 2) -> unfold(1, 4, 2) -> quantile(0.3, dim=-1)\nloss mse', 3, 5, undefined],
  [
    'input x: [4]\nlet p = argsort(x)\nlayer scatter(x, p, 2 * x, dim=1) + scatter_reduce(x, p, x, dim=1, reduce=mean)\nloss mse',
    4,
    4,
    undefined,
  ],
  ['input x: [4]\nlayer masked_fill(cross(x[:, 0:3], x[:, 1:4]) -> normalize, x[:, 0:3] > 0, 2) -> lgamma\nloss mse', 4, 3, undefined],
];

const numbers = (n: number, from: number): number[] => Array.from({ length: n }, (_, i) => ((from + i * 37) % 23) / 11 - 1 + (i % 3) / 50);

describe('losses and functions of a batch that is not known', () => {
  it.each(MODELS)('%s', (text, width, targets, labels) => {
    const x = numbers(ROWS * width, 5);
    const target = Array.from({ length: ROWS * targets }, (_, i) => (labels === undefined ? (i % 2 === 0 ? 1 : 0) : (i * 7 + 1) % labels));
    const whole = lossOf(text, ROWS, x, target);
    const single = Array.from({ length: ROWS }, (_, i) =>
      lossOf(text, 1, x.slice(i * width, (i + 1) * width), target.slice(i * targets, (i + 1) * targets)),
    );
    expect(whole).not.toBe(0);
    expect(whole).toBeCloseTo(single.reduce((p, q) => p + q) / ROWS, 9);
  });
});
