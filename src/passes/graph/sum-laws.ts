import { at } from '../../base/errors.ts';
import { count } from '../../base/types.ts';
import type { GraphBuilder } from '../../ir/graph/builder.ts';
import type { Node, NodeId, NodeOf } from '../../ir/graph/types.ts';

/** A product under a sum, taken apart. */
interface Factors {
  /** What differs along the sum. */
  readonly varying: NodeId[];
  /** What is the same along it, with the shape of the sum's result. */
  readonly times: NodeId[];
  readonly by: NodeId[];
  negative: boolean;
  /** A value that is the same along the sum is among the factors; numbers alone are left where they are. */
  found: boolean;
}

/** Longer products stay as they are. */
const MOST_FACTORS = 40;

/**
 * Factors that are the same along a sum go before it: sum(x * c) is sum(x) * c. In the gradient of a normalisation that makes sums equal, which
 * are then computed once.
 */
export function factorsBefore(b: GraphBuilder, node: NodeOf<'reduce_sum'>, operand: NodeId): NodeId | undefined {
  const { axes } = node.attrs;
  // Sums within rows are part of a kernel that goes through the row anyway; there factors cost nothing.
  if (node.type.dtype !== 'f32' || !axes.includes(0)) return undefined;
  const kept = b
    .shape(operand)
    .map((_, i) => i)
    .filter((i) => !axes.includes(i));
  /** The value along the sum, if it is one value. */
  const constantOf = (x: Node): NodeId | undefined => {
    if (x.op === 'const') return b.full(x.attrs.value, node.type);
    if (x.op !== 'broadcast' || x.attrs.axes.some((a) => axes.includes(a))) return undefined;
    return b.broadcast(
      at(x.inputs, 0),
      node.type.shape,
      x.attrs.axes.map((a) => kept.indexOf(a)),
    );
  };
  const f: Factors = { varying: [], times: [], by: [], negative: false, found: false };
  let taken = 0;
  const take = (id: NodeId): void => {
    // A product of the same values over and over is no long list.
    if (++taken > MOST_FACTORS) return;
    const x = b.node(id);
    if (x.op === 'neg') {
      f.negative = !f.negative;
      return take(at(x.inputs, 0));
    }
    if (x.op === 'mul') return x.inputs.forEach(take);
    const divisor = x.op === 'div' ? constantOf(b.node(at(x.inputs, 1))) : undefined;
    if (divisor !== undefined) {
      f.by.push(divisor);
      f.found ||= b.node(divisor).op !== 'const';
      return take(at(x.inputs, 0));
    }
    const factor = constantOf(x);
    if (factor === undefined) f.varying.push(id);
    else {
      f.times.push(factor);
      f.found ||= x.op !== 'const';
    }
  };
  take(operand);
  const [first, ...others] = f.varying;
  if (!f.found || first === undefined || taken > MOST_FACTORS) return undefined;
  let sum = b.sum(
    others.reduce((x, y) => b.op('mul', x, y), first),
    axes,
  );
  for (const c of f.times) sum = b.op('mul', sum, c);
  for (const c of f.by) sum = b.op('div', sum, c);
  return f.negative ? b.op('neg', sum) : sum;
}

/** x less its mean sums to 0. */
export function isCentred(b: GraphBuilder, axes: readonly number[], operand: Node): boolean {
  if (operand.op !== 'sub') return false;
  const [x = -1, mean = -1] = operand.inputs;
  const spread = b.node(mean);
  if (spread.op !== 'broadcast') return false;
  const shape = b.shape(x);
  const kept = shape.map((_, i) => i).filter((i) => !axes.includes(i));
  if (spread.attrs.axes.join() !== kept.join()) return false;
  const quotient = b.node(at(spread.inputs, 0));
  if (quotient.op !== 'div') return false;
  const sum = b.node(at(quotient.inputs, 0));
  if (sum.op !== 'reduce_sum') return false;
  const n = b.node(at(quotient.inputs, 1));
  if (axes.some((a) => typeof shape[a] !== 'number')) return false;
  return (
    n.op === 'const' &&
    n.attrs.value === count(axes.map((a) => shape[a] as number)) &&
    sum.inputs[0] === x &&
    sum.attrs.axes.join() === axes.join()
  );
}
