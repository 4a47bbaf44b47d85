import { CompilerBug, at } from '../../base/errors.ts';
import {
  count,
  product,
  sameDim,
  sameShape,
  showShape,
  showType,
  type Dim,
  type DType,
  type Shape,
  type TensorType,
} from '../../base/types.ts';
import type { Graph, Node, NodeId, Op, OpAttrs } from './types.ts';

/** What a shape rule gives: the result's type, or in words why the operands do not fit. */
export type Inferred = TensorType | string;

export interface OpSpec<K extends Op> {
  /** Number of operands; undefined for any number. */
  readonly arity: number | undefined;
  /** How the scheduler sees it. */
  readonly family: 'leaf' | 'pointwise' | 'reduce' | 'contract' | 'view' | 'gather' | 'scatter';
  /** The shape rule. Leaves carry their own type: `declared`. */
  readonly infer: (inputs: readonly TensorType[], attrs: OpAttrs[K], declared: TensorType | undefined) => Inferred;
}

const leaf = (dtypes: readonly DType[]) =>
  ({
    arity: 0,
    family: 'leaf',
    infer: (_inputs: readonly TensorType[], _attrs: unknown, declared: TensorType | undefined): Inferred =>
      declared === undefined
        ? 'a leaf needs a declared type'
        : dtypes.includes(declared.dtype)
          ? declared
          : `${declared.dtype} is not one of ${dtypes.join(', ')}`,
  }) as const;

/** Element by element, all operands of one type among `dtypes`. */
const pointwise = (arity: number, dtypes: readonly DType[], result?: DType) =>
  ({
    arity,
    family: 'pointwise',
    infer: (inputs: readonly TensorType[]): Inferred => {
      const first = at(inputs, 0);
      for (const t of inputs) {
        if (!dtypes.includes(t.dtype)) return `${showType(t)} is not of ${dtypes.join(' or ')}`;
        if (t.dtype !== first.dtype || !sameShape(t.shape, first.shape)) return `operands differ: ${inputs.map(showType).join(' and ')}`;
      }
      return { dtype: result ?? first.dtype, shape: first.shape };
    },
  }) as const;

const FLOAT: readonly DType[] = ['f32'];
const NUMERIC: readonly DType[] = ['f32', 'i32'];
const INT: readonly DType[] = ['i32'];
const BOOL: readonly DType[] = ['bool'];
const ANY: readonly DType[] = ['f32', 'i32', 'bool'];

const reduce = {
  arity: 1,
  family: 'reduce',
  infer: ([x]: readonly TensorType[], { axes }: { readonly axes: readonly number[] }): Inferred => {
    if (!x || !NUMERIC.includes(x.dtype)) return 'only numbers can be reduced';
    if (axes.some((a) => !(a in x.shape)) || new Set(axes).size !== axes.length)
      return `axes ${axes.join(', ')} are not axes of ${showType(x)}`;
    return { dtype: x.dtype, shape: x.shape.filter((_, i) => !axes.includes(i)) };
  },
} as const;

/** Labels of a contract: `ab,cb->ac`. */
export interface ContractLabels {
  readonly a: string;
  readonly b: string;
  readonly out: string;
}

export function contractLabels(spec: string): ContractLabels {
  const match = /^([a-z]*),([a-z]*)->([a-z]*)$/.exec(spec);
  if (!match) throw new CompilerBug(`'${spec}' is not a contract`);
  return { a: match[1] ?? '', b: match[2] ?? '', out: match[3] ?? '' };
}

function inferContract([a, b]: readonly TensorType[], { spec }: { readonly spec: string }): Inferred {
  if (!a || !b) return 'two operands are needed';
  const labels = contractLabels(spec);
  if (a.dtype !== 'f32' || b.dtype !== 'f32') return 'only f32 can be contracted';
  if (labels.a.length !== a.shape.length || labels.b.length !== b.shape.length)
    return `${spec} does not label ${showShape(a.shape)} and ${showShape(b.shape)}`;
  for (const side of [labels.a, labels.b, labels.out])
    if (new Set(side).size !== side.length) return `${spec} repeats a label in one place`;
  const dims = new Map<string, Dim>();
  const learn = (text: string, shape: Shape): string | undefined => {
    for (const [i, l] of [...text].entries()) {
      const known = dims.get(l);
      const dim = shape[i] as Dim;
      if (known !== undefined && !sameDim(known, dim))
        return `label ${l} of ${spec} has two sizes in ${showShape(a.shape)} and ${showShape(b.shape)}`;
      dims.set(l, dim);
    }
    return undefined;
  };
  const wrong = learn(labels.a, a.shape) ?? learn(labels.b, b.shape);
  if (wrong) return wrong;
  for (const l of labels.a + labels.b) {
    const uses = [labels.a, labels.b, labels.out].filter((side) => side.includes(l)).length;
    if (uses < 2) return `label ${l} of ${spec} stands alone; reduce it first`;
  }
  const shape: Dim[] = [];
  for (const l of labels.out) {
    const dim = dims.get(l);
    if (dim === undefined) return `label ${l} of ${spec} comes from nowhere`;
    shape.push(dim);
  }
  return { dtype: 'f32', shape };
}

/** Shape rules and families, one entry an operation. */
export const OPS: { readonly [K in Op]: OpSpec<K> } = {
  input: leaf(ANY),
  param: leaf(FLOAT),
  state: leaf(NUMERIC),
  const: leaf(ANY),
  scalar: leaf(NUMERIC),
  iota: leaf(NUMERIC),
  dimsize: leaf(FLOAT),

  neg: pointwise(1, NUMERIC),
  abs: pointwise(1, NUMERIC),
  sign: pointwise(1, FLOAT),
  exp: pointwise(1, FLOAT),
  log: pointwise(1, FLOAT),
  log1p: pointwise(1, FLOAT),
  expm1: pointwise(1, FLOAT),
  sqrt: pointwise(1, FLOAT),
  sin: pointwise(1, FLOAT),
  cos: pointwise(1, FLOAT),
  atan: pointwise(1, FLOAT),
  tanh: pointwise(1, FLOAT),
  sigmoid: pointwise(1, FLOAT),
  erf: pointwise(1, FLOAT),
  floor: pointwise(1, FLOAT),
  half: pointwise(1, FLOAT),
  finite: pointwise(1, FLOAT, 'bool'),
  not: pointwise(1, BOOL),
  cast: { arity: 1, family: 'pointwise', infer: ([x], { dtype }) => (x ? { dtype, shape: x.shape } : 'one operand is needed') },
  detach: pointwise(1, ANY),

  add: pointwise(2, NUMERIC),
  sub: pointwise(2, NUMERIC),
  mul: pointwise(2, NUMERIC),
  div: pointwise(2, FLOAT),
  idiv: pointwise(2, INT),
  mod: pointwise(2, INT),
  pow: pointwise(2, FLOAT),
  max: pointwise(2, NUMERIC),
  min: pointwise(2, NUMERIC),
  lt: pointwise(2, NUMERIC, 'bool'),
  le: pointwise(2, NUMERIC, 'bool'),
  eq: pointwise(2, NUMERIC, 'bool'),
  and: pointwise(2, BOOL),
  or: pointwise(2, BOOL),

  select: {
    arity: 3,
    family: 'pointwise',
    infer: ([c, a, b]) => {
      if (!c || !a || !b) return 'three operands are needed';
      if (c.dtype !== 'bool') return `the condition is ${showType(c)}, not bool`;
      if (a.dtype !== b.dtype || !sameShape(a.shape, b.shape) || !sameShape(a.shape, c.shape))
        return `operands differ: ${[c, a, b].map(showType).join(', ')}`;
      return a;
    },
  },

  reduce_sum: reduce,
  reduce_max: reduce,
  contract: { arity: 2, family: 'contract', infer: inferContract },

  broadcast: {
    arity: 1,
    family: 'view',
    infer: ([x], { shape, axes }) => {
      if (!x || axes.length !== x.shape.length) return 'every input axis needs its output axis';
      if (axes.some((a, i) => i > 0 && a <= (axes[i - 1] ?? 0))) return 'axes must rise';
      if (axes.some((a, i) => shape[a] === undefined || !sameDim(shape[a], x.shape[i] as Dim)))
        return `${showType(x)} does not broadcast to ${showShape(shape)} at ${axes.join(', ')}`;
      return { dtype: x.dtype, shape };
    },
  },
  reshape: {
    arity: 1,
    family: 'view',
    infer: ([x], { shape }) =>
      x && sameDim(product(x.shape), product(shape))
        ? { dtype: x.dtype, shape }
        : `${x ? showType(x) : 'nothing'} has not as many elements as ${showShape(shape)}`,
  },
  permute: {
    arity: 1,
    family: 'view',
    infer: ([x], { perm }) => {
      if (!x || perm.length !== x.shape.length || new Set(perm).size !== perm.length || perm.some((p) => !(p in x.shape)))
        return `${perm.join(', ')} does not permute the axes`;
      return { dtype: x.dtype, shape: perm.map((p) => x.shape[p] as Dim) };
    },
  },
  pad: {
    arity: 1,
    family: 'view',
    infer: ([x], { low, high }) => {
      if (!x || low.length !== x.shape.length || high.length !== x.shape.length) return 'pad needs a low and a high for each axis';
      const shape: Dim[] = [];
      for (const [i, d] of x.shape.entries()) {
        const extra = at(low, i) + at(high, i);
        if (at(low, i) < 0 || at(high, i) < 0) return 'pad cannot be negative';
        if (extra > 0 && typeof d !== 'number') return 'the batch cannot be padded';
        shape.push(typeof d === 'number' ? d + extra : d);
      }
      return { dtype: x.dtype, shape };
    },
  },
  slice: {
    arity: 1,
    family: 'view',
    infer: ([x], { start, size }) => {
      if (!x || start.length !== x.shape.length || size.length !== x.shape.length) return 'slice needs a start and a size for each axis';
      for (const [i, d] of x.shape.entries()) {
        const s = size[i] as Dim;
        const inside =
          typeof d === 'number' && typeof s === 'number' ? at(start, i) >= 0 && at(start, i) + s <= d : at(start, i) === 0 && sameDim(s, d);
        if (!inside) return `the slice leaves ${showType(x)} on axis ${i}`;
      }
      return { dtype: x.dtype, shape: size };
    },
  },
  concat: {
    arity: undefined,
    family: 'view',
    infer: (inputs, { axis }) => {
      const [first] = inputs;
      if (!first || !(axis in first.shape)) return 'nothing to concatenate on that axis';
      let total = 0;
      for (const t of inputs) {
        const d = t.shape[axis];
        if (t.dtype !== first.dtype || t.shape.length !== first.shape.length) return 'operands differ';
        if (t.shape.some((x, i) => i !== axis && !sameDim(x, first.shape[i] as Dim)))
          return `operands differ: ${inputs.map(showType).join(', ')}`;
        if (typeof d !== 'number') return 'the batch cannot be concatenated';
        total += d;
      }
      return { dtype: first.dtype, shape: first.shape.map((d, i) => (i === axis ? total : d)) };
    },
  },

  flip: {
    arity: 1,
    family: 'view',
    infer: ([x], { axes }) => {
      if (!x || axes.some((a) => typeof x.shape[a] !== 'number') || new Set(axes).size !== axes.length)
        return `axes ${axes.join(', ')} cannot be turned around`;
      return x;
    },
  },

  window: {
    arity: 1,
    family: 'view',
    infer: ([x], { axis, size, stride, dilation }) => {
      const length = x?.shape[axis];
      if (!x || typeof length !== 'number') return 'a window slides along an axis of known size';
      const places = windowPlaces(length, size, stride, dilation);
      if (size < 1 || stride < 1 || dilation < 1 || places < 1)
        return `a window of ${size} does not fit into ${showType(x)} on axis ${axis}`;
      return { dtype: x.dtype, shape: [...x.shape.map((d, i) => (i === axis ? places : d)), size] };
    },
  },
  unwindow: {
    arity: 1,
    family: 'reduce',
    infer: ([x], { axis, length, stride, dilation }) => {
      const size = x?.shape.at(-1);
      const places = x?.shape[axis];
      if (!x || x.dtype !== 'f32' || typeof size !== 'number' || axis >= x.shape.length - 1)
        return 'unwindow needs an axis of places and a last axis of the window';
      if (places !== windowPlaces(length, size, stride, dilation)) return `${showType(x)} does not hold the windows of ${length} places`;
      return { dtype: x.dtype, shape: x.shape.slice(0, -1).map((d, i) => (i === axis ? length : d)) };
    },
  },

  gather: {
    arity: 2,
    family: 'gather',
    infer: ([x, index]) => {
      if (!x || !index || x.shape.length === 0) return 'rows are needed';
      return index.dtype === 'i32' ? { dtype: x.dtype, shape: [...index.shape, ...x.shape.slice(1)] } : 'the index must be i32';
    },
  },
  scatter_add: {
    arity: 2,
    family: 'scatter',
    infer: ([index, updates], { rows }) => {
      if (!index || !updates || index.dtype !== 'i32') return 'the index must be i32';
      if (!sameShape(updates.shape.slice(0, index.shape.length), index.shape))
        return `updates ${showType(updates)} do not start with ${showShape(index.shape)}`;
      return { dtype: updates.dtype, shape: [rows, ...updates.shape.slice(index.shape.length)] };
    },
  },

  uniform: {
    arity: 2,
    family: 'pointwise',
    infer: (inputs, _attrs, declared) =>
      inputs.some((t) => t.dtype !== 'i32' || t.shape.length > 0)
        ? 'seed and step are i32 scalars'
        : (declared ?? 'the shape must be declared'),
  },
  shuffle: {
    arity: 3,
    family: 'pointwise',
    infer: ([index, seed, epoch]) => {
      if (index?.dtype !== 'i32' || seed?.dtype !== 'i32' || epoch?.dtype !== 'i32') return 'index, seed and epoch are i32';
      return seed.shape.length || epoch.shape.length ? 'seed and epoch are scalars' : index;
    },
  },
};

/** Whether a node only says where the elements of another are found. */
export function isView(node: Node): boolean {
  return OPS[node.op].family === 'view' && node.op !== 'concat';
}

/** The node below all views. */
export function baseOf(graph: Graph, id: NodeId): NodeId {
  let node = at(graph.nodes, id);
  while (isView(node)) node = at(graph.nodes, at(node.inputs, 0));
  return node.id;
}

export function isLeaf(node: Node): boolean {
  return OPS[node.op].family === 'leaf';
}

/** How many places a window has on an axis. */
export function windowPlaces(length: number, size: number, stride: number, dilation: number): number {
  return Math.floor((length - dilation * (size - 1) - 1) / stride) + 1;
}

/** Number of multiply-adds of a contract with bound shapes. */
export function contractWork(spec: string, a: Shape, b: Shape): number {
  const labels = contractLabels(spec);
  const extents = new Map<string, Dim>();
  [...labels.a].forEach((l, i) => extents.set(l, a[i] as Dim));
  [...labels.b].forEach((l, i) => extents.set(l, b[i] as Dim));
  return count([...extents.values()]);
}
