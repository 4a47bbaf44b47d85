import { at } from '../base/errors.ts';
import { isPointwise, type PointwiseOp } from '../ir/graph/pointwise.ts';
import { isViewOp, type ViewOp } from '../ir/graph/views.ts';
import type { Node, NodeId, NodeOf, Op } from '../ir/graph/types.ts';
import type { ScalarEnv } from '../base/scalar.ts';
import { NO_VALUES, evaluate, meaning } from './evaluate.ts';
import { bound, byNode, dataOf, runLoop } from './loops.ts';
import { PARTIALS, TIES } from './partials.ts';
import type { Shift, Shifted } from './shifted.ts';
import { mix, sizesOfMix } from './sums.ts';
import { at64, offsets, strides, type Tensor } from './walk.ts';

/**
 * Computes the tangent of an operation's result from those of its operands (`undefined` is 0); with `sizes`, a bound from their absolute
 * values.
 */
type Rule<K extends Op> = (node: NodeOf<K>, cx: Context, tangents: readonly (Float64Array | undefined)[]) => Float64Array | undefined;
interface Context {
  readonly inputs: readonly Tensor[];
  readonly out: Tensor;
  readonly sizes: boolean;
  readonly scalars: ScalarEnv;
}

const none: Rule<Op> = () => undefined;

/** Linear operations: applied to tangents as they are to values. */
const linear: Rule<Op> = (node, { inputs }, tangents) => {
  const real = (i: number): boolean => !(node.op === 'gather' && i === 1) && !(node.op === 'scatter_add' && i === 0);
  const operands = inputs.map((t, i) => (real(i) ? { shape: t.shape, data: tangents[i] ?? new Float64Array(t.data.length) } : t));
  // Padding is constant, so its tangent is 0.
  const same = (node.op === 'pad' ? { ...node, attrs: { ...node.attrs, value: 0 } } : node) as Node;
  return meaning(same, operands, NO_VALUES).data;
};

/** The sum of derivative times tangent over the operands. */
const pointwise: Rule<PointwiseOp> = (node, { inputs, out, sizes }, tangents) => {
  const result = new Float64Array(out.data.length);
  const [a, b, c] = inputs.map((t) => t.data);
  PARTIALS[node.op].forEach((partial, operand) => {
    const t = tangents[operand];
    if (!partial || !t) return;
    for (let i = 0; i < result.length; i++) {
      const p = partial(at64(out.data, i), a?.[i] ?? 0, b?.[i] ?? 0, c?.[i] ?? 0);
      // A branch that is not taken contributes nothing, even if its derivative is NaN or infinite.
      if (p !== 0) result[i] = at64(result, i) + (sizes ? Math.abs(p) : p) * at64(t, i);
    }
  });
  return result;
};

const product: Rule<'contract'> = (node, { inputs, sizes }, tangents) => {
  const [x, y] = [at(inputs, 0), at(inputs, 1)];
  const [tx, ty] = tangents;
  const factor = (t: Tensor): Tensor => (sizes ? { ...t, data: t.data.map(Math.abs) } : t);
  const left = tx && meaning(node, [{ ...x, data: tx }, factor(y)], NO_VALUES).data;
  const right = ty && meaning(node, [factor(x), { ...y, data: ty }], NO_VALUES).data;
  return left && right ? left.map((v, i) => v + at64(right, i)) : (left ?? right);
};

/** For each element of the operand, the element of the result that reduces it. */
function placesOf(node: NodeOf<'reduce_max'>, x: Tensor, out: Tensor): Int32Array {
  const stride = strides(out.shape);
  let kept = 0;
  return offsets(
    x.shape,
    x.shape.map((_, i) => (node.attrs.axes.includes(i) ? 0 : at(stride, kept++))),
  );
}

/** The mean over the elements that equal the maximum, as PyTorch's amax shares its gradient among them. */
const peak: Rule<'reduce_max'> = (node, { inputs, out }, tangents) => {
  const [x, t] = [at(inputs, 0), tangents[0]];
  if (!t) return undefined;
  const to = placesOf(node, x, out);
  const [sum, ties] = [new Float64Array(out.data.length), new Float64Array(out.data.length)];
  for (let i = 0; i < t.length; i++) {
    const o = at64(to, i);
    if (at64(x.data, i) !== at64(out.data, o)) continue;
    sum[o] = at64(sum, o) + at64(t, i);
    ties[o] = at64(ties, o) + 1;
  }
  return sum.map((s, o) => s / at64(ties, o));
};

/** The tangents of a loop are those of its body, place after place. */
const loop: Rule<'scan'> = (node, { inputs, scalars, sizes }, tangents) => {
  const { body } = node.attrs;
  let place = 0;
  const bodies: ((id: NodeId) => Tensor)[] = [];
  // The values of all places, of which the tangents are made.
  runLoop(node, dataOf(inputs), (leaves) => {
    const value = evaluate(body, bound(leaves, { scalars }));
    bodies.push(value);
    return (id) => value(id).data;
  });
  return runLoop(node, tangents, (leaves) => {
    const value = at(bodies, place++);
    const found = new Map<NodeId, Float64Array>(byNode(body, leaves));
    for (const n of body.nodes) {
      if (n.type.dtype !== 'f32' || found.has(n.id)) continue;
      const cx = { inputs: n.inputs.map(value), out: value(n.id), sizes, scalars };
      const t = forwardRule(n)(
        n as NodeOf<Op>,
        cx,
        n.inputs.map((i) => found.get(i)),
      );
      if (t) found.set(n.id, t);
    }
    return (id) => found.get(id);
  });
};

/** Operations that are neither pointwise nor views. */
const SLOPES: { readonly [K in Exclude<Op, PointwiseOp | ViewOp>]: Rule<K> } = {
  input: none,
  param: none,
  state: none,
  const: none,
  scalar: none,
  iota: none,
  dimsize: none,
  cast: (node, _cx, [t]) => (node.attrs.dtype === 'f32' ? t : undefined),
  reduce_sum: linear,
  reduce_max: peak,
  contract: product,
  concat: linear,
  mix: (node, { inputs, sizes }, [t]) => t && mix(sizes ? sizesOfMix(node) : node, { shape: at(inputs, 0).shape, data: t }).data,
  unwindow: linear,
  gather: linear,
  scatter_add: linear,
  uniform: none,
  shuffle: none,
  scan: loop,
  carry: none,
};

/** How an operation maps tangents, or bounds of them. */
export function forwardRule(node: Node): Rule<Op> {
  return (isPointwise(node.op) ? pointwise : isViewOp(node.op) ? linear : SLOPES[node.op]) as Rule<Op>;
}

/**
 * The derivative of a scalar of a graph at the base point as parameters move along `direction`: forward-mode differentiation, operation by
 * operation. At kinks each operation has PyTorch's derivative, so a gradient can be checked there too, where differences of the loss cannot
 * decide.
 */
export function slopeAlong(point: Shifted, direction: Shift, of: NodeId): number {
  return along(point, direction, of, false).get(of)?.[0] ?? 0;
}

/** Whether an operation on the way is at a kink or a jump, so that its derivative is only a convention. */
export function tiedAlong(point: Shifted, direction: Shift, of: NodeId): boolean {
  const tangents = along(point, direction, of, false);
  return point.dependents([...direction.keys()]).some((id) => {
    const node = at(point.graph.nodes, id);
    const [a, b] = node.inputs.map((i) => point.value(i).data);
    const [ta, tb] = node.inputs.map((i) => tangents.get(i));
    if (id > of || !a || (!ta && !tb)) return false;
    if (node.op === 'reduce_max' && ta) {
      const to = placesOf(node, point.value(at(node.inputs, 0)), point.value(id));
      const first = new Map<number, number>();
      return to.some((o, i) => {
        if (at64(a, i) !== point.value(id).data[o]) return false;
        const other = first.get(o) ?? at64(ta, i);
        first.set(o, other);
        return other !== ta[i];
      });
    }
    const tie = isPointwise(node.op) ? TIES[node.op] : undefined;
    return tie !== undefined && a.some((v, i) => (ta?.[i] ?? 0) !== (tb?.[i] ?? 0) && tie(v, b?.[i] ?? 0));
  });
}

/**
 * The sum of the absolute values of all terms of the derivative along directions whose components are at most those of `direction`.
 * Rounding errors are relative to it, however much of it cancels.
 */
export function sizeAlong(point: Shifted, direction: Shift, of: NodeId): number {
  return along(point, direction, of, true).get(of)?.[0] ?? 0;
}

function along(point: Shifted, direction: Shift, of: NodeId, sizes: boolean): Map<NodeId, Float64Array> {
  const tangents = new Map<NodeId, Float64Array>();
  for (const id of point.dependents([...direction.keys()])) {
    if (id > of) break;
    const node = at(point.graph.nodes, id);
    if (node.type.dtype !== 'f32') continue;
    const own = node.op === 'param' || node.op === 'state' ? direction.get(node.attrs.name) : undefined;
    const t = own
      ? sizes
        ? own.map(Math.abs)
        : own
      : forwardRule(node)(
          node as NodeOf<Op>,
          { inputs: node.inputs.map((i) => point.value(i)), out: point.value(id), sizes, scalars: point.scalars },
          node.inputs.map((i) => tangents.get(i)),
        );
    if (t) tangents.set(id, t);
  }
  return tangents;
}
