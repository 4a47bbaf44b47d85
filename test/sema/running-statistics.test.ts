import { describe, expect, it } from 'vitest';
import type { Graph } from '../../src/ir/graph/types.ts';
import { bindBatch } from '../../src/passes/graph/cleanup.ts';
import { evaluate } from '../../src/reference/evaluate.ts';
import { model } from '../support/programs.ts';

/** InstanceNorm's running statistics, which change from step to step; the numbers are those of PyTorch 1.13 (torch.nn.InstanceNorm1d). */

const X = [1, 2, 4, -1, 0.5, 3, 2, 2, 5, -2, -1, 0.25];
const START = { mean: [0.5, -0.25], var: [2, 0.5] };

function evaluated(
  layer: string,
  training: boolean,
): { readonly y: readonly number[]; readonly states: Readonly<Record<string, readonly number[]>> } {
  const { model: m } = model(`input x: [2, 3]\nlayer norm: ${layer}\nloss mse\n`);
  const chosen: Graph | undefined = training ? m.training : m.predict;
  if (!chosen) throw new Error('no graph');
  const graph = bindBatch(chosen, 2);
  const state = new Map(m.states.map((s) => [s.name, s.name === 'norm.running_mean' ? START.mean : START.var]));
  const all = evaluate(graph, {
    inputs: new Map([
      ['x', X],
      ['target', X],
    ]),
    state,
    scalars: { step: 0, seed: 0, total: 1 },
  });
  return {
    y: [...all(graph.outputs['pred'] ?? -1).data],
    states: Object.fromEntries(graph.writes.map((w) => [w.state, [...all(w.value).data]])),
  };
}

const near = (got: readonly number[] | undefined, want: readonly number[]): void => {
  expect(got).toHaveLength(want.length);
  want.forEach((w, i) => expect(got?.[i]).toBeCloseTo(w, 9));
};

describe('InstanceNorm with running statistics', () => {
  it('normalises each example by itself while it trains, and moves the statistics by the mean over the examples', () => {
    const { y, states } = evaluated('InstanceNorm1d(2, momentum=0.3, eps=0.01, track_running_stats=true)', true);
    near(y, TRAINED.y);
    near(states['norm.running_mean'], TRAINED.mean);
    near(states['norm.running_var'], TRAINED.var);
  });

  it('predicts by the statistics', () => {
    const { y, states } = evaluated('InstanceNorm1d(2, eps=0.01, track_running_stats=true)', false);
    near(y, PREDICTED);
    expect(states).toEqual({});
  });

  it('moves them by a tenth where nothing is said', () => {
    const { states } = evaluated('InstanceNorm1d(2, track_running_stats=true)', true);
    near(states['norm.running_mean'], DEFAULT.mean);
    near(states['norm.running_var'], DEFAULT.var);
  });

  it('keeps none where nothing is said', () => {
    expect(model('input x: [2, 3]\nlayer InstanceNorm1d(2)\nloss mse\n').model.states).toEqual([]);
  });
});

const TRAINED = {
  y: [
    -1.06562523089, -0.266406307724, 1.33203153862, -1.10913248435, -0.201660451699, 1.31079293605, -0.705345615859, -0.705345615859,
    1.41069123172, -1.17007956812, -0.0900061206243, 1.26008568874,
  ],
  mean: [1.15, -0.1875],
  var: [2.2, 1.153125],
};
const PREDICTED = [
  0.352672807929, 1.05801842379, 2.46870965551, -1.05021006302, 1.05021006302, 4.55091027309, 1.05801842379, 1.05801842379, 3.17405527136,
  -2.45049014705, -1.05021006302, 0.700140042014,
];
const DEFAULT = { mean: [0.716666666667, -0.229166666667], var: [2.06666666667, 0.717708333333] };
