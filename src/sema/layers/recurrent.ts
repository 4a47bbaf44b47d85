import { at } from '../../base/errors.ts';
import { showShape, type Dim } from '../../base/types.ts';
import type { GraphBuilder } from '../../ir/graph/builder.ts';
import type { NodeId } from '../../ir/graph/types.ts';
import * as f from '../functions.ts';
import { layer, problem, type Layer, type LayerContext } from './layer.ts';

/**
 * Recurrent layers, unrolled over the sequence: [B, T, in] -> [B, T, hidden]. Names and order of the gates are PyTorch's
 * (`weight_ih_l0` is [gates * hidden, in]); the state starts with zeros.
 */
interface Cell {
  readonly gates: number;
  /** One step: the products of the input and of the state with the weights, [B, gates * hidden] each; the state, its first part the output. */
  readonly step: (b: GraphBuilder, fromInput: NodeId, fromState: NodeId, state: readonly NodeId[], hidden: number) => readonly NodeId[];
  readonly states: 1 | 2;
}

const gate = (b: GraphBuilder, x: NodeId, i: number, hidden: number): NodeId => f.part(b, x, 1, i * hidden, hidden);

const rnn = (activation: (b: GraphBuilder, x: NodeId) => NodeId): Cell => ({
  gates: 1,
  states: 1,
  step: (b, i, h) => [activation(b, b.op('add', i, h))],
});

/** Cho et al., 2014, as torch.nn.GRU computes it: the reset gate acts on the product of the state. */
const GRU_CELL: Cell = {
  gates: 3,
  states: 1,
  step(b, i, h, [before = i], n) {
    const both = (k: number): NodeId => b.op('sigmoid', b.op('add', gate(b, i, k, n), gate(b, h, k, n)));
    const [r, z] = [both(0), both(1)];
    const fresh = b.op('tanh', b.op('add', gate(b, i, 2, n), b.op('mul', r, gate(b, h, 2, n))));
    return [b.op('add', b.op('mul', b.op('sub', b.like(1, z), z), fresh), b.op('mul', z, before))];
  },
};

/** Hochreiter and Schmidhuber, 1997, with a forget gate: gates i, f, g, o. */
const LSTM_CELL: Cell = {
  gates: 4,
  states: 2,
  step(b, i, h, [, cell = i], n) {
    const sum = b.op('add', i, h);
    const [input, forget, out] = [0, 1, 3].map((k) => b.op('sigmoid', gate(b, sum, k, n))) as [NodeId, NodeId, NodeId];
    const next = b.op('add', b.op('mul', forget, cell), b.op('mul', input, b.op('tanh', gate(b, sum, 2, n))));
    return [b.op('mul', out, b.op('tanh', next)), next];
  },
};

interface Direction {
  readonly input: number;
  readonly hidden: number;
  readonly bias: boolean;
  readonly suffix: string;
  readonly reverse: boolean;
}

/** Runs a cell along the sequence in one direction: [B, T, hidden]. */
function run(cx: LayerContext, cell: Cell, x: NodeId, d: Direction): NodeId {
  const { b } = cx;
  const [batch = 1, length] = b.shape(x) as [Dim, number, ...Dim[]];
  const wide = cell.gates * d.hidden;
  const bound = 1 / Math.sqrt(d.hidden);
  const init = { kind: 'uniform', low: -bound, high: bound } as const;
  const wi = cx.param(`weight_ih_${d.suffix}`, [wide, d.input], init);
  const wh = cx.param(`weight_hh_${d.suffix}`, [wide, d.hidden], init);
  const biases = d.bias ? (['ih', 'hh'] as const).map((k) => cx.param(`bias_${k}_${d.suffix}`, [wide], init)) : [];
  const plus = (y: NodeId, which: 0 | 1): NodeId => {
    const bias = biases[which];
    const shape = b.shape(y);
    return bias === undefined ? y : b.op('add', y, b.broadcast(bias, shape, [shape.length - 1]));
  };
  // The input's share of all steps is one product.
  const inputs = plus(b.contract('abz,yz->aby', x, wi), 0);
  const zero = b.full(0, { dtype: 'f32', shape: [batch, d.hidden] });
  let state: readonly NodeId[] = cell.states === 1 ? [zero] : [zero, zero];
  const outputs: NodeId[] = [];
  for (let k = 0; k < length; k++) {
    const t = d.reverse ? length - 1 - k : k;
    const mine = b.reshape(f.part(b, inputs, 1, t, 1), [batch, wide]);
    const before = plus(b.contract('az,yz->ay', at(state, 0), wh), 1);
    state = cell.step(b, mine, before, state, d.hidden);
    outputs[t] = b.reshape(at(state, 0), [batch, 1, d.hidden]);
  }
  return outputs.length === 1 ? at(outputs, 0) : b.add('concat', outputs, { axis: 1 });
}

const recurrent = (name: string, doc: string, cellOf: (args: { readonly nonlinearity?: string }) => Cell, more: object = {}): Layer =>
  layer({
    doc,
    torch: `torch.nn.${name}(batch_first=True)`,
    shape: '[B, T, in] -> [B, T, hidden]; [B, hidden] with last',
    parameters: {
      input_size: { type: 'int', min: 1, doc: 'size of what flows in' },
      hidden_size: { type: 'int', min: 1, doc: 'size of the state' },
      num_layers: { type: 'int', default: 1, min: 1, doc: 'layers on top of one another' },
      bias: { type: 'bool', default: true, doc: 'adds trainable numbers' },
      bidirectional: { type: 'bool', default: false, doc: 'runs both ways and joins the results' },
      last: { type: 'bool', default: false, doc: 'gives the state after the sequence alone' },
      ...more,
    },
    build(cx, args, x) {
      const { b } = cx;
      const shape = b.shape(x);
      if (shape.length !== 3 || shape[2] !== args.input_size || typeof shape[1] !== 'number')
        return problem('NN203', `${cx.text} takes [B, T, ${args.input_size}], and ${showShape(shape)} flows in`);
      const cell = cellOf(args as { readonly nonlinearity?: string });
      const hidden = args.hidden_size;
      let y = x;
      let ends: NodeId[] = [];
      for (let l = 0; l < args.num_layers; l++) {
        const input = b.shape(y)[2] as number;
        const one = (reverse: boolean): NodeId =>
          run(cx, cell, y, { input, hidden, bias: args.bias, suffix: `l${l}${reverse ? '_reverse' : ''}`, reverse });
        const ways = args.bidirectional ? [one(false), one(true)] : [one(false)];
        // The last state of the way back is the one at the first place.
        ends = ways.map((w, i) => b.reshape(f.part(b, w, 1, i === 0 ? (shape[1] as number) - 1 : 0, 1), [shape[0] as Dim, hidden]));
        y = ways.length === 1 ? at(ways, 0) : b.add('concat', ways, { axis: 2 });
      }
      if (!args.last) return y;
      return ends.length === 1 ? at(ends, 0) : b.add('concat', ends, { axis: 1 });
    },
  });

const nonlinearity = { type: 'string', default: 'tanh', choices: ['tanh', 'relu'], doc: 'the activation' } as const;
export const RNN = recurrent(
  'RNN',
  'a state that each place of a sequence changes',
  ({ nonlinearity: n }) => rnn(n === 'relu' ? f.relu : (b, x) => b.op('tanh', x)),
  { nonlinearity },
);
export const GRU = recurrent('GRU', 'a recurrent layer with a reset and an update gate', () => GRU_CELL);
export const LSTM = recurrent('LSTM', 'a recurrent layer with a cell that gates guard', () => LSTM_CELL);
