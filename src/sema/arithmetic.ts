import { at } from '../base/errors.ts';
import { sameDim, showType, type Dim, type Shape } from '../base/types.ts';
import type { GraphBuilder, PlainOp } from '../ir/graph/builder.ts';
import type { NodeId } from '../ir/graph/types.ts';
import { problem, type Problem } from './layers/layer.ts';

/** NumPy's broadcasting: shapes are aligned at the last axis, and an extent of 1 repeats. */
export function broadcastShapes(a: Shape, b: Shape): Shape | undefined {
  const rank = Math.max(a.length, b.length);
  const out: Dim[] = [];
  for (let i = 0; i < rank; i++) {
    const [x, y] = [a[i - rank + a.length] ?? 1, b[i - rank + b.length] ?? 1];
    if (sameDim(x, y)) out.push(x);
    else if (x === 1) out.push(y);
    else if (y === 1) out.push(x);
    else return undefined;
  }
  return out;
}

/** Broadcasts a tensor to a shape: a reshape that drops extents of 1, then an explicit broadcast. */
export function broadcastTo(b: GraphBuilder, x: NodeId, shape: Shape): NodeId {
  const from = b.shape(x);
  const lead = shape.length - from.length;
  const kept = from
    .map((d, i) => ({ d, axis: i + lead }))
    .filter(({ d, axis }) => sameDim(d, at(shape, axis)) && !(d === 1 && shape[axis] !== 1));
  return b.broadcast(
    b.reshape(
      x,
      kept.map(({ d }) => d),
    ),
    shape,
    kept.map(({ axis }) => axis),
  );
}

/** Broadcasts all tensors to one shape; mixed i32 and f32 become f32. */
export function align(b: GraphBuilder, xs: readonly NodeId[]): NodeId[] | Problem {
  let shape: Shape = [];
  for (const x of xs) {
    const joined = broadcastShapes(shape, b.shape(x));
    if (!joined)
      return problem(
        'NN203',
        `${xs.map((v) => showType(b.type(v))).join(' and ')} do not broadcast`,
        'extents must be equal or 1, counted from the last axis',
      );
    shape = joined;
  }
  const float = xs.some((x) => b.type(x).dtype === 'f32');
  return xs.map((x) => broadcastTo(b, float && b.type(x).dtype !== 'f32' ? b.cast(x, 'f32') : x, shape));
}

/** Applies a pointwise operation with broadcasting. */
export function pointwise(b: GraphBuilder, op: PlainOp, ...xs: readonly NodeId[]): NodeId | Problem {
  const aligned = align(b, xs);
  return Array.isArray(aligned) ? b.op(op, ...aligned) : aligned;
}

/** Multiplies matrices in the last two axes and broadcasts the axes before them; vectors as in torch.matmul. */
export function matmul(b: GraphBuilder, x: NodeId, y: NodeId): NodeId | Problem {
  const [p, q] = [b.shape(x), b.shape(y)];
  const bad = (): Problem =>
    problem(
      'NN203',
      `${showType(b.type(x))} @ ${showType(b.type(y))} does not fit`,
      'the last axis of the left must be the last but one of the right',
    );
  const [k, l] = [p.at(-1), q.length > 1 ? q.at(-2) : q.at(-1)];
  if (k === undefined || l === undefined || !sameDim(k, l)) return bad();
  if (p.length === 1 && q.length === 1) return b.contract('a,a->', x, y);
  if (p.length === 1) return b.reshape(matmulSameRank(b, b.reshape(x, [1, ...p]), y), [...q.slice(0, -2), at(q, q.length - 1)]);
  if (q.length === 1) return b.contract(`${'bcdefgh'.slice(0, p.length - 1)}z,z->${'bcdefgh'.slice(0, p.length - 1)}`, x, y);
  if (q.length === 2) {
    const lead = 'bcdefgh'.slice(0, p.length - 1);
    return b.contract(`${lead}z,zy->${lead}y`, x, y);
  }
  const batch = broadcastShapes(p.slice(0, -2), q.slice(0, -2));
  if (!batch) return bad();
  return matmulSameRank(b, broadcastTo(b, x, [...batch, ...p.slice(-2)]), broadcastTo(b, y, [...batch, ...q.slice(-2)]));
}

function matmulSameRank(b: GraphBuilder, x: NodeId, y: NodeId): NodeId {
  const rank = b.shape(y).length;
  const lead = 'abcdefgh'.slice(0, rank - 2);
  const xs = b.shape(x).length === rank ? x : broadcastTo(b, x, [...b.shape(y).slice(0, -2), ...b.shape(x).slice(-2)]);
  return b.contract(`${lead}xz,${lead}zy->${lead}xy`, xs, y);
}
