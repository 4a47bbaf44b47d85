import { describe, expect, it } from 'vitest';
import { initialValue } from '../../src/base/init.ts';
import { showShape } from '../../src/base/types.ts';
import { distance } from '../../src/verify/run-graph.ts';
import type { Graph } from '../../src/ir/graph/types.ts';
import { bindBatch } from '../../src/passes/graph/cleanup.ts';
import { evaluate } from '../../src/reference/evaluate.ts';
import { initialStream } from '../../src/base/init.ts';
import { model } from '../support/programs.ts';
import { Random } from '../support/random.ts';

/** Recurrent layers and attention in models: dropout, and a batch whose size is not known. What they compute is in test/parity. */
const ROWS = 2;

/** A layer of x [B, 3, 4] that keeps the shape: what it gives in prediction and in a step of training, and the graph of that. */
function built(layer: string): { predict: ArrayLike<number>; train: (seed: number) => ArrayLike<number>; training: Graph } {
  const m = model(`input x: [3, 4]\nlayer ${layer}\nloss mse\noptim sgd lr=0.1\n`).model;
  const state = new Map(m.params.map((p, i) => [p.name, initialValue(p.init, p.shape, initialStream(1, i))]));
  const inputs = new Map(['x', 'y', 'target'].map((name) => [name, new Random(7).floats(ROWS * 12)]));
  const run = (graph: Graph, seed: number): ArrayLike<number> => {
    const bound = bindBatch({ ...graph, outputs: { pred: graph.outputs['pred'] ?? -1 } }, ROWS);
    return evaluate(bound, { inputs, state, scalars: { step: 3, seed, total: 10 } })(bound.outputs['pred'] ?? -1).data;
  };
  const { training } = m;
  if (!training) throw new Error('no loss');
  return { predict: run(m.predict, 1), train: (seed) => run(training, seed), training };
}

describe('dropout inside of layers', () => {
  it.each([
    ['attention(x, x, x, 2', 1],
    ['MultiheadAttention(x, 4, 2', 1],
    ['RNN(4, 4, num_layers=2', 1],
    ['GRU(4, 2, num_layers=3, bidirectional=true', 2],
    ['LSTM(4, 4, num_layers=2, proj_size=0', 1],
    ['TransformerEncoderLayer(4, 2, dim_feedforward=5', 4],
    ['TransformerDecoderLayer(x, x, 4, 2, dim_feedforward=5', 6],
    ['TransformerEncoder(4, 2, 2, dim_feedforward=5, norm_first=true', 8],
  ])('of %s) changes training and not prediction, in %i places', (call, places) => {
    const [without, half] = [built(`${call}, dropout=0)`), built(`${call}, dropout=0.5)`)];
    expect(half.predict).toEqual(without.predict);
    expect(without.train(1)).toEqual(without.predict);
    expect(distance(half.train(1), half.predict)).toBeGreaterThan(1e-3);
    expect(distance(half.train(1), half.train(2))).toBeGreaterThan(1e-3);
    expect(half.training.nodes.filter((n) => n.op === 'uniform').length).toBe(places);
  });

  it.each(['attention(x, x, x, 2, dropout=0.4)', 'MultiheadAttention(x, 4, 2, dropout=0.4)'])('of %s keeps the mean', (call) => {
    const { predict, train } = built(call);
    const mean = new Float64Array(predict.length);
    const seeds = 1500;
    for (let seed = 0; seed < seeds; seed++) Array.from(train(seed)).forEach((v, i) => (mean[i] = (mean[i] ?? 0) + v / seeds));
    // The rest of the factor, 1 / (1 - p), would be a distance of 0.4 or more.
    expect(distance(mean, predict)).toBeLessThan(0.08);
  });

  it('has no place in a single recurrent layer', () => {
    const { predict, train } = built('LSTM(4, 4, dropout=0.5)');
    expect(train(1)).toEqual(predict);
  });
});

describe('a batch whose size is not known', () => {
  it.each([
    ['let y, h = GRU(x, 4, 3, bidirectional=true, states=true)\nlayer h', '[B, 2, 3]'],
    ['let y, h, c = LSTM(x, 4, 3, num_layers=2, proj_size=2, states=true)\nlayer h + c[:, :, 0:2]', '[B, 2, 2]'],
    ['param start: [1, 3] = zeros\nlayer GRU(x, 4, 3, h0=start, last=true)', '[B, 3]'],
    ['input s: [1, 3]\nlayer RNN(x, 4, 3, h0=s)', '[B, 3, 3]'],
    ['let cell = share(GRUCell(4, 2))\nparam s: [2] = zeros\nlet h = [x[:, 0], s] -> cell\nlayer cell([x[:, 1], h])', '[B, 2]'],
    ['input m: [3, 3]\nlayer attention(x, x, x, 2, mask=m > 0)', '[B, 3, 4]'],
    ['input m: [3]\nlayer MultiheadAttention(x, 4, 2, key_padding_mask=m > 0, add_zero_attn=true)', '[B, 3, 4]'],
    ['input k: [5, 3]\nlayer MultiheadAttention(x, 4, 2, key=k, kdim=3, vdim=3, add_bias_kv=true, causal=true)', '[B, 3, 4]'],
    ['input m: [3]\nlayer TransformerEncoder(x, 4, 2, 2, dim_feedforward=3, src_key_padding_mask=m > 0)', '[B, 3, 4]'],
    ['input k: [5, 4]\nlayer TransformerDecoder(x, k, 4, 2, 1, dim_feedforward=3, norm=true)', '[B, 3, 4]'],
  ])('fits %s', (text, shape) => {
    expect(showShape(model(`input x: [3, 4]\n${text}\n`).model.output.shape)).toBe(shape);
  });

  it('gives a stack of Transformer layers the names of PyTorch', () => {
    const { params } = model(
      'input x: [3, 4]\ninput m: [2, 4]\nlayer dec: TransformerDecoder(x, m, 4, 2, 2, dim_feedforward=3, norm=true)\n',
    ).model;
    const attention = (name: string): string[] =>
      ['in_proj_bias', 'in_proj_weight', 'out_proj.bias', 'out_proj.weight'].map((key) => `${name}.${key}`);
    const affine = (name: string): string[] => [`${name}.bias`, `${name}.weight`];
    const one = (i: number): string[] =>
      [...['self_attn', 'multihead_attn'].flatMap(attention), ...['linear1', 'linear2', 'norm1', 'norm2', 'norm3'].flatMap(affine)].map(
        (key) => `dec.layers.${i}.${key}`,
      );
    expect(params.map((p) => p.name).sort()).toEqual([...one(0), ...one(1), 'dec.norm.bias', 'dec.norm.weight'].sort());
  });
});
