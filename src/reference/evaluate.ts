import { CompilerBug, at } from '../base/errors.ts';
import { shuffleAt, uniformAt } from '../base/random.ts';
import { evalScalar, type ScalarEnv } from '../base/scalar.ts';
import { count, fixedShape } from '../base/types.ts';
import { contractLabels } from '../ir/graph/contract.ts';
import type { Graph, NodeId, NodeOf, Op } from '../ir/graph/types.ts';
import { pointwise, type PointwiseOp } from '../ir/graph/pointwise.ts';

/**
 * The float64 evaluator of the tensor IR: the oracle that every kernel is held against. It is written to be believed,
 * not to be fast: every operation is the definition, element by element, on dense row-major arrays.
 */
export interface Values {
  readonly inputs: ReadonlyMap<string, ArrayLike<number>>;
  /** Params and state by name. */
  readonly state: ReadonlyMap<string, ArrayLike<number>>;
  readonly scalars: ScalarEnv;
}

/** A dense value; bool is 0 or 1. */
export interface Tensor {
  readonly shape: readonly number[];
  readonly data: Float64Array;
}

type Rule<K extends Op> = (node: NodeOf<K>, inputs: readonly Tensor[], values: Values, shape: readonly number[]) => Float64Array;

/** The pointwise operations, by their definition on numbers. */
function byElement(node: NodeOf<PointwiseOp>, inputs: readonly Tensor[]): Float64Array {
  const f = pointwise(node.op);
  return at(inputs, 0).data.map((_, i) => f(...inputs.map((t) => at64(t.data, i))));
}

function at64(data: ArrayLike<number>, i: number): number {
  const v = data[i];
  if (v === undefined) throw new CompilerBug(`the reference reads element ${i} of ${data.length}`);
  return v;
}

/** Row-major strides. */
export function strides(shape: readonly number[]): number[] {
  const out = new Array<number>(shape.length).fill(1);
  for (let i = shape.length - 2; i >= 0; i--) out[i] = at(out, i + 1) * at(shape, i + 1);
  return out;
}

/** Fills an array by asking for every index in row-major order. */
function tabulate(shape: readonly number[], f: (index: readonly number[]) => number): Float64Array {
  const n = shape.reduce((a, b) => a * b, 1);
  const out = new Float64Array(n);
  const index = new Array<number>(shape.length).fill(0);
  for (let i = 0; i < n; i++) {
    out[i] = f(index);
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      index[axis] = at(index, axis) + 1;
      if (at(index, axis) < at(shape, axis)) break;
      index[axis] = 0;
    }
  }
  return out;
}

function offset(index: readonly number[], stride: readonly number[]): number {
  let o = 0;
  for (let i = 0; i < index.length; i++) o += at(index, i) * at(stride, i);
  return o;
}

function reduce(
  node: NodeOf<'reduce_sum' | 'reduce_max'>,
  [x]: readonly Tensor[],
  shape: readonly number[],
  start: number,
  f: (a: number, b: number) => number,
): Float64Array {
  const input = x as Tensor;
  const keep = input.shape.map((_, i) => i).filter((i) => !node.attrs.axes.includes(i));
  const out = new Float64Array(shape.reduce((a, b) => a * b, 1)).fill(start);
  const stride = strides(shape);
  let i = 0;
  tabulate(input.shape, (index) => {
    const o = offset(
      keep.map((k) => at(index, k)),
      stride,
    );
    out[o] = f(at64(out, o), at64(input.data, i++));
    return 0;
  });
  return out;
}

function contract(node: NodeOf<'contract'>, [a, b]: readonly Tensor[], shape: readonly number[]): Float64Array {
  const labels = contractLabels(node.attrs.spec);
  const [x, y] = [a as Tensor, b as Tensor];
  const extent = new Map<string, number>();
  [...labels.a].forEach((l, i) => extent.set(l, at(x.shape, i)));
  [...labels.b].forEach((l, i) => extent.set(l, at(y.shape, i)));
  const summed = [...extent.keys()].filter((l) => !labels.out.includes(l));
  const sizes = summed.map((l) => extent.get(l) ?? 1);
  const strideOf = (text: string, shape: readonly number[]) => {
    const s = strides(shape);
    return (l: string): number => (text.includes(l) ? at(s, text.indexOf(l)) : 0);
  };
  const sa = strideOf(labels.a, x.shape);
  const sb = strideOf(labels.b, y.shape);
  const [outA, outB] = [[...labels.out].map(sa), [...labels.out].map(sb)];
  const [sumA, sumB] = [summed.map(sa), summed.map(sb)];
  return tabulate(shape, (index) => {
    const [oa, ob] = [offset(index, outA), offset(index, outB)];
    let total = 0;
    tabulate(sizes, (k) => {
      total += at64(x.data, oa + offset(k, sumA)) * at64(y.data, ob + offset(k, sumB));
      return 0;
    });
    return total;
  });
}

const named = (values: ReadonlyMap<string, ArrayLike<number>>, name: string, what: string): Float64Array => {
  const data = values.get(name);
  if (!data) throw new CompilerBug(`the reference got no ${what} '${name}'`);
  return Float64Array.from(data);
};

/** One entry an operation: its meaning. */
const RULES: { readonly [K in Op]: Rule<K> } = {
  input: (n, _i, v) => named(v.inputs, n.attrs.name, 'input'),
  param: (n, _i, v) => named(v.state, n.attrs.name, 'parameter'),
  state: (n, _i, v) => named(v.state, n.attrs.name, 'state'),
  const: (n, _i, _v, shape) => tabulate(shape, () => n.attrs.value),
  scalar: (n, _i, v, shape) => tabulate(shape, () => evalScalar(n.attrs.expr, v.scalars)),
  iota: (n, _i, _v, shape) => tabulate(shape, (index) => at(index, n.attrs.axis)),
  dimsize: () => {
    throw new CompilerBug('the batch is not bound');
  },

  neg: byElement,
  abs: byElement,
  sign: byElement,
  exp: byElement,
  log: byElement,
  log1p: byElement,
  expm1: byElement,
  sqrt: byElement,
  sin: byElement,
  cos: byElement,
  atan: byElement,
  tanh: byElement,
  sigmoid: byElement,
  erf: byElement,
  floor: byElement,
  half: byElement,
  finite: byElement,
  not: byElement,
  detach: byElement,
  cast: (n, [x]) =>
    (x as Tensor).data.map(n.attrs.dtype === 'i32' ? Math.trunc : n.attrs.dtype === 'bool' ? (v) => (v !== 0 ? 1 : 0) : (v) => v),
  add: byElement,
  sub: byElement,
  mul: byElement,
  div: byElement,
  idiv: byElement,
  mod: byElement,
  pow: byElement,
  max: byElement,
  min: byElement,
  lt: byElement,
  le: byElement,
  eq: byElement,
  and: byElement,
  or: byElement,
  select: byElement,

  reduce_sum: (n, i, _v, shape) => reduce(n, i, shape, 0, (a, b) => a + b),
  reduce_max: (n, i, _v, shape) => reduce(n, i, shape, -Infinity, Math.max),
  contract: (n, i, _v, shape) => contract(n, i, shape),

  broadcast: (n, [x], _v, shape) => {
    const stride = strides((x as Tensor).shape);
    return tabulate(shape, (index) =>
      at64(
        (x as Tensor).data,
        offset(
          n.attrs.axes.map((a) => at(index, a)),
          stride,
        ),
      ),
    );
  },
  reshape: (_n, [x]) => (x as Tensor).data,
  permute: (n, [x], _v, shape) => {
    const stride = strides((x as Tensor).shape);
    const moved = n.attrs.perm.map((p) => at(stride, p));
    return tabulate(shape, (index) => at64((x as Tensor).data, offset(index, moved)));
  },
  pad: (n, [x], _v, shape) => {
    const t = x as Tensor;
    const stride = strides(t.shape);
    return tabulate(shape, (index) => {
      const from = index.map((v, i) => v - at(n.attrs.low, i));
      return from.every((v, i) => v >= 0 && v < at(t.shape, i)) ? at64(t.data, offset(from, stride)) : n.attrs.value;
    });
  },
  slice: (n, [x], _v, shape) => {
    const stride = strides((x as Tensor).shape);
    return tabulate(shape, (index) =>
      at64(
        (x as Tensor).data,
        offset(
          index.map((v, i) => v + at(n.attrs.start, i)),
          stride,
        ),
      ),
    );
  },
  concat: (n, inputs, _v, shape) =>
    tabulate(shape, (index) => {
      const local = [...index];
      for (const t of inputs) {
        const extent = at(t.shape, n.attrs.axis);
        const here = at(local, n.attrs.axis);
        if (here < extent) return at64(t.data, offset(local, strides(t.shape)));
        local[n.attrs.axis] = here - extent;
      }
      throw new CompilerBug('concat ran over its operands');
    }),

  flip: (n, [x], _v, shape) => {
    const stride = strides(shape);
    return tabulate(shape, (index) =>
      at64(
        (x as Tensor).data,
        offset(
          index.map((v, i) => (n.attrs.axes.includes(i) ? at(shape, i) - 1 - v : v)),
          stride,
        ),
      ),
    );
  },

  window: (n, [x], _v, shape) => {
    const { axis, stride: step, dilation } = n.attrs;
    const stride = strides((x as Tensor).shape);
    return tabulate(shape, (index) => {
      const from = index.slice(0, -1);
      from[axis] = at(index, axis) * step + at(index, index.length - 1) * dilation;
      return at64((x as Tensor).data, offset(from, stride));
    });
  },
  unwindow: (n, [x], _v, shape) => {
    const { axis, stride: step, dilation } = n.attrs;
    const t = x as Tensor;
    const out = new Float64Array(shape.reduce((a, b) => a * b, 1));
    const stride = strides(shape);
    let i = 0;
    tabulate(t.shape, (index) => {
      const to = index.slice(0, -1);
      to[axis] = at(index, axis) * step + at(index, index.length - 1) * dilation;
      const o = offset(to, stride);
      out[o] = at64(out, o) + at64(t.data, i++);
      return 0;
    });
    return out;
  },

  gather: (_n, [x, index], _v, shape) => {
    const t = x as Tensor;
    const rank = (index as Tensor).shape.length;
    const [sx, si] = [strides(t.shape), strides((index as Tensor).shape)];
    return tabulate(shape, (at) => {
      const row = at64((index as Tensor).data, offset(at.slice(0, rank), si));
      return at64(t.data, offset([row, ...at.slice(rank)], sx));
    });
  },
  scatter_add: (_n, [index, updates], _v, shape) => {
    const out = new Float64Array(shape.reduce((a, b) => a * b, 1));
    const width = shape.slice(1).reduce((a, b) => a * b, 1);
    (index as Tensor).data.forEach((row, i) => {
      for (let j = 0; j < width; j++) out[row * width + j] = at64(out, row * width + j) + at64((updates as Tensor).data, i * width + j);
    });
    return out;
  },

  uniform: (n, [seed, step], _v, shape) => {
    let i = 0;
    return tabulate(shape, () => uniformAt(at64((seed as Tensor).data, 0), n.attrs.stream, at64((step as Tensor).data, 0), i++));
  },
  shuffle: (n, [index, seed, epoch]) =>
    (index as Tensor).data.map((v) => shuffleAt(v, n.attrs.n, at64((seed as Tensor).data, 0), at64((epoch as Tensor).data, 0))),
};

export interface EvaluateOptions {
  /** Rounds each result to float32, as a step by step computation in it does. */
  readonly single?: boolean;
  /** Values of nodes that others read in place of what is computed here: what a device has stored, so that errors do not add up. */
  readonly stored?: ReadonlyMap<NodeId, ArrayLike<number>>;
}

/** Evaluates every node of a graph whose batch is bound. */
export function evaluate(graph: Graph, values: Values, { single = false, stored }: EvaluateOptions = {}): (id: NodeId) => Tensor {
  const done: Tensor[] = [];
  const seen: Tensor[] = [];
  for (const node of graph.nodes) {
    const shape = fixedShape(node.type.shape);
    const rule = RULES[node.op] as Rule<Op>;
    const data = rule(
      node as NodeOf<Op>,
      node.inputs.map((i) => at(seen, i)),
      values,
      shape,
    );
    if (data.length !== count(node.type.shape))
      throw new CompilerBug(`%${node.id} = ${node.op} has ${data.length} elements, and its type says ${count(node.type.shape)}`);
    const result = { shape, data: single && node.type.dtype === 'f32' ? data.map(Math.fround) : data };
    const known = stored?.get(node.id);
    done.push(result);
    seen.push(known ? { shape, data: Float64Array.from(known) } : result);
  }
  return (id) => at(done, id);
}
