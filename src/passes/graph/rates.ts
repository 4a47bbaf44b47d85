import { CompilerBug, at } from '../../base/errors.ts';
import type { ScalarExpr } from '../../base/scalar.ts';
import type { GraphBuilder } from '../../ir/graph/builder.ts';
import type { NodeId } from '../../ir/graph/types.ts';
import type { Packing } from './pack.ts';
import type { Rate, Setting } from './update.ts';

/** The scalars of a step as nodes. If parameter groups have their own, the value is selected by the index in the vector. */
export class Rates {
  private readonly b: GraphBuilder;
  private readonly packing: Packing;
  private readonly set: Setting;

  constructor(b: GraphBuilder, packing: Packing, set: Setting) {
    this.b = b;
    this.packing = packing;
    this.set = set;
  }

  /** The value of a rate in each region. */
  private all(rate: Rate): readonly ScalarExpr[] {
    if (typeof rate !== 'function') return [rate];
    return this.packing.regions.map((r) => rate((name) => r.settings[name] ?? this.set(name)));
  }

  /** The distinct expressions, in the order of the regions, and which of them each region has. */
  private distinct(rate: Rate): { readonly exprs: readonly ScalarExpr[]; readonly which: readonly number[] } {
    const exprs = new Map<string, ScalarExpr>();
    const which = this.all(rate).map((e) => {
      const key = JSON.stringify(e);
      if (!exprs.has(key)) exprs.set(key, e);
      return [...exprs.keys()].indexOf(key);
    });
    return { exprs: [...exprs.values()], which };
  }

  uniform(rate: Rate): boolean {
    return this.distinct(rate).exprs.length === 1;
  }

  plain(rate: Rate): number | undefined {
    const [only, ...more] = this.distinct(rate).exprs;
    return typeof only === 'number' && more.length === 0 ? only : undefined;
  }

  /** Whether an element is before a border: bool [n]. */
  before(border: number): NodeId {
    const { b } = this;
    const place = b.add('iota', [], { axis: 0 }, { dtype: 'i32', shape: [this.packing.size] });
    return b.op('lt', place, b.like(border, place));
  }

  /** A rate for all parameters. Even a plain number is a uniform, so that runs which differ only in it share their kernels. */
  node(name: string, rate: Rate, shape: readonly number[]): NodeId {
    const { exprs, which } = this.distinct(rate);
    if (exprs.length === 1) return this.one(name, 0, at(exprs, 0), shape);
    const { size } = this.packing;
    if (shape.length !== 1 || shape[0] !== size) throw new CompilerBug(`'${name}' differs by group, and its shape is [${shape.join()}]`);
    return this.chosen(
      exprs.map((e, i) => this.one(name, i, e, shape)),
      which,
    );
  }

  /** Which of the distinct values of a rate belongs to the parameters that are in no group of their own; the first if all are in one. */
  usual(rate: Rate): number {
    const { exprs } = this.distinct(rate);
    const own = JSON.stringify(typeof rate === 'function' ? rate(this.set) : rate);
    return Math.max(
      0,
      exprs.findIndex((e) => JSON.stringify(e) === own),
    );
  }

  /** Applies `of` to each distinct value of a rate, [], and broadcasts over the parameters that have it: [n]. */
  each(name: string, rate: Rate, of: (value: NodeId, i: number) => NodeId): NodeId {
    const { exprs, which } = this.distinct(rate);
    const made = exprs.map((e, i) => this.b.splat(of(this.one(name, i, e, []), i), [this.packing.size]));
    return this.chosen(made, which);
  }

  /** For each region, the vector [n] that `which` selects. */
  private chosen(nodes: readonly NodeId[], which: readonly number[]): NodeId {
    const [only, ...more] = nodes;
    if (only !== undefined && more.length === 0) return only;
    const { regions } = this.packing;
    let value = at(nodes, at(which, which.length - 1));
    for (let i = regions.length - 2; i >= 0; i--) {
      const mine = at(nodes, at(which, i));
      if (mine !== value) value = this.b.op('select', this.before(at(regions, i).end), mine, value);
    }
    return value;
  }

  /** A rate for the parameter that starts at an index. */
  nodeAt(place: number, name: string, rate: Rate, shape: readonly number[]): NodeId {
    const { exprs, which } = this.distinct(rate);
    const region = this.packing.regions.findIndex((r) => place < r.end);
    const i = which.length === 1 ? 0 : at(which, region);
    return this.one(name, i, at(exprs, i), shape);
  }

  /** The first expression keeps the plain name, later ones get a suffix. */
  private one(name: string, i: number, expr: ScalarExpr, shape: readonly number[]): NodeId {
    const scalar = this.b.add('scalar', [], { name: i === 0 ? name : `${name}_${i}`, expr }, { dtype: 'f32', shape: [] });
    return this.b.splat(scalar, shape);
  }
}
