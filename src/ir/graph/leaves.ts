import type { DType, TensorType } from '../../base/types.ts';
import { roundF16 } from '../../base/math.ts';
import type { Inferred, OpRecord } from './op-record.ts';
import { ANY, FLOAT, NO_BITS, NUMERIC, OPAQUE, asItIs } from './op-parts.ts';

type Leaf = 'input' | 'param' | 'state' | 'const' | 'scalar' | 'iota' | 'dimsize' | 'carry';

/** A leaf of one of `dtypes`. A leaf outside memory is free: a number or an index. */
const leaf = (dtypes: readonly DType[], memory: 'data' | 'state' | 'loop' | 'none') =>
  ({
    arity: 0,
    family: 'leaf',
    infer: (_inputs: readonly TensorType[], _attrs: unknown, declared: TensorType | undefined): Inferred =>
      declared === undefined
        ? 'a leaf needs a declared type'
        : dtypes.includes(declared.dtype)
          ? declared
          : `${declared.dtype} is not one of ${dtypes.join(', ')}`,
    bind: asItIs,
    memory,
    reuse: () => 0,
    ...OPAQUE,
    ...NO_BITS,
  }) as const;

export const LEAVES: { readonly [K in Leaf]: OpRecord<K> } = {
  input: leaf(ANY, 'data'),
  param: leaf(FLOAT, 'state'),
  state: leaf(NUMERIC, 'state'),
  const: { ...leaf(ANY, 'none'), halves: ({ attrs: { value } }) => roundF16(value) === value },
  scalar: leaf(NUMERIC, 'none'),
  iota: leaf(NUMERIC, 'none'),
  carry: leaf(ANY, 'loop'),
  dimsize: { ...leaf(FLOAT, 'none'), bind: (attrs, dim) => ({ dim: dim(attrs.dim) }) },
};
