import { at } from '../../base/errors.ts';
import { count, fixedShape, sameShape, showShape, showType } from '../../base/types.ts';
import type { OpRecord } from './op-record.ts';
import { NO_BITS, asItIs } from './op-parts.ts';
import { SUMMED, UNEVEN } from './sums.ts';

type Rows = 'gather' | 'scatter_add';

/** Rows by index, and the adjoint. */
export const ROWS: { readonly [K in Rows]: OpRecord<K> } = {
  gather: {
    arity: 2,
    family: 'gather',
    infer: ([x, index]) => {
      if (!x || !index || x.shape.length === 0) return 'rows are needed';
      return index.dtype === 'i32' ? { dtype: x.dtype, shape: [...index.shape, ...x.shape.slice(1)] } : 'the index must be i32';
    },
    bind: asItIs,
    memory: 'none',
    reads: (_node, point, inputs, unknown) => {
      const rank = at(inputs, 1).shape.length;
      return [
        { operand: 1, point: point.slice(0, rank) },
        { operand: 0, point: [unknown.data(at(fixedShape(at(inputs, 0).shape), 0)), ...point.slice(rank)] },
      ];
    },
    guards: false,
    reuse: (node, operand, inputs) => (operand === 0 ? Math.max(1, count(node.type.shape) / count(at(inputs, 0).shape)) : 1),
    bijective: false,
    sum: null,
    cost: 1,
    // It only moves rows.
    flops: () => 0,
    exact: 'always',
    handsOn: ({ inputs: [from = -1] }) => [from],
    halves: (_node, operand) => operand(0),
  },
  scatter_add: {
    ...SUMMED,
    ...NO_BITS,
    arity: 2,
    family: 'scatter',
    infer: ([index, updates], { rows }) => {
      if (!index || !updates || index.dtype !== 'i32') return 'the index must be i32';
      if (!sameShape(updates.shape.slice(0, index.shape.length), index.shape))
        return `updates ${showType(updates)} do not start with ${showShape(index.shape)}`;
      return { dtype: updates.dtype, shape: [rows, ...updates.shape.slice(index.shape.length)] };
    },
    bind: ({ rows }, dim) => ({ rows: dim(rows) }),
    reads: (_node, point, inputs, unknown) => {
      const k = fixedShape(at(inputs, 0).shape).map(unknown.loop);
      return [
        { operand: 0, point: k },
        { operand: 1, point: [...k, ...point.slice(1)] },
      ];
    },
    // Every row of the result reads every index.
    reuse: (node, _operand, inputs) => count(node.type.shape) / Math.max(1, count(at(inputs, 1).shape) / count(at(inputs, 0).shape)),
    sum: UNEVEN,
    flops: (node, inputs) => (node.type.dtype === 'f32' ? count(at(inputs, 1).shape) : 0),
  },
};
