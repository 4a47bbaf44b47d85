import { at } from '../../base/errors.ts';
import type { GraphBuilder } from '../../ir/graph/builder.ts';
import type { NodeId } from '../../ir/graph/types.ts';
import { LR, adamStep, rest, shrunk, times, type UpdateContext } from './update.ts';

/** Coefficients and number of steps of the quintic iteration, as in torch.optim.Muon. */
const [A, B, C] = [3.4445, -4.775, 2.0315];
const STEPS = 5;
const TINY = 1e-7;

/** A matrix with about the same singular vectors and singular values near 1, by Newton-Schulz iteration. */
function orthogonal(b: GraphBuilder, g: NodeId, [rows, columns]: readonly [number, number]): NodeId {
  const wide = rows <= columns;
  let x = wide ? g : b.permute(g, [1, 0]);
  const norm = b.op('sqrt', b.sum(b.op('mul', x, x), [0, 1]));
  x = b.op('div', x, b.splat(b.op('max', norm, b.like(TINY, norm)), b.shape(x)));
  for (let i = 0; i < STEPS; i++) {
    const gram = b.contract('ik,jk->ij', x, x);
    const square = b.contract('ik,kj->ij', gram, gram);
    const mixed = b.op('add', b.op('mul', gram, b.like(B, gram)), b.op('mul', square, b.like(C, square)));
    x = b.op('add', b.op('mul', x, b.like(A, x)), b.contract('ik,kj->ij', mixed, x));
  }
  return wide ? x : b.permute(x, [1, 0]);
}

/** Jordan et al., 2024: matrices are updated by their orthogonalised momentum, everything else by AdamW. */
export function muon(cx: UpdateContext): NodeId {
  const { b } = cx;
  const momentum = cx.set('momentum');
  const fresh = times(cx, cx.g, rest(momentum), 'momentum_rest');
  const buffer = b.op('add', times(cx, cx.slot('momentum_buffer'), momentum, 'momentum'), fresh);
  cx.keep('momentum_buffer', buffer);
  const ahead = b.op('add', fresh, times(cx, buffer, momentum, 'momentum'));
  const update = cx.flag('nesterov') ? ahead : buffer;
  const p = shrunk(cx);
  const plain = adamStep(cx, p, cx.g);
  const parts = cx.parts.map(({ shape, offset, size, scalar }) => {
    const part = (x: NodeId): NodeId => b.add('slice', [x], { start: [offset], size: [size] });
    if (shape.length !== 2) return part(plain);
    const matrix = [at(shape, 0), at(shape, 1)] as const;
    const direction = b.reshape(orthogonal(b, b.reshape(part(update), matrix), matrix), [size]);
    const ratio = Math.sqrt(Math.max(1, matrix[0] / matrix[1]));
    return b.op('sub', part(p), b.op('mul', b.op('mul', direction, b.like(ratio, direction)), scalar('lr', LR, [size])));
  });
  return b.add('concat', parts, { axis: 0 });
}
