import { at } from '../../base/errors.ts';
import { sameShape, showShape, type Dim } from '../../base/types.ts';
import { broadcastShapes, broadcastTo } from '../arithmetic.ts';
import { layer, problem, type Layer } from './layer.ts';
import { GRU_STEP, LSTM_STEP, rnn, weightsOf, type Step } from './recurrent-steps.ts';

/** One step of a recurrent layer: takes the input and the state, returns the next state. */
const cell = (name: string, doc: string, stepOf: (args: { readonly nonlinearity?: string }) => Step, more: object = {}): Layer => {
  const { states } = stepOf({});
  return layer({
    doc: `${doc}: returns the next ${states.join(' and ')}; a state without a batch axis is used for all examples`,
    torch: `torch.nn.${name}`,
    shape: `[B, in]${', [B, hidden]'.repeat(states.length)} -> ${states.map(() => '[B, hidden]').join(', ')}`,
    inputs: ['x', ...states],
    together: true,
    parameters: {
      input_size: { type: 'int', min: 1, doc: 'size of the input' },
      hidden_size: { type: 'int', min: 1, doc: 'size of the hidden state' },
      bias: { type: 'bool', default: true, doc: 'adds trainable biases' },
      ...more,
    },
    build(cx, args, x, ...before) {
      const { b } = cx;
      const { input_size: input, hidden_size: hidden, bias } = args;
      const shape = b.shape(x);
      if (shape.length !== 2 || shape[1] !== input)
        return problem('NN203', `${cx.text} takes x of [B, ${input}], and ${showShape(shape)} flows in`);
      const wanted = [shape[0] as Dim, hidden];
      const wrong = before.findIndex((s) => !sameShape(broadcastShapes(b.shape(s), wanted) ?? [], wanted));
      if (wrong >= 0)
        return problem(
          'NN203',
          `${cx.text} takes ${at<string>(states, wrong)} of [B, ${hidden}], and ${showShape(b.shape(at(before, wrong)))} flows in`,
        );
      const step = stepOf(args as { readonly nonlinearity?: string });
      const state = before.map((s) => broadcastTo(b, s, wanted));
      const weights = weightsOf(cx, step, { input, hidden, state: hidden, bias, suffix: '' });
      const next = step.next(b, weights.fromInput(x), weights.fromState(b, at(state, 0)), state, hidden);
      return next.length === 1 ? at(next, 0) : next;
    },
  });
};

const nonlinearity = { type: 'string', default: 'tanh', choices: ['tanh', 'relu'], doc: 'activation function' } as const;
export const RNNCell = cell('RNNCell', 'one step of an Elman RNN', ({ nonlinearity: n }) => rnn(n ?? 'tanh'), { nonlinearity });
export const GRUCell = cell('GRUCell', 'one step of a GRU', () => GRU_STEP);
export const LSTMCell = cell('LSTMCell', 'one step of an LSTM', () => LSTM_STEP);
