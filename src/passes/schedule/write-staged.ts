import { CompilerBug, at } from '../../base/errors.ts';
import { call, literal } from '../../ir/kernel/build.ts';
import { isVector } from '../../ir/kernel/functions.ts';
import * as ix from '../../ir/kernel/index-math.ts';
import type { Axis, Expr, Fn } from '../../ir/kernel/types.ts';
import type { BlockWriter } from './block-writer.ts';
import { axisName } from './naming.ts';
import { threadsOf, type Axes, type StagedOperand, type StagedWay, type StageSize } from './staging.ts';
import type { ValueLowering } from './values.ts';

const ROW = 'row';
const COLUMN = 'column';
const ELEMENT: readonly Fn[] = ['x', 'y', 'z', 'w'];

/** The axes of a staged kernel: a workgroup for each part of the result. Those that follow one another share the longer operand's piece. */
export function stagedAxes({ rows, columns, shared, out }: StagedWay, size: StageSize): Axis[] {
  const down = { name: ROW, extent: Math.ceil(rows.total / size.rows) };
  const across = { name: COLUMN, extent: Math.ceil(columns.total / size.columns) };
  const whole = [...shared.labels].map((c, i) => ({ name: axisName(out.indexOf(c)), extent: at(shared.shape, i) }));
  return [...whole, ...(down.extent < across.extent ? [across, down] : [down, across])].filter((a) => a.extent > 1);
}

/**
 * Writes a product that is staged: the workgroup brings a piece of both operands into its memory, each thread adds the products of its
 * rows and columns in it, and meanwhile the next piece is on its way. `finish` gets the points of the results with their values, where
 * all of them are inside.
 */
export class StagedWriter {
  private readonly out: BlockWriter;
  private readonly values: ValueLowering;
  private readonly way: StagedWay;
  private readonly size: StageSize;
  private readonly threads: number;
  /** The thread's place in its workgroup: which rows and columns are its own. */
  private readonly down: ix.Index;
  private readonly across: ix.Index;
  /** Its part of the depth. */
  private readonly slice: ix.Index;
  /** Its place among those of its slice. */
  private readonly within: ix.Index;
  private readonly lane: ix.Index;

  constructor(out: BlockWriter, values: ValueLowering, way: StagedWay, size: StageSize) {
    this.out = out;
    this.values = values;
    this.way = way;
    this.size = size;
    this.threads = threadsOf(size);
    this.lane = ix.variable('lane', this.threads);
    const beside = size.columns / size.wide;
    this.within = ix.mod(this.lane, this.threads / size.slices);
    this.slice = ix.div(this.lane, this.threads / size.slices);
    this.down = ix.div(this.within, beside);
    this.across = ix.mod(this.within, beside);
  }

  write(finish: (point: ix.Point, value: Expr) => void): void {
    const { out, size, way } = this;
    const sums = Array.from({ length: size.tall }, () =>
      Array.from({ length: size.wide / 4 }, () => out.variable('acc', call('splat', literal('f32', 0)))),
    );
    const pieces = Math.ceil(way.depth.total / size.depth);
    const tables = [this.tableOf('left', size.rows), this.tableOf('right', size.columns)] as const;
    for (const { name, cells } of tables) out.emit({ kind: 'shared', name, type: 'f32x4', size: cells });
    const fetch = (piece: ix.Index): Expr[] => tables.flatMap(({ side, cells }) => this.fetch(side, cells, piece));
    if (pieces === 1) {
      this.keep(tables, fetch(ix.ZERO));
      out.emit({ kind: 'barrier', of: 'shared' });
      this.multiply(tables, sums);
      if (size.slices > 1) out.emit({ kind: 'barrier', of: 'shared' });
    } else {
      const held = fetch(ix.ZERO).map((value) => out.variable('piece', value));
      out.loop(pieces, (name) => {
        this.keep(tables, held);
        out.emit({ kind: 'barrier', of: 'shared' });
        const next = ix.add(ix.variable(name, pieces), ix.constant(1));
        // The remainder tells the driver the bound that the condition already means.
        out.guarded(call('lt', ix.toExpr(next), literal('u32', pieces)), () =>
          fetch(ix.mod(next, pieces)).forEach((value, i) => out.assign(at(held, i), value)),
        );
        this.multiply(tables, sums);
        out.emit({ kind: 'barrier', of: 'shared' });
      });
    }
    if (size.slices === 1) this.results(sums, finish);
    else {
      this.join(tables[0], sums);
      out.guarded(call('eq', ix.toExpr(this.slice), literal('u32', 0)), () => this.results(sums, finish));
    }
  }

  /** Adds up the sums of all slices: half of them hand theirs to the other half, until the first has all. */
  private join({ name, cells }: Table, sums: readonly (readonly Expr[])[]): void {
    const { out, size } = this;
    const threads = this.threads / size.slices;
    const all = sums.flat();
    for (let half = size.slices / 2; half >= 1; half /= 2) {
      if (half * threads * all.length > cells) throw new CompilerBug(`the sums of ${half} slices do not fit into ${cells} cells`);
      const cellOf = (slice: ix.Index, i: number): Expr =>
        ix.toExpr([ix.scale(slice, threads * all.length), ix.constant(i * threads), this.within].reduce(ix.add));
      const mine = ix.toExpr(this.slice);
      const gives = call('and', call('le', literal('u32', half), mine), call('lt', mine, literal('u32', 2 * half)));
      // A slice and the one that it gives to are `half` apart.
      const pair = ix.mod(this.slice, half);
      out.guarded(gives, () => all.forEach((sum, i) => out.emit({ kind: 'put', table: name, index: cellOf(pair, i), value: sum })));
      out.emit({ kind: 'barrier', of: 'shared' });
      out.guarded(call('lt', mine, literal('u32', half)), () =>
        all.forEach((sum, i) => {
          const other: Expr = { kind: 'item', type: 'f32x4', table: name, index: cellOf(pair, i) };
          out.assign(sum, call('add', sum, other));
        }),
      );
      if (half > 1) out.emit({ kind: 'barrier', of: 'shared' });
    }
  }

  private tableOf(side: 'left' | 'right', extent: number): Table {
    const cells = (extent * this.size.depth) / 4;
    return { side, name: `${side}${cells}`, cells };
  }

  /** The vector of four at this lane's turns of a table. */
  private fetch(side: 'left' | 'right', cells: number, piece: ix.Index): Expr[] {
    const { way, size } = this;
    const operand = way[side];
    const [axes, block, extent] = side === 'left' ? ([way.rows, ROW, size.rows] as const) : ([way.columns, COLUMN, size.columns] as const);
    const start = ix.variable(block, Math.ceil(axes.total / extent));
    return Array.from({ length: cells / this.threads }, (_, turn) => {
      const cell = ix.add(this.lane, ix.constant(turn * this.threads));
      if (side === 'left' && operand.deep) {
        const along = ix.add(ix.scale(start, extent), ix.div(cell, size.depth / 4));
        const deep = ix.add(ix.scale(piece, size.depth / 4), ix.mod(cell, size.depth / 4));
        return this.four(operand, { axes, at: along, wide: false }, { axes: way.depth, at: deep, wide: true });
      }
      const [k, a] = this.cellOf(side, cell);
      const along = ix.add(ix.scale(start, extent / 4), a);
      const deep = ix.add(ix.scale(piece, size.depth), k);
      return this.four(operand, { axes, at: along, wide: true }, { axes: way.depth, at: deep, wide: false });
    });
  }

  /** Depth and group of four of a lane's turn; neighbouring lanes go along what lies together in memory. */
  private cellOf(side: 'left' | 'right', cell: ix.Index): readonly [ix.Index, ix.Index] {
    const { depth, rows, columns } = this.size;
    if (side === 'right' && this.way.right.deep) return [ix.mod(cell, depth), ix.div(cell, depth)];
    const groups = (side === 'left' ? rows : columns) / 4;
    return [ix.div(cell, groups), ix.mod(cell, groups)];
  }

  private keep(tables: readonly Table[], fetched: readonly Expr[]): void {
    let i = 0;
    for (const { side, name, cells } of tables)
      for (let turn = 0; turn < cells / this.threads; turn++) {
        const cell = ix.add(this.lane, ix.constant(turn * this.threads));
        const index = side === 'right' ? this.rightCell(...this.cellOf('right', cell)) : cell;
        this.out.emit({ kind: 'put', table: name, index: ix.toExpr(index), value: at(fetched, i++) });
      }
  }

  /**
   * Where four columns at a depth lie. Lanes that write along the depth would all meet in the same bank of the memory, so each depth starts
   * one place further.
   */
  private rightCell(k: ix.Index, group: ix.Index): ix.Index {
    const groups = this.size.columns / 4;
    return ix.add(ix.scale(k, groups), this.way.right.deep ? ix.mod(ix.add(group, k), groups) : group);
  }

  /** Adds the products of one piece to the sums. */
  private multiply(tables: readonly [Table, Table], sums: readonly (readonly Expr[])[]): void {
    const { out, size } = this;
    const [left, right] = tables;
    const { deep } = this.way.left;
    const item = ({ name }: Table, index: ix.Index): Expr =>
      out.define('c', { kind: 'item', type: 'f32x4', table: name, index: ix.toExpr(index) });
    const far = size.rows / size.tall;
    const steps = size.depth / 4 / size.slices;
    out.loop(steps, (name) => {
      const step = ix.add(ix.scale(this.slice, steps), ix.variable(name, steps));
      const whole = deep
        ? sums.map((_, i) => item(left, ix.add(ix.scale(ix.add(this.down, ix.constant(i * far)), size.depth / 4), step)))
        : [];
      for (let q = 0; q < 4; q++) {
        const k = ix.add(ix.scale(step, 4), ix.constant(q));
        const fours = deep
          ? []
          : Array.from({ length: size.tall / 4 }, (_, g) =>
              item(left, ix.add(ix.scale(k, size.rows / 4), ix.add(this.down, ix.constant(g * far)))),
            );
        const beside = sums[0]?.map((_, j) =>
          item(right, this.rightCell(k, ix.add(this.across, ix.constant((j * size.columns) / size.wide)))),
        );
        sums.forEach((row, i) => {
          const one = deep ? call(at(ELEMENT, q), at(whole, i)) : call(at(ELEMENT, i % 4), at(fours, Math.floor(i / 4)));
          row.forEach((sum, j) => out.assign(sum, call('fma', call('splat', one), at(beside ?? [], j), sum)));
        });
      }
    });
  }

  /** Hands on the results, those beyond the end of an axis left out. */
  private results(sums: readonly (readonly Expr[])[], finish: (point: ix.Point, value: Expr) => void): void {
    const { size, way } = this;
    const { rows, columns } = way;
    const first = { row: ix.scale(this.block(ROW, rows, size.rows), size.rows), column: this.block(COLUMN, columns, size.columns) };
    const far = size.rows / size.tall;
    sums.forEach((line, i) => {
      const within = way.left.deep
        ? ix.add(this.down, ix.constant(i * far))
        : ix.add(ix.scale(ix.add(this.down, ix.constant(Math.floor(i / 4) * far)), 4), ix.constant(i % 4));
      this.inside(ix.add(first.row, within), rows.total, size.rows, (row) =>
        line.forEach((sum, j) => {
          const four = [ix.scale(first.column, size.columns / 4), this.across, ix.constant((j * size.columns) / size.wide)].reduce(ix.add);
          if (at(columns.shape, columns.shape.length - 1) % 4 === 0)
            this.inside(four, columns.total / 4, size.columns / 4, (column) =>
              finish(this.pointOf(spread(row, rows, false), spread(column, columns, true)), sum),
            );
          else
            ELEMENT.forEach((lane, q) =>
              this.inside(ix.add(ix.scale(four, 4), ix.constant(q)), columns.total, size.columns, (column) =>
                finish(this.pointOf(spread(row, rows, false), spread(column, columns, false)), call(lane, sum)),
              ),
            );
        }),
      );
    });
  }

  private block(name: string, axes: Axes, extent: number): ix.Index {
    return ix.variable(name, Math.ceil(axes.total / extent));
  }

  /** Runs `body` where a position is inside of its axis, which is always if whole parts make up the axis. */
  private inside(position: ix.Index, total: number, step: number, body: (position: ix.Index) => void): void {
    if (total % step === 0) body(position);
    else {
      const where = ix.toExpr(position);
      this.out.guarded(call('lt', where, literal('u32', total)), () =>
        body(ix.runtimeValue(where, `<${ix.showIndex(position)}>`, total - 1)),
      );
    }
  }

  private pointOf(rows: readonly ix.Index[], columns: readonly ix.Index[]): ix.Point {
    const { way } = this;
    return [...way.out].map((c, axis) => {
      const [r, k, s] = [way.rows, way.columns, way.shared].map((a) => a.labels.indexOf(c)) as [number, number, number];
      return r >= 0 ? at(rows, r) : k >= 0 ? at(columns, k) : ix.variable(axisName(axis), at(way.shared.shape, s));
    });
  }

  /** Four values of an operand: along its own axes, or along the sum. Beyond the end of the sum they are zeros. */
  private four(operand: StagedOperand, along: Position, deep: Position): Expr {
    const wide = along.wide ? along : deep;
    const narrow = this.clamped(along.wide ? deep : along, along.wide ? this.size.depth : this.extentOf(along.axes));
    const place = (w: readonly ix.Index[], n: readonly ix.Index[]): ix.Point => this.operandPoint(operand, along.wide ? [w, n] : [n, w]);
    const extent = wide === deep ? this.size.depth : this.extentOf(wide.axes);
    const value = (point: ix.Point): Expr => at(this.values.at(operand.node, [point]), 0);
    if (at(wide.axes.shape, wide.axes.shape.length - 1, 'axis') % 4 === 0) {
      const total = wide.axes.total / 4;
      const found = this.clamped({ ...wide, axes: { ...wide.axes, total } }, extent / 4);
      const v = value(place(spread(found.at, wide.axes, true), spread(narrow.at, narrow.axes, false)));
      const vector = isVector(v.type) ? v : call('splat', v);
      const test = wide === deep ? this.before(deep.at, total, extent / 4) : this.before(deep.at, deep.axes.total, this.size.depth);
      return test ? call('select', test, vector, call('splat', literal('f32', 0))) : vector;
    }
    const elements = ELEMENT.map((_, q) => {
      const position = ix.add(ix.scale(wide.at, 4), ix.constant(q));
      const found = this.clamped({ ...wide, at: position }, extent);
      const v = value(place(spread(found.at, wide.axes, false), spread(narrow.at, narrow.axes, false)));
      const test = this.before(wide === deep ? position : deep.at, deep.axes.total, this.size.depth);
      return test ? call('select', test, v, literal('f32', 0)) : v;
    });
    return call('vec4', ...elements);
  }

  private extentOf(axes: Axes): number {
    return axes === this.way.rows ? this.size.rows : this.size.columns;
  }

  /** Whether a position is before the end of the sum, where that is not certain. */
  private before(position: ix.Index, total: number, step: number): Expr | undefined {
    return total % step === 0 || ix.range(position)[1] < total ? undefined : call('lt', ix.toExpr(position), literal('u32', total));
  }

  /** A position that is certainly on its axis: what lies beyond is never used. */
  private clamped(position: Position, step: number): Position {
    const { total } = position.axes;
    if (total % step === 0 || ix.range(position.at)[1] < total) return position;
    const key = `min ${ix.showIndex(position.at)} ${total - 1}`;
    const inside = call('min', ix.toExpr(position.at), literal('u32', total - 1));
    const kept = this.out.recall(key) ?? this.out.keep(key, inside, 'at');
    return { ...position, at: ix.runtimeValue(kept, kept.kind === 'ref' ? kept.name : key, total - 1) };
  }

  private operandPoint({ labels }: StagedOperand, [along, deep]: readonly [readonly ix.Index[], readonly ix.Index[]]): ix.Point {
    const { way } = this;
    return [...labels].map((c) => {
      const d = way.depth.labels.indexOf(c);
      if (d >= 0) return at(deep, d);
      const s = way.shared.labels.indexOf(c);
      if (s >= 0) return ix.variable(axisName(way.out.indexOf(c)), at(way.shared.shape, s));
      return at(along, Math.max(way.rows.labels.indexOf(c), way.columns.labels.indexOf(c)));
    });
  }
}

interface Table {
  readonly side: 'left' | 'right';
  readonly name: string;
  /** Vectors of four. */
  readonly cells: number;
}

/** A position along axes; if it is wide, it counts groups of four. */
interface Position {
  readonly axes: Axes;
  readonly at: ix.Index;
  readonly wide: boolean;
}

/** The indices of a position along several axes; a wide one stands for four along the last. */
function spread(position: ix.Index, { shape }: Axes, wide: boolean): ix.Index[] {
  if (shape.length === 0) return [];
  if (!wide) return ix.delinear(position, shape);
  const parts = ix.delinear(position, [...shape.slice(0, -1), at(shape, shape.length - 1) / 4]);
  return [...parts.slice(0, -1), ix.add(ix.scale(at(parts, parts.length - 1), 4), ix.LANES)];
}
