import type { DiagnosticSink } from '../base/diagnostics.ts';
import { CompilerBug, get } from '../base/errors.ts';
import type { Init } from '../base/init.ts';
import type { Shape } from '../base/types.ts';
import type { GraphBuilder } from '../ir/graph/builder.ts';
import type { NodeId } from '../ir/graph/types.ts';
import type * as A from '../parser/ast.ts';
import { bindArguments, type AnyArgs, type ArgsOf, type Parameters } from './arguments.ts';
import type { Environment } from './environment.ts';
import type { Evaluation } from './evaluation.ts';
import { table } from './functions.ts';
import { standardNormal } from './layers/random.ts';
import { Reported, tensor, type Flow, type Value } from './values.ts';

/** What a creator builds its value with. */
interface CreatorContext {
  readonly b: GraphBuilder;
  /** The full shape: with the batch in front if the call says like=x. */
  readonly whole: (shape: readonly number[]) => Shape;
  readonly random: (shape: readonly number[]) => NodeId;
  readonly normal: (shape: readonly number[]) => NodeId;
}

/** A value that needs no input, only a shape. */
export interface Creator {
  readonly doc: string;
  readonly torch: string;
  readonly parameters: Parameters;
  readonly optional?: readonly string[];
  /** Random numbers, which predictions draw only if asked to. */
  readonly random?: boolean;
  readonly build: (cx: CreatorContext, args: AnyArgs) => NodeId | string;
}

function creator<P extends Parameters>(
  spec: Omit<Creator, 'parameters' | 'build'> & {
    readonly parameters: P;
    readonly build: (cx: CreatorContext, args: ArgsOf<P>) => NodeId | string;
  },
): Creator {
  return spec as unknown as Creator;
}

const shape = { type: 'sizes', min: 1, doc: 'the shape; like=x puts the batch axis of x in front' } as const;
const value = (v: number, doc: string) => ({ type: 'number', default: v, doc }) as const;
const list = (s: number | readonly number[]): readonly number[] => [s].flat();
const filled = (number: number): Creator =>
  creator({
    doc: `a tensor filled with ${number}`,
    torch: `torch.${number === 0 ? 'zeros' : 'ones'}`,
    parameters: { shape },
    build: ({ b, whole }, args) => b.full(number, { dtype: 'f32', shape: whole(list(args.shape)) }),
  });

/** x * factor + shift */
const scaled = (b: GraphBuilder, x: NodeId, factor: number, shift: number): NodeId =>
  b.op('add', b.op('mul', x, b.like(factor, x)), b.like(shift, x));

/** Places are 32-bit numbers on every device. */
const MAX_INT = 0x7fffffff;

/** The most numbers that one list of constants may hold. */
const MOST = 4096;

/** Creators by name. */
export const CREATORS: Readonly<Record<string, Creator>> = {
  zeros: filled(0),
  ones: filled(1),
  full: creator({
    doc: 'a tensor filled with one number',
    torch: 'torch.full',
    parameters: { shape, fill_value: { type: 'number', doc: 'the fill value' } },
    build: ({ b, whole }, args) => b.full(args.fill_value, { dtype: 'f32', shape: whole(list(args.shape)) }),
  }),
  eye: creator({
    doc: 'identity matrix: 1 on the diagonal, else 0',
    torch: 'torch.eye',
    parameters: { n: { type: 'int', min: 1, doc: 'number of rows' }, m: { type: 'int', min: 1, doc: 'number of columns; default: n' } },
    optional: ['m'],
    build({ b }, { n, m }) {
      const type = { dtype: 'i32', shape: [n, (m as number | undefined) ?? n] } as const;
      return b.cast(b.op('eq', b.add('iota', [], { axis: 0 }, type), b.add('iota', [], { axis: 1 }, type)), 'f32');
    },
  }),
  arange: creator({
    doc: 'numbers start, start + step, ... up to but without end; arange(n) is 0 to n - 1',
    torch: 'torch.arange',
    parameters: {
      start: { type: 'number', doc: 'first number; without end, the end of a range from 0' },
      end: { type: 'number', doc: 'end of the range, not included' },
      step: value(1, 'step between numbers'),
    },
    optional: ['end'],
    build({ b }, args) {
      const { start, end, step } = args as { readonly start: number; readonly end?: number; readonly step: number };
      const [from, to] = end === undefined ? [0, start] : [start, end];
      if (step === 0) return 'a step is not 0';
      const n = Math.ceil((to - from) / step);
      if (n > MAX_INT) return `${n} numbers are more than a tensor holds`;
      if (!(n >= 1)) return `there is no number from ${from} below ${to} in steps of ${step}`;
      const whole = [from, to, step].every(Number.isInteger);
      const i = b.add('iota', [], { axis: 0 }, { dtype: whole ? 'i32' : 'f32', shape: [n] });
      return scaled(b, i, step, from);
    },
  }),
  linspace: creator({
    doc: 'evenly spaced numbers from start to end, both included',
    torch: 'torch.linspace',
    parameters: {
      start: { type: 'number', doc: 'first number' },
      end: { type: 'number', doc: 'last number' },
      steps: { type: 'int', min: 1, doc: 'number of numbers' },
    },
    build({ b }, { start, end, steps }) {
      if (steps <= MOST) {
        const at = (i: number): number => (steps === 1 ? start : start + ((end - start) * i) / (steps - 1));
        return table(
          b,
          Array.from({ length: steps }, (_, i) => at(i)),
          [steps],
        );
      }
      return scaled(b, b.add('iota', [], { axis: 0 }, { dtype: 'f32', shape: [steps] }), (end - start) / (steps - 1), start);
    },
  }),
  rand: creator({
    doc: 'uniform random numbers in [0, 1)',
    torch: 'torch.rand',
    parameters: { shape },
    random: true,
    build: (cx, args) => cx.random(list(args.shape)),
  }),
  randn: creator({
    doc: 'standard normal random numbers',
    torch: 'torch.randn',
    parameters: { shape },
    random: true,
    build: (cx, args) => cx.normal(list(args.shape)),
  }),
  uniform: creator({
    doc: 'uniform random numbers in [low, high); a single number without a shape',
    torch: 'torch.empty(shape).uniform_(low, high)',
    parameters: { low: value(0, 'lower bound'), high: value(1, 'upper bound'), shape },
    optional: ['shape'],
    random: true,
    build: (cx, args) => scaled(cx.b, cx.random(shapeOf(args)), args.high - args.low, args.low),
  }),
  normal: creator({
    doc: 'normally distributed random numbers; a single number without a shape',
    torch: 'torch.normal',
    parameters: { mean: value(0, 'the mean'), std: { ...value(1, 'the standard deviation'), min: 0 }, shape },
    optional: ['shape'],
    random: true,
    build: (cx, args) => scaled(cx.b, cx.normal(shapeOf(args)), args.std, args.mean),
  }),
};

const shapeOf = (args: object): readonly number[] => list((args as { readonly shape?: number | readonly number[] }).shape ?? []);

const ALWAYS: Parameters = {
  always: { type: 'bool', default: false, doc: 'draws random numbers in predictions too; else they use the mean' },
};

/** The arguments of a creator's call, and `like=`, which is not among its settings. */
function readCall(make: Creator, e: A.CallExpr, env: Environment, sink: DiagnosticSink) {
  const name = e.callee.text;
  const shaped = Object.hasOwn(make.parameters, 'shape');
  const like = shaped ? e.args.find((a) => a.name?.text === 'like') : undefined;
  const given = e.args.filter((a) => a !== like);
  const parameters = make.random ? { ...make.parameters, ...ALWAYS } : make.parameters;
  // A shape may be written as one list or as several numbers: zeros(2, 3).
  const numbers = Object.keys(make.parameters)[0] === 'shape' && given.length > 1 && given.every((a) => !a.name && a.value.kind !== 'list');
  const items = given.map((a) => a.value);
  const joined = { name: undefined, span: e.span, value: { kind: 'list', items, span: e.span } } as const;
  const args = bindArguments(
    { callee: name, span: e.span, args: numbers && name !== 'full' ? [joined] : given },
    parameters,
    make.optional ?? [],
    env,
    sink,
  );
  if (!args) throw new Reported(name);
  return { args, like };
}

/** Random numbers as the initial value of a parameter: `param w = randn(3, 3)`. */
export function drawnStart(name: string, e: A.CallExpr, env: Environment, sink: DiagnosticSink): { shape: readonly number[]; init: Init } {
  const make = CREATORS[name];
  if (!make?.random) throw new CompilerBug(`${name} draws nothing`);
  const { args } = readCall(make, e, env, sink);
  const [from, to] = Object.keys(make.parameters).map((key) => args[key] as number);
  const init: Readonly<Record<string, Init>> = {
    rand: { kind: 'uniform', low: 0, high: 1 },
    randn: { kind: 'normal', mean: 0, std: 1 },
    uniform: { kind: 'uniform', low: from ?? 0, high: to ?? 1 },
    normal: { kind: 'normal', mean: from ?? 0, std: to ?? 1 },
  };
  return { shape: shapeOf(args), init: get(new Map(Object.entries(init)), name) };
}

/** Evaluates the call of a creator. */
export function creatorCall(ev: Evaluation, sink: DiagnosticSink, make: Creator, e: A.CallExpr, env: Environment, flow: Flow): Value {
  const name = e.callee.text;
  const { args, like } = readCall(make, e, env, sink);
  const { b, m } = ev;
  const draws = m.draws || args['always'] === true;
  const [batch] = like ? b.shape(ev.tensorOf(ev.evaluate(like.value, env, flow), like.span)) : [];
  const whole = (dims: readonly number[]): Shape => (batch === undefined ? dims : [batch, ...dims]);
  const cx: CreatorContext = {
    b,
    whole,
    random: (dims) => (draws ? m.random(whole(dims)) : b.full(0.5, { dtype: 'f32', shape: whole(dims) })),
    normal: (dims) =>
      draws ? standardNormal({ b, random: (s) => m.random(s) }, whole(dims)) : b.full(0, { dtype: 'f32', shape: whole(dims) }),
  };
  const result = b.within({ name }, () => make.build(cx, args));
  if (typeof result === 'string') return ev.fail('NN206', e.span, result);
  if (make.random) m.singleDraws.add(result);
  return tensor(result);
}
