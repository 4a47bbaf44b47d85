import type { Init } from '../../base/init.ts';
import type { GraphBuilder } from '../../ir/graph/builder.ts';
import type { NodeId } from '../../ir/graph/types.ts';
import * as f from '../functions.ts';
import type { LayerContext } from './layer.ts';

/** What one step of a recurrent layer computes. Gates are in PyTorch's order. */
export interface Step {
  readonly name: string;
  readonly gates: number;
  /**
   * The next state, from the products of the input and of the state with the weights, [B, gates * hidden] each. Its first part is the
   * output.
   */
  readonly next: (b: GraphBuilder, fromInput: NodeId, fromState: NodeId, state: readonly NodeId[], hidden: number) => readonly NodeId[];
  /** Names of the parts of the state. */
  readonly states: readonly ['h'] | readonly ['h', 'c'];
}

const gate = (b: GraphBuilder, x: NodeId, i: number, hidden: number): NodeId => f.part(b, x, 1, i * hidden, hidden);

/** Elman, 1990, with tanh or relu. */
export const rnn = (nonlinearity: string): Step => ({
  name: 'rnn',
  gates: 1,
  states: ['h'],
  next(b, i, h) {
    const sum = b.op('add', i, h);
    return [nonlinearity === 'relu' ? f.relu(b, sum) : b.op('tanh', sum)];
  },
});

/** Cho et al., 2014, as in torch.nn.GRU: the reset gate acts on the product with the state. */
export const GRU_STEP: Step = {
  name: 'gru',
  gates: 3,
  states: ['h'],
  next(b, i, h, [before = i], n) {
    const both = (k: number): NodeId => b.op('sigmoid', b.op('add', gate(b, i, k, n), gate(b, h, k, n)));
    const [r, z] = [both(0), both(1)];
    const fresh = b.op('tanh', b.op('add', gate(b, i, 2, n), b.op('mul', r, gate(b, h, 2, n))));
    return [b.op('add', b.op('mul', b.op('sub', b.like(1, z), z), fresh), b.op('mul', z, before))];
  },
};

/** Hochreiter and Schmidhuber, 1997, with a forget gate: gates i, f, g, o. */
export const LSTM_STEP: Step = {
  name: 'lstm',
  gates: 4,
  states: ['h', 'c'],
  next(b, i, h, [, cell = i], n) {
    const sum = b.op('add', i, h);
    const [input, forget, out] = [0, 1, 3].map((k) => b.op('sigmoid', gate(b, sum, k, n))) as [NodeId, NodeId, NodeId];
    const next = b.op('add', b.op('mul', forget, cell), b.op('mul', input, b.op('tanh', gate(b, sum, 2, n))));
    return [b.op('mul', out, b.op('tanh', next)), next];
  },
};

/** All weights of recurrent layers start uniform in +-1/sqrt(hidden). */
export function recurrentInit(hidden: number): Init {
  const bound = 1 / Math.sqrt(hidden);
  return { kind: 'uniform', low: -bound, high: bound };
}

/** Products with `weight_ih` and `weight_hh`, whose names end in `suffix`. */
export interface Weights {
  readonly fromInput: (x: NodeId) => NodeId;
  /** In the graph of the weights, or in the body of a loop, where `leaf` makes them known under a name. */
  readonly fromState: (b: GraphBuilder, h: NodeId, leaf?: (name: string, operand: NodeId) => NodeId) => NodeId;
}

/** Declares the weights of one step in the order in which PyTorch draws them. */
export function weightsOf(
  cx: LayerContext,
  step: Step,
  of: { readonly input: number; readonly hidden: number; readonly state: number; readonly bias: boolean; readonly suffix: string },
): Weights {
  const { b } = cx;
  const wide = step.gates * of.hidden;
  const init = recurrentInit(of.hidden);
  const wi = cx.param(`weight_ih${of.suffix}`, [wide, of.input], init);
  const wh = cx.param(`weight_hh${of.suffix}`, [wide, of.state], init);
  const [bi, bh] = of.bias ? (['ih', 'hh'] as const).map((k) => cx.param(`bias_${k}${of.suffix}`, [wide], init)) : [];
  const plus = (into: GraphBuilder, y: NodeId, bias: NodeId | undefined): NodeId => {
    const shape = into.shape(y);
    return bias === undefined ? y : into.op('add', y, into.broadcast(bias, shape, [shape.length - 1]));
  };
  return {
    fromInput: (x) => plus(b, b.contract(b.shape(x).length === 3 ? 'abz,yz->aby' : 'az,yz->ay', x, wi), bi),
    fromState(into, h, leaf = (_name, operand) => operand) {
      const product = into.contract('az,yz->ay', h, leaf('weight_hh', wh));
      return plus(into, product, bh === undefined ? undefined : leaf('bias_hh', bh));
    },
  };
}
