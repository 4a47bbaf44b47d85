import { at } from '../../base/errors.ts';
import { sameShape, showShape, type Dim, type Shape } from '../../base/types.ts';
import { GraphBuilder } from '../../ir/graph/builder.ts';
import type { NodeId } from '../../ir/graph/types.ts';
import { broadcastShapes, broadcastTo } from '../arithmetic.ts';
import * as f from '../functions.ts';
import { dropped } from './dropped.ts';
import { layer, problem, type Layer, type LayerContext, type Problem } from './layer.ts';
import { GRU_STEP, LSTM_STEP, recurrentInit, rnn, weightsOf, type Step, type Weights } from './recurrent-steps.ts';

/**
 * Recurrent layers over a sequence, a loop if it is long: [B, T, in] -> [B, T, hidden]. Weights have PyTorch's names and order (`weight_ih_l0` is
 * [gates * hidden, in]). States are [B, layers * directions, size]: PyTorch's order, but with the batch on axis 0 as everywhere.
 */
interface Direction {
  readonly input: number;
  readonly hidden: number;
  /** The size of the output if a projection makes it smaller than the state; else 0. */
  readonly projection: number;
  readonly bias: boolean;
  readonly suffix: string;
  readonly reverse: boolean;
  /** The state before the first step: [B, size] each. */
  readonly start: readonly NodeId[];
}

interface Ran {
  readonly outputs: NodeId;
  /** The state after the last step. */
  readonly end: readonly NodeId[];
}

/** Longer sequences are a loop, which compiles faster, and from four places on mostly runs faster. */
const WRITTEN_OUT = 2;

/** Runs a step along the sequence in one direction. */
function run(cx: LayerContext, step: Step, x: NodeId, d: Direction): Ran {
  const { b } = cx;
  const [batch = 1, length] = b.shape(x) as [Dim, number, ...Dim[]];
  const width = d.projection || d.hidden;
  const weights = weightsOf(cx, step, { ...d, state: width });
  const projection = d.projection === 0 ? undefined : cx.param(`weight_hr${d.suffix}`, [width, d.hidden], recurrentInit(d.hidden));
  // The input's products of all steps are one contraction.
  const inputs = weights.fromInput(x);
  if (length > WRITTEN_OUT) return looped(b, step, weights, { ...d, inputs, wide: projection, length });
  let state = d.start;
  const outputs: NodeId[] = [];
  for (let k = 0; k < length; k++) {
    const t = d.reverse ? length - 1 - k : k;
    const mine = b.reshape(f.part(b, inputs, 1, t, 1), [batch, step.gates * d.hidden]);
    const [out = mine, ...rest] = step.next(b, mine, weights.fromState(b, at(state, 0)), state, d.hidden);
    // Sak et al., 2014: the output of an LSTM is projected to a smaller one, which goes on to the next step.
    state = [projection === undefined ? out : b.contract('az,yz->ay', out, projection), ...rest];
    outputs[t] = b.reshape(at(state, 0), [batch, 1, width]);
  }
  return { outputs: outputs.length === 1 ? at(outputs, 0) : b.add('concat', outputs, { axis: 1 }), end: state };
}

/** The same as a loop. */
function looped(
  b: GraphBuilder,
  step: Step,
  weights: Weights,
  d: Direction & { readonly inputs: NodeId; readonly wide: NodeId | undefined; readonly length: number },
): Ran {
  const body = new GraphBuilder(step.name);
  const operands = new Map<string, NodeId>();
  const leaf = (name: string, operand: NodeId, type = b.type(operand)): NodeId => {
    operands.set(name, operand);
    return body.add('input', [], { name }, type);
  };
  const sequence = b.permute(d.inputs, [1, 0, 2]);
  const { dtype, shape } = b.type(sequence);
  const mine = leaf('x', sequence, { dtype, shape: shape.slice(1) });
  const state = step.states.map((name, i) => {
    operands.set(name, at(d.start, i));
    return body.add('state', [], { name }, b.type(at(d.start, i)));
  });
  const fromState = weights.fromState(body, at(state, 0), leaf);
  const [out = mine, ...rest] = step.next(body, mine, fromState, state, d.hidden);
  const next = [d.wide === undefined ? out : body.contract('az,yz->ay', out, leaf('weight_hr', d.wide)), ...rest];
  step.states.forEach((name, i) => body.writes.push({ state: name, value: at(next, i) }));
  body.outputs['h'] = at(next, 0);
  const loop = b.loop(body.graph(), operands, { length: d.length, reverse: d.reverse, each: ['x'] });
  return { outputs: b.permute(loop.each('h'), [1, 0, 2]), end: step.states.map((name) => loop.last(name)) };
}

/** The initial states that the call passes by name, or zeros: [B, layers * directions, size] each. */
function starts(cx: LayerContext, step: Step, shapes: readonly Shape[]): readonly NodeId[] | Problem {
  const { b } = cx;
  const out: NodeId[] = [];
  for (const [i, shape] of shapes.entries()) {
    const name = `${at<string>(step.states, i)}0`;
    const given = cx.named[name];
    if (given === undefined) {
      out.push(b.full(0, { dtype: 'f32', shape }));
      continue;
    }
    const found = b.shape(given);
    const fits = sameShape(found.slice(-2), shape.slice(1)) && sameShape(broadcastShapes(found, shape) ?? [], shape);
    if (b.type(given).dtype !== 'f32' || !fits)
      return problem(
        'NN203',
        `${name} is ${showShape(shape)}, and ${showShape(found)} is given`,
        'its axis 1 counts layers and directions; without the batch it serves all examples',
      );
    out.push(broadcastTo(b, given, shape));
  }
  return out;
}

interface More {
  readonly nonlinearity?: string;
  readonly proj_size?: number;
}

const recurrent = (name: string, doc: string, stepOf: (args: More) => Step, more: object = {}): Layer => {
  const { states } = stepOf({});
  const named = states.map((s) => `${s}0`);
  const ends = states.map((s) => `${s}_n`).join(', ');
  return layer({
    doc: `${doc}; ${named.join(', ')} and ${ends} are [B, layers*directions, size], while PyTorch has the batch on axis 1`,
    torch: `torch.nn.${name}(batch_first=True)`,
    shape: `[B, T, in] -> [B, T, hidden]; [B, hidden] with last; and ${ends} with states`,
    named,
    parameters: {
      input_size: { type: 'int', min: 1, doc: 'size of the input' },
      hidden_size: { type: 'int', min: 1, doc: 'size of the hidden state' },
      num_layers: { type: 'int', default: 1, min: 1, doc: 'number of stacked layers' },
      bias: { type: 'bool', default: true, doc: 'adds trainable biases' },
      bidirectional: { type: 'bool', default: false, doc: 'runs in both directions and concatenates the outputs' },
      last: { type: 'bool', default: false, doc: 'returns only the hidden state after the last step' },
      ...more,
      dropout: { type: 'number', default: 0, min: 0, below: 1, doc: 'dropout probability between layers, while training' },
      states: { type: 'bool', default: false, doc: `also returns ${ends}` },
    },
    build(cx, args, x) {
      const { b } = cx;
      const shape = b.shape(x);
      if (shape.length !== 3 || shape[2] !== args.input_size || typeof shape[1] !== 'number')
        return problem('NN203', `${cx.text} takes [B, T, ${args.input_size}], and ${showShape(shape)} flows in`);
      const given = args as More;
      const step = stepOf(given);
      const [batch, hidden, projection] = [shape[0] as Dim, args.hidden_size, given.proj_size ?? 0];
      if (projection >= hidden)
        return problem('NN206', `proj_size ${projection} must be below hidden_size ${hidden}`, 'leave it out: the output has hidden_size');
      const directions = args.bidirectional ? 2 : 1;
      const sizes = step.states.map((s) => (s === 'h' ? projection || hidden : hidden));
      const start = starts(
        cx,
        step,
        sizes.map((size) => [batch, args.num_layers * directions, size]),
      );
      if ('code' in start) return start;
      const startOf = (place: number): NodeId[] => start.map((s, i) => b.reshape(f.part(b, s, 1, place, 1), [batch, at(sizes, i)]));
      const joined = (xs: readonly NodeId[], axis: number): NodeId => (xs.length === 1 ? at(xs, 0) : b.add('concat', xs, { axis }));
      let y = x;
      const all: Ran[] = [];
      for (let l = 0; l < args.num_layers; l++) {
        const input = b.shape(y)[2] as number;
        const layerInput = l === 0 ? y : dropped(cx, y, args.dropout);
        const ways = Array.from({ length: directions }, (_, way) => {
          const suffix = `_l${l}${way === 1 ? '_reverse' : ''}`;
          const d = { input, hidden, projection, bias: args.bias, suffix, reverse: way === 1, start: startOf(l * directions + way) };
          return run(cx, step, layerInput, d);
        });
        all.push(...ways);
        y = joined(
          ways.map((w) => w.outputs),
          2,
        );
      }
      const final = all.slice(-directions).map((r) => at(r.end, 0));
      const out = args.last ? joined(final, 1) : y;
      if (!args.states) return out;
      const after = sizes.map((size, i) =>
        joined(
          all.map((r) => b.reshape(at(r.end, i), [batch, 1, size])),
          1,
        ),
      );
      return [out, ...after];
    },
  });
};

const nonlinearity = { type: 'string', default: 'tanh', choices: ['tanh', 'relu'], doc: 'activation function' } as const;
const proj_size = { type: 'int', default: 0, min: 0, doc: 'size to which h and the output are projected; 0 for no projection' } as const;
export const RNN = recurrent('RNN', 'Elman RNN over a sequence', ({ nonlinearity: n }) => rnn(n ?? 'tanh'), {
  nonlinearity,
});
export const GRU = recurrent('GRU', 'gated recurrent unit over a sequence', () => GRU_STEP);
export const LSTM = recurrent('LSTM', 'long short-term memory over a sequence', () => LSTM_STEP, { proj_size });
