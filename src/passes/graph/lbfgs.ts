import type { NodeId } from '../../ir/graph/types.ts';
import type { UpdateContext } from './update.ts';

/** Pairs with less curvature are ignored, as in torch.optim.LBFGS. */
const LEAST_CURVATURE = 1e-10;

/**
 * Nocedal, 1980: torch.optim.LBFGS with max_iter=1 and no line search. A step evaluates the loss once, so the modes that evaluate it
 * several times per step are not supported.
 * Missing pairs are zeros, which change nothing; the newest pair is last.
 */
export function lbfgs(cx: UpdateContext): NodeId {
  const { b, g } = cx;
  const [n = 0] = b.shape(g) as number[];
  const memory = cx.set('history_size') as number;
  const scalar = (value: number): NodeId => b.full(value, { dtype: 'f32', shape: [] });
  const dot = (x: NodeId, y: NodeId): NodeId => b.sum(b.op('mul', x, y), [0]);
  const scaled = (x: NodeId, by: NodeId): NodeId => b.op('mul', x, b.splat(by, [n]));
  const largest = (x: NodeId): NodeId => b.add('reduce_max', [b.op('abs', x)], { axes: [0] });

  const y = b.op('sub', g, cx.slot('prev_flat_grad'));
  const s = cx.slot('prev_step');
  const curvature = dot(y, s);
  const zero = scalar(0);
  // The initial diagonal of the inverse Hessian. It is above 0 after the first real step; a step with a flat gradient does not count.
  const scale = cx.slot('H_diag', []);
  const first = b.op('le', scale, zero);
  const number = (name: string): NodeId => cx.scalar(name, cx.set(name), []);
  // If the gradient is flat, the step changes nothing.
  const flat = b.op('le', largest(g), number('tolerance_grad'));
  const learns = b.op('and', b.op('lt', scalar(LEAST_CURVATURE), curvature), b.op('not', b.op('or', first, flat)));
  const safe = b.op('select', learns, curvature, scalar(1));

  /** A table [memory, ...] that drops its oldest row and appends `row`, if there is something to learn. */
  const pushed = (name: string, row: NodeId): NodeId => {
    const shape = [memory, ...(b.shape(row) as number[])];
    const old = cx.slot(name, shape);
    const later = shape.map((d, i) => (i === 0 ? d - 1 : d));
    const last = b.reshape(row, [1, ...shape.slice(1)]);
    const start = shape.map((_, i) => (i === 0 ? 1 : 0));
    const table = memory === 1 ? last : b.add('concat', [b.add('slice', [old], { start, size: later }), last], { axis: 0 });
    const next = b.op('select', b.splat(learns, shape), table, old);
    cx.keep(name, next);
    return next;
  };
  const [ys, ss] = [pushed('old_dirs', y), pushed('old_stps', s)];
  const ro = pushed('ro', b.op('div', scalar(1), safe));
  const row = (table: NodeId, i: number): NodeId => b.reshape(b.add('slice', [table], { start: [i, 0], size: [1, n] }), [n]);
  const weight = (i: number): NodeId => b.reshape(b.add('slice', [ro], { start: [i], size: [1] }), []);

  const before = b.op('select', first, scalar(1), scale);
  const yy = b.op('select', learns, dot(y, y), scalar(1));
  const diagonal = b.op('select', learns, b.op('div', curvature, yy), before);
  cx.keep('H_diag', b.op('select', flat, scale, diagonal));

  let q = b.op('neg', g);
  const al: NodeId[] = [];
  for (let i = memory - 1; i >= 0; i--) {
    const a = b.op('mul', dot(row(ss, i), q), weight(i));
    al[i] = a;
    q = b.op('sub', q, scaled(row(ys, i), a));
  }
  let d = scaled(q, diagonal);
  al.forEach((a, i) => {
    const be = b.op('mul', dot(row(ys, i), d), weight(i));
    d = b.op('add', d, scaled(row(ss, i), b.op('sub', a, be)));
  });

  const sum = b.sum(b.op('abs', g), [0]);
  const shorter = b.op('min', scalar(1), b.op('div', scalar(1), b.op('max', sum, scalar(1e-30))));
  const lr = cx.scalar('lr', (set) => set('lr'), []);
  const rate = b.op('mul', lr, b.op('select', first, shorter, scalar(1)));
  // It also stands still if the direction is not one of descent.
  const goes = b.op('and', b.op('not', flat), b.op('le', dot(g, d), b.op('neg', number('tolerance_change'))));
  const step = scaled(d, b.op('select', goes, rate, zero));
  const keep = (name: string, next: NodeId): void => cx.keep(name, b.op('select', b.splat(flat, [n]), cx.slot(name), next));
  keep('prev_step', step);
  keep('prev_flat_grad', g);
  return b.op('add', cx.p, step);
}
