import type { Init } from '../base/init.ts';
import type { DiagnosticSink } from '../base/diagnostics.ts';
import type { Expr } from '../parser/ast.ts';
import { advice } from './advice.ts';
import { bindArguments, type AnyArgs, type Parameters } from './arguments.ts';
import { evalConst, type ConstScope } from './constants.ts';

/** An initialiser before the shape is known; a string says why a shape does not fit. */
export type Initialiser = (shape: readonly number[]) => Init | string;

/** The initialisers that one call gives for its parameters, if any. */
export interface Overrides {
  readonly init: Initialiser | undefined;
  readonly bias_init: Initialiser | undefined;
}

interface Entry {
  readonly doc: string;
  readonly parameters: Parameters;
  readonly make: (args: AnyArgs) => Initialiser;
}

/** PyTorch's fan_in and fan_out. */
function fans(shape: readonly number[]): { readonly in: number; readonly out: number } | undefined {
  const [out, input] = shape;
  if (out === undefined || input === undefined) return undefined;
  const field = shape.slice(2).reduce((a, b) => a * b, 1);
  return { in: input * field, out: out * field };
}

const NO_FANS = 'this initialiser needs a tensor of two axes or more';

const GAINS: Readonly<Record<string, (a: number) => number>> = {
  linear: () => 1,
  sigmoid: () => 1,
  tanh: () => 5 / 3,
  relu: () => Math.SQRT2,
  selu: () => 3 / 4,
  leaky_relu: (a) => Math.sqrt(2 / (1 + a * a)),
};

const symmetric = (bound: number): Init => ({ kind: 'uniform', low: -bound, high: bound });
const normal = (std: number): Init => ({ kind: 'normal', mean: 0, std });

const gain = { type: 'number', default: 1, min: 0, doc: 'scaling factor' } as const;
const value = (v: number, doc: string) => ({ type: 'number', default: v, doc }) as const;

/** Glorot and Bengio, 2010. */
const xavier = (doc: string, make: (std: number) => Init): Entry => ({
  doc,
  parameters: { gain },
  make: (args) => (shape) => {
    const f = fans(shape);
    return f ? make((args['gain'] as number) * Math.sqrt(2 / (f.in + f.out))) : NO_FANS;
  },
});

/** He et al., 2015. */
const kaiming = (doc: string, make: (std: number) => Init): Entry => ({
  doc,
  parameters: {
    a: value(0, 'negative slope of leaky_relu'),
    mode: {
      type: 'string',
      default: 'fan_in',
      choices: ['fan_in', 'fan_out'],
      doc: 'fan_in keeps the variance in the forward pass, fan_out in the backward pass',
    },
    nonlinearity: { type: 'string', default: 'leaky_relu', choices: Object.keys(GAINS), doc: 'activation that follows the layer' },
  },
  make: (args) => (shape) => {
    const f = fans(shape);
    if (!f) return NO_FANS;
    const factor = GAINS[args['nonlinearity'] as string]?.(args['a'] as number) ?? 1;
    return make(factor / Math.sqrt(args['mode'] === 'fan_in' ? f.in : f.out));
  },
});

/** The initialisers of torch.nn.init. */
export const INITIALISERS: Readonly<Record<string, Entry>> = {
  zeros: { doc: 'zeros', parameters: {}, make: () => () => ({ kind: 'constant', value: 0 }) },
  ones: { doc: 'ones', parameters: {}, make: () => () => ({ kind: 'constant', value: 1 }) },
  constant: {
    doc: 'a constant',
    parameters: { val: { type: 'number', doc: 'the constant' } },
    make: (args) => () => ({ kind: 'constant', value: args['val'] as number }),
  },
  uniform: {
    doc: 'uniform in [a, b)',
    parameters: { a: value(0, 'lower bound'), b: value(1, 'upper bound') },
    make: (args) => () => ({ kind: 'uniform', low: args['a'] as number, high: args['b'] as number }),
  },
  normal: {
    doc: 'normal distribution',
    parameters: { mean: value(0, 'the mean'), std: { type: 'number', default: 1, min: 0, doc: 'the standard deviation' } },
    make: (args) => () => ({ kind: 'normal', mean: args['mean'] as number, std: args['std'] as number }),
  },
  trunc_normal: {
    doc: 'normal distribution truncated to [a, b]',
    parameters: {
      mean: value(0, 'the mean'),
      std: { type: 'number', default: 1, min: 1e-12, doc: 'the standard deviation' },
      a: value(-2, 'lower bound'),
      b: value(2, 'upper bound'),
    },
    make: (args) => () => {
      const [low, high] = [args['a'] as number, args['b'] as number];
      return low < high
        ? { kind: 'trunc_normal', mean: args['mean'] as number, std: args['std'] as number, low, high }
        : 'the lower end must lie below the upper end';
    },
  },
  xavier_uniform: xavier('uniform with variance gain^2 * 2 / (fan_in + fan_out)', (std) => symmetric(Math.sqrt(3) * std)),
  xavier_normal: xavier('normal with variance gain^2 * 2 / (fan_in + fan_out)', normal),
  kaiming_uniform: kaiming('uniform with variance gain^2 / fan_in, or fan_out with mode=fan_out', (std) => symmetric(Math.sqrt(3) * std)),
  kaiming_normal: kaiming('normal with variance gain^2 / fan_in, or fan_out with mode=fan_out', normal),
  orthogonal: {
    doc: 'a (semi-)orthogonal matrix times gain',
    parameters: { gain },
    make: (args) => (shape) => (fans(shape) ? { kind: 'orthogonal', gain: args['gain'] as number } : NO_FANS),
  },
};

/** Reads `xavier_uniform`, `normal(std=0.02)` or a number; undefined with the reason in the sink. */
export function initialiserOf(e: Expr, scope: ConstScope, sink: DiagnosticSink): Initialiser | undefined {
  const callee =
    e.kind === 'name' && scope.constant(e.name) === undefined ? { text: e.name, span: e.span } : e.kind === 'call' ? e.callee : undefined;
  if (callee) {
    const entry = Object.hasOwn(INITIALISERS, callee.text) ? INITIALISERS[callee.text] : undefined;
    if (!entry) {
      sink.error('NN201', callee.span, `there is no initialiser '${callee.text}'`, {
        help: advice(callee.text, Object.keys(INITIALISERS), 'initialisers'),
      });
      return undefined;
    }
    const args = bindArguments(
      { callee: callee.text, span: e.span, args: e.kind === 'call' ? e.args : [] },
      entry.parameters,
      [],
      scope,
      sink,
    );
    return args && entry.make(args);
  }
  const number = evalConst(e, scope, sink);
  if (number === undefined) return undefined;
  if (typeof number === 'number') return () => ({ kind: 'constant', value: number });
  sink.error('NN204', e.span, 'a parameter starts as a number or by an initialiser', { help: 'such as zeros, ones or xavier_uniform' });
  return undefined;
}
