import { at } from '../../base/errors.ts';
import type { ScalarExpr } from '../../base/scalar.ts';
import type { NodeId } from '../../ir/graph/types.ts';
import { SHRINKING, T, decays, rest, type ParamSlice, type Rate, type UpdateContext } from './update.ts';

/** The relative step size: the rate at first, smaller later. */
const RHO: Rate = (set) => ['min', set('lr'), ['div', 1, ['sqrt', T]]];

/** A state that holds one stretch per parameter, one after another. */
class Stretches {
  private readonly cx: UpdateContext;
  private readonly name: string;
  private readonly old: NodeId;
  private readonly fresh: NodeId[] = [];
  private offset = 0;

  constructor(cx: UpdateContext, name: string, size: number) {
    this.cx = cx;
    this.name = name;
    this.old = cx.slot(name, [size]);
  }

  /** Averages `value`, with weight `share`, into the next stretch and returns the new average. */
  average(value: NodeId, share: ScalarExpr): NodeId {
    const { b } = this.cx;
    const shape = b.shape(value) as number[];
    const size = shape.reduce((p, d) => p * d, 1);
    const before = b.reshape(b.add('slice', [this.old], { start: [this.offset], size: [size] }), shape);
    const [kept, taken] = [this.cx.scalar('beta2', rest(share), shape), this.cx.scalar('beta2_rest', share, shape)];
    const next = b.op('add', b.op('mul', before, kept), b.op('mul', value, taken));
    this.fresh.push(b.reshape(next, [size]));
    this.offset += size;
    return next;
  }

  keep(): void {
    const { b } = this.cx;
    this.cx.keep(this.name, b.add('concat', this.fresh, { axis: 0 }));
  }
}

/** A tensor as a batch of matrices over its last two axes: [count, rows, columns]. */
function matrices({ shape, size }: ParamSlice): readonly [number, number, number] {
  const [rows, columns] = [at(shape, shape.length - 2), at(shape, shape.length - 1)];
  return [size / (rows * columns), rows, columns];
}

/**
 * Shazeer and Stern, 2018, as in torch.optim.Adafactor: of a matrix of squared gradients only the row and column means are kept, and the
 * step size scales with the parameter's own RMS.
 */
export function adafactor(cx: UpdateContext): NodeId {
  const { b } = cx;
  const [tiny, least] = cx.pair('eps');
  const share: ScalarExpr = ['pow', T, cx.set('beta2_decay')];
  const factored = cx.parts.filter((p) => p.shape.length > 1);
  const extent = (of: (m: ReturnType<typeof matrices>) => number): number => factored.reduce((n, p) => n + of(matrices(p)), 0);
  const plain = cx.parts.filter((p) => p.shape.length <= 1).reduce((n, p) => n + p.size, 0);
  const make = (name: string, size: number): Stretches | undefined => (size > 0 ? new Stretches(cx, name, size) : undefined);
  const rows = make(
    'row_var',
    extent(([n, r]) => n * r),
  );
  const columns = make(
    'col_var',
    extent(([n, , c]) => n * c),
  );
  const variances = make('variance', plain);
  const number = (name: string, e: ScalarExpr, shape: readonly number[]): NodeId =>
    typeof e === 'number' ? b.full(e, { dtype: 'f32', shape }) : cx.scalar(name, e, shape);
  const mean = (x: NodeId, axis: number): NodeId => {
    const sum = b.sum(x, [axis]);
    return b.op('div', sum, b.like(at(b.shape(x), axis) as number, sum));
  };
  /** Root mean square: []. */
  const rms = (x: NodeId): NodeId => b.op('sqrt', mean(b.op('mul', x, x), 0));

  const next = cx.parts.map((part): NodeId => {
    const { offset, size } = part;
    const cut = (x: NodeId): NodeId => b.add('slice', [x], { start: [offset], size: [size] });
    const [p, g] = [cut(cx.p), cut(cx.g)];
    const square = b.op('mul', g, g);
    let variance: NodeId;
    if (part.shape.length > 1 && rows && columns) {
      const shape = matrices(part);
      const [n, r, c] = shape;
      const grid = b.reshape(square, shape);
      const row = rows.average(mean(grid, 2), share);
      const column = columns.average(mean(grid, 1), share);
      const whole = b.op('max', mean(row, 1), number('eps1', tiny, [n]));
      const scaled = b.op('div', row, b.broadcast(whole, [n, r], [0]));
      variance = b.reshape(b.op('mul', b.broadcast(scaled, [n, r, c], [0, 1]), b.broadcast(column, [n, r, c], [0, 2])), [size]);
    } else variance = variances?.average(square, share) ?? square;
    const floor = b.op('mul', number('eps1', tiny, [size]), number('eps1', tiny, [size]));
    const update = b.op('div', g, b.op('sqrt', b.op('max', variance, floor)));
    const one = b.full(1, { dtype: 'f32', shape: [] });
    const denominator = b.op('max', one, b.op('div', rms(update), number('d', cx.set('d'), [])));
    const length = b.op('mul', b.op('max', number('eps2', least, []), rms(p)), part.scalar('rho', RHO, []));
    const kept = decays(cx) && part.decays ? b.op('mul', p, part.scalar('decay', SHRINKING, [size])) : p;
    return b.op('sub', kept, b.op('mul', update, b.splat(b.op('div', length, denominator), [size])));
  });
  for (const stretches of [rows, columns, variances]) stretches?.keep();
  return b.add('concat', next, { axis: 0 });
}
