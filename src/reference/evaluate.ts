import { CompilerBug, at } from '../base/errors.ts';
import { shuffleAt, uniformAt } from '../base/random.ts';
import { evalScalar, type ScalarEnv } from '../base/scalar.ts';
import { count, fixedShape } from '../base/types.ts';
import type { Graph, Node, NodeId, NodeOf, Op } from '../ir/graph/types.ts';
import { isPointwise, pointwise, type PointwiseOp } from '../ir/graph/pointwise.ts';
import { bound, dataOf, runLoop } from './loops.ts';
import { contract, mix, reduce } from './sums.ts';
import { at64, offsets, sizeOf, strides, tabulate, take, type Tensor } from './walk.ts';

/**
 * The float64 evaluator of the tensor IR: the oracle for every kernel. It aims to be obviously correct, not fast: each operation follows
 * its definition, element by element, on dense row-major arrays.
 */
export interface Bindings {
  readonly inputs: ReadonlyMap<string, ArrayLike<number>>;
  /** Params and state by name. */
  readonly state: ReadonlyMap<string, ArrayLike<number>>;
  readonly scalars: ScalarEnv;
}

type Rule<K extends Op> = (node: NodeOf<K>, inputs: readonly Tensor[], values: Bindings, shape: readonly number[]) => Float64Array;

/** The pointwise operations, by their definitions on numbers. */
function byElement(node: NodeOf<PointwiseOp>, [a, b, c]: readonly Tensor[]): Float64Array {
  const f = pointwise(node.op);
  const x = (a as Tensor).data;
  const out = new Float64Array(x.length);
  if (b && c) for (let i = 0; i < out.length; i++) out[i] = f(at64(x, i), at64(b.data, i), at64(c.data, i));
  else if (b) for (let i = 0; i < out.length; i++) out[i] = f(at64(x, i), at64(b.data, i));
  else for (let i = 0; i < out.length; i++) out[i] = f(at64(x, i));
  return out;
}

const named = (values: ReadonlyMap<string, ArrayLike<number>>, name: string, what: string): Float64Array => {
  const data = values.get(name);
  if (!data) throw new CompilerBug(`the reference got no ${what} '${name}'`);
  return Float64Array.from(data);
};

/** The offset of the index `start`. */
const lead = (start: readonly number[], stride: readonly number[]): number => start.reduce((o, v, i) => o + v * at(stride, i), 0);

/** Strides of a window view in the tensor it slides over: of its places, and then of the axis inside the windows. */
function sliding({ attrs: { axis, stride: step, dilation } }: NodeOf<'window' | 'unwindow'>, over: readonly number[]): number[] {
  const stride = strides(over);
  return [...stride.map((s, i) => (i === axis ? s * step : s)), at(stride, axis) * dilation];
}

const laidOut = (): never => {
  throw new CompilerBug('a loop that is laid out for kernels has no values of its own');
};

/** The meaning of each operation. The pointwise ones are functions of numbers, in `ir/graph/pointwise.ts`. */
const RULES: { readonly [K in Exclude<Op, PointwiseOp>]: Rule<K> } = {
  input: (n, _i, v) => named(v.inputs, n.attrs.name, 'input'),
  param: (n, _i, v) => named(v.state, n.attrs.name, 'parameter'),
  state: (n, _i, v) => named(v.state, n.attrs.name, 'state'),
  const: (n, _i, _v, shape) => tabulate(shape, () => n.attrs.value),
  scalar: (n, _i, v, shape) => tabulate(shape, () => evalScalar(n.attrs.expr, v.scalars)),
  iota: (n, _i, _v, shape) => tabulate(shape, (index) => at(index, n.attrs.axis)),
  dimsize: () => {
    throw new CompilerBug('the batch is not bound');
  },
  carry: laidOut,
  pick: laidOut,
  scan(n, inputs, v) {
    return runLoop(n, dataOf(inputs), (leaves) => {
      const value = evaluate(n.attrs.body, bound(leaves, v));
      return (id) => value(id).data;
    });
  },
  cast: (n, [x]) =>
    (x as Tensor).data.map(n.attrs.dtype === 'i32' ? Math.trunc : n.attrs.dtype === 'bool' ? (v) => (v !== 0 ? 1 : 0) : (v) => v),
  reduce_sum: (n, i, _v, shape) => reduce(n, i, shape, 0, (a, b) => a + b),
  reduce_max: (n, i, _v, shape) => reduce(n, i, shape, -Infinity, Math.max),
  contract: (n, i, _v, shape) => contract(n, i, shape),

  broadcast: (n, [x], _v, shape) => {
    const { data, shape: from } = x as Tensor;
    const stride = strides(from);
    return take(
      data,
      offsets(
        shape,
        shape.map((_, i) => (n.attrs.axes.includes(i) ? at(stride, n.attrs.axes.indexOf(i)) : 0)),
      ),
    );
  },
  reshape: (_n, [x]) => (x as Tensor).data,
  permute: (n, [x], _v, shape) => {
    const stride = strides((x as Tensor).shape);
    return take(
      (x as Tensor).data,
      offsets(
        shape,
        n.attrs.perm.map((p) => at(stride, p)),
      ),
    );
  },
  pad: (n, [x], _v, shape) => {
    const { data, shape: from } = x as Tensor;
    const out = new Float64Array(sizeOf(shape)).fill(n.attrs.value);
    const stride = strides(shape);
    offsets(from, stride, lead(n.attrs.low, stride)).forEach((to, i) => (out[to] = at64(data, i)));
    return out;
  },
  slice: (n, [x], _v, shape) => {
    const stride = strides((x as Tensor).shape);
    return take((x as Tensor).data, offsets(shape, stride, lead(n.attrs.start, stride)));
  },
  concat: (n, inputs, _v, shape) => {
    const out = new Float64Array(sizeOf(shape));
    const stride = strides(shape);
    let start = 0;
    for (const t of inputs) {
      offsets(t.shape, stride, start).forEach((to, i) => (out[to] = at64(t.data, i)));
      start += at(t.shape, n.attrs.axis) * at(stride, n.attrs.axis);
    }
    return out;
  },

  flip: (n, [x], _v, shape) => {
    const stride = strides(shape);
    const ends = shape.map((d, i) => (n.attrs.axes.includes(i) ? d - 1 : 0));
    return take(
      (x as Tensor).data,
      offsets(
        shape,
        stride.map((s, i) => (n.attrs.axes.includes(i) ? -s : s)),
        lead(ends, stride),
      ),
    );
  },

  window: (n, [x], _v, shape) => take((x as Tensor).data, offsets(shape, sliding(n, (x as Tensor).shape))),
  mix: (n, [x]) => mix(n, x as Tensor).data,
  unwindow: (n, [x], _v, shape) => {
    const t = x as Tensor;
    const out = new Float64Array(sizeOf(shape));
    offsets(t.shape, sliding(n, shape)).forEach((to, i) => (out[to] = at64(out, to) + at64(t.data, i)));
    return out;
  },

  gather: (_n, [x, index], _v, shape) => {
    const { data, shape: from } = x as Tensor;
    const width = sizeOf(from.slice(1));
    const out = new Float64Array(sizeOf(shape));
    (index as Tensor).data.forEach((row, i) => {
      for (let j = 0; j < width; j++) out[i * width + j] = at64(data, row * width + j);
    });
    return out;
  },
  scatter_add: (_n, [index, updates], _v, shape) => {
    const out = new Float64Array(sizeOf(shape));
    const width = sizeOf(shape.slice(1));
    (index as Tensor).data.forEach((row, i) => {
      for (let j = 0; j < width; j++) out[row * width + j] = at64(out, row * width + j) + at64((updates as Tensor).data, i * width + j);
    });
    return out;
  },

  uniform: (n, [seed, step], _v, shape) => {
    let i = 0;
    return tabulate(shape, () => uniformAt(at64((seed as Tensor).data, 0), n.attrs.stream, at64((step as Tensor).data, 0), i++));
  },
  shuffle: (_n, [index, ...scalars]) => {
    const [n, seed, epoch] = scalars.map((t) => at64(t.data, 0)) as [number, number, number];
    return (index as Tensor).data.map((v) => shuffleAt(v, n, seed, epoch));
  },
};

export interface EvaluateOptions {
  /** Rounds each result to float32, as a step by step computation in float32 would. */
  readonly single?: boolean;
  /** Values that replace the computed ones where other nodes read them: those that a device stored, so that errors do not accumulate. */
  readonly stored?: ReadonlyMap<NodeId, ArrayLike<number>>;
}

/** For operations that depend only on their operands. */
export const NO_VALUES: Bindings = { inputs: new Map(), state: new Map(), scalars: { step: 0, seed: 0, total: 1 } };

/** The result of an operation on its operands. */
export function meaning(node: Node, inputs: readonly Tensor[], values: Bindings): Tensor {
  const shape = fixedShape(node.type.shape);
  const rule = (isPointwise(node.op) ? byElement : RULES[node.op]) as Rule<Op>;
  const data = rule(node as NodeOf<Op>, inputs, values, shape);
  if (data.length !== count(node.type.shape))
    throw new CompilerBug(`%${node.id} = ${node.op} has ${data.length} elements, and its type says ${count(node.type.shape)}`);
  return { shape, data };
}

/** Evaluates every node of a graph with a bound batch. */
export function evaluate(graph: Graph, values: Bindings, { single = false, stored }: EvaluateOptions = {}): (id: NodeId) => Tensor {
  const done: Tensor[] = [];
  const seen: Tensor[] = [];
  for (const node of graph.nodes) {
    const { shape, data } = meaning(
      node,
      node.inputs.map((i) => at(seen, i)),
      values,
    );
    const result = { shape, data: single && node.type.dtype === 'f32' ? data.map(Math.fround) : data };
    const known = stored?.get(node.id);
    done.push(result);
    seen.push(known ? { shape, data: Float64Array.from(known) } : result);
  }
  return (id) => at(done, id);
}
