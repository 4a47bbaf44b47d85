import { at } from '../../base/errors.ts';
import { sameShape, showShape, showType, type DType, type TensorType } from '../../base/types.ts';
import { inferContract } from './contract.ts';
import type { Inferred, OpSpec } from './op-spec.ts';
import type { Graph, Node, NodeId, Op } from './types.ts';
import { VIEWS, windowPlaces } from './views.ts';

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
  ...VIEWS,
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
