import { CompilerBug } from '../../base/errors.ts';
import { count, sameDim, showShape, type Dim, type Shape, type TensorType } from '../../base/types.ts';
import type { Inferred } from './op-record.ts';

/** The labels of a contract: `ab,cb->ac`. */
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

/** The labels that a contract sums over, in the order of its loops. */
export function summedLabels(spec: string): string[] {
  const l = contractLabels(spec);
  return [...new Set(l.a + l.b)].filter((c) => !l.out.includes(c));
}

/** The shape rule: a label has the same size wherever it occurs, and is in two of the three places. */
export function inferContract([a, b]: readonly TensorType[], { spec }: { readonly spec: string }): Inferred {
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

/** Number of multiply-adds of a contract with bound shapes. */
export function contractWork(spec: string, a: Shape, b: Shape): number {
  const labels = contractLabels(spec);
  const extents = new Map<string, Dim>();
  [...labels.a].forEach((l, i) => extents.set(l, a[i] as Dim));
  [...labels.b].forEach((l, i) => extents.set(l, b[i] as Dim));
  return count([...extents.values()]);
}
