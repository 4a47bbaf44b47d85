import { describe, expect, it } from 'vitest';
import { gradient } from '../../src/autodiff/gradient.ts';
import { GraphBuilder } from '../../src/ir/graph/builder.ts';
import { bindBatch } from '../../src/passes/graph/cleanup.ts';
import { evaluate } from '../../src/reference/evaluate.ts';
import { model } from '../support/programs.ts';

/** The largest singular value, followed from step to step; the numbers are those of PyTorch 1.13 (torch.nn.utils.spectral_norm). */

const W = [1, 2, -1, 0.5, -1, 2];
const SHORT = [0.6, 0.8];
const LONG = [1 / 3, 2 / 3, 2 / 3];
const SCALARS = { step: 0, seed: 0, total: 1 };

interface Run {
  readonly y: readonly number[];
  /** The gradient of sum(weight * [1 .. 6]). */
  readonly slope: readonly number[];
  readonly states: Readonly<Record<string, readonly number[]>>;
}

/** The weight as the model's output, by a unit matrix: its columns for three examples. */
function run(call: string, training: boolean, u: readonly number[], v: readonly number[]): Run {
  const text = `input x: [3]\nparam w: [2, 3] = ones\nlet s = ${call}\nlayer x @ transpose(s)\nloss mse\noptim sgd lr=0.1\ntrain steps=1`;
  const { model: m } = model(text);
  const chosen = training ? m.training : m.predict;
  if (!chosen) throw new Error('no graph');
  const b = new GraphBuilder('weight', bindBatch(chosen, 3));
  const pred = b.outputs['pred'] ?? -1;
  const c = b.add('input', [], { name: 'c' }, { dtype: 'f32', shape: [3, 2] });
  const w = b.nodes.find((n) => n.op === 'param')?.id ?? -1;
  const [slope = -1] = gradient(b, b.sum(b.op('mul', pred, c), [0, 1]), [w]);
  const state = new Map(m.states.map((s) => [s.name, s.name.endsWith('weight_u') ? u : v]));
  state.set('w', W);
  const inputs = new Map([
    ['x', [1, 0, 0, 0, 1, 0, 0, 0, 1]],
    ['target', [0, 0, 0, 0, 0, 0]],
    ['c', [1, 4, 2, 5, 3, 6]],
  ]);
  const all = evaluate(b.graph(), { inputs, state, scalars: SCALARS });
  const flat = all(pred).data;
  return {
    y: [0, 2, 4, 1, 3, 5].map((i) => flat[i] ?? NaN),
    slope: [...all(slope).data],
    states: Object.fromEntries(b.graph().writes.map((x) => [x.state.replace(/^.*\./, ''), [...all(x.value).data]])),
  };
}

const near = (got: readonly number[] | undefined, want: readonly number[]): void => {
  expect(got).toHaveLength(want.length);
  want.forEach((w, i) => expect(got?.[i]).toBeCloseTo(w, 9));
};

describe('spectral_norm', () => {
  it('predicts by the vectors that it has', () => {
    for (const [call, u, v] of [
      ['spectral_norm(w)', SHORT, LONG],
      ['spectral_norm(w, dim=1)', LONG, SHORT],
    ] as const) {
      const { y, slope, states } = run(call, false, u, v);
      near(y, [0.7894736842105263, 1.5789473684210527, -0.7894736842105263, 0.39473684210526316, -0.7894736842105263, 1.5789473684210527]);
      near(
        slope,
        [-0.5817174515235457, -1.1634349030470914, -0.37396121883656486, 1.3296398891966756, 0.2908587257617725, 1.080332409972299],
      );
      expect(states).toEqual({});
    }
  });

  it('does a step of the power method while it trains', () => {
    const { y, slope, states } = run('spectral_norm(w)', true, SHORT, LONG);
    near(y, [0.6540051775614837, 1.3080103551229674, -0.6540051775614837, 0.32700258878074184, -0.6540051775614837, 1.3080103551229674]);
    near(
      slope,
      [-0.48564740908030934, 0.8521493204662502, 0.822362946042658, -0.37556732968877293, 2.0733906718335353, 0.9324430254341944],
    );
    near(states['weight_u'], [0.35599532759198776, 0.9344877349289681]);
    near(states['weight_v'], [0.6804138174397717, 0.2721655269759086, 0.6804138174397717]);
  });

  it('does several where they are asked for, of any axis', () => {
    const { y, slope, states } = run('spectral_norm(w, n_power_iterations=3, dim=1)', true, LONG, SHORT);
    near(y, [0.3467676967906933, 0.6935353935813866, -0.3467676967906933, 0.17338384839534665, -0.3467676967906933, 0.6935353935813866]);
    near(slope, [0.031054860045470867, -0.255069069041025, 1.7524894135322608, 1.513824591389094, 2.114688453764759, 1.7946744248195259]);
    near(states['weight_u'], [0.2572017335433511, 0.7727994678605206, -0.5801967345106239]);
    near(states['weight_v'], [0.9280008971857675, -0.3725779580469175]);
  });
});
