import { at, get } from '../../base/errors.ts';
import { count, fixedShape } from '../../base/types.ts';
import type { Node, NodeId } from '../../ir/graph/types.ts';
import { call, literal } from '../../ir/kernel/build.ts';
import { loadedAs, vectorOf } from '../../ir/kernel/functions.ts';
import * as ix from '../../ir/kernel/index-math.ts';
import type { Expr, Fn } from '../../ir/kernel/types.ts';
import type { BlockWriter } from './block-writer.ts';
import type { Tiling } from './tiling.ts';
import type { Place, Schedule } from './types.ts';
import { isWide, lanesOf } from './views.ts';

const ELEMENT: readonly Fn[] = ['x', 'y', 'z', 'w'];

/** A part of a tensor that a kernel reads. */
export interface TensorRange {
  readonly tensor: string;
  readonly offset: number;
  readonly size: number;
}

/** The part of a tensor that holds the value of a place of `size` elements; in a loop, the values of all places. */
export const rangeOf = (s: Schedule, { tensor, offset, moves }: Place, size: number): TensorRange => ({
  tensor,
  offset,
  size: moves ? get(s.tensors, tensor, 'tensor').size - offset : size,
});

/** Where an element lies in its range. */
export function positionIn({ moves }: Place, point: ix.Point, shape: readonly number[]): ix.Index {
  const within = ix.linear(point, shape);
  return moves ? ix.add(ix.add(within, ix.constant(moves.from)), ix.scale(ix.place(moves.length), moves.by)) : within;
}

/** What a kernel calls a part of a tensor. */
export function bufferName(s: Schedule, { tensor, offset, size }: TensorRange): string {
  return offset === 0 && size === get(s.tensors, tensor, 'tensor').size ? tensor : `${tensor}_${offset}_${size}`;
}

/** What reading depends on. */
interface Reading {
  readonly out: BlockWriter;
  readonly tiling: Tiling;
  /** Axes along which a subgroup has a single index. */
  readonly uniform: ReadonlySet<string>;
  readonly values: (id: NodeId, points: readonly ix.Point[]) => Expr[];
}

/** Reads values from memory: adjacent ones as vectors, and those that all threads of a subgroup need once for all. */
export class Reads {
  readonly windows = new Map<string, TensorRange>();
  /** Whether threads load for one another. */
  shares = false;
  private readonly s: Schedule;
  private readonly out: BlockWriter;
  private readonly tiling: Tiling;
  private readonly uniform: ReadonlySet<string>;
  private readonly values: Reading['values'];

  constructor(s: Schedule, { out, tiling, uniform, values }: Reading) {
    this.s = s;
    this.out = out;
    this.tiling = tiling;
    this.uniform = uniform;
    this.values = values;
  }

  /**
   * Values from memory. Equally spaced values that a whole subgroup needs are loaded together: each thread loads one and broadcasts it to
   * the others.
   */
  all(node: Node, place: Place, points: readonly ix.Point[]): Expr[] {
    const step = this.distance(node, points);
    if (step === undefined) return points.map((p) => this.one(node, place, p));
    const { subgroup } = this.tiling;
    this.shares = true;
    return points.map((_, i) => {
      const from = i - (i % subgroup);
      const count = Math.min(subgroup, points.length - from);
      const mine = ix.scale(ix.mod(ix.variable('sub', subgroup), count), step);
      const key = `${node.id}@${ix.showIndex(ix.linear(at(points, from), fixedShape(node.type.shape)))} of ${count}`;
      const own = this.out.recall(key) ?? this.out.keep(key, this.element(node, place, at(points, from), mine), 's');
      const value = call('broadcast', own, literal('u32', i - from));
      return node.type.dtype === 'bool' ? call('bool', value) : value;
    });
  }

  /** The distance between the values at points, if it is constant and the whole subgroup needs the same values. */
  private distance(node: Node, points: readonly ix.Point[]): number | undefined {
    if (this.tiling.subgroup === 1 || points.length < 2 || this.out.isGuarded || points.some(isWide)) return undefined;
    const positions = points.map((p) => ix.linear(p, fixedShape(node.type.shape)));
    const [first = ix.ZERO] = positions;
    if (!ix.variablesOf(first).every((name) => name !== undefined && (this.uniform.has(name) || name.startsWith('k')))) return undefined;
    const steps = positions.slice(1).map((p, i) => ix.add(p, ix.scale(at(positions, i), -1)));
    const [step = ix.ZERO] = steps;
    return steps.every((d) => d.terms.length === 0 && d.constant === step.constant) ? step.constant : undefined;
  }

  /** The value of a stored node at a point. */
  one(node: Node, place: Place, point: ix.Point): Expr {
    const value = isWide(point) ? this.vector(node, place, point) : this.element(node, place, point);
    return node.type.dtype === 'bool' && value.type !== 'bool' && value.type !== 'boolx4' ? call('bool', value) : value;
  }

  private vector(node: Node, place: Place, point: ix.Point): Expr {
    const { buffer, dtype } = this.window(node, place);
    const start = ix.vectorStart(positionIn(place, point, fixedShape(node.type.shape)));
    if (!start) return call('vec4', ...this.values(node.id, lanesOf(point)));
    return { kind: 'load', type: vectorOf(dtype), buffer, index: ix.toExpr(readable(ix.div(start, 4))) };
  }

  /** One element, at an offset from a point. */
  private element(node: Node, place: Place, point: ix.Point, further: ix.Index = ix.ZERO): Expr {
    const { buffer, dtype } = this.window(node, place);
    const position = ix.add(positionIn(place, point, fixedShape(node.type.shape)), further);
    return this.neighbour(buffer, dtype, position) ?? { kind: 'load', type: dtype, buffer, index: ix.toExpr(readable(position)) };
  }

  /** The part of a tensor that holds a node. */
  private window(node: Node, place: Place): { readonly buffer: string; readonly dtype: 'f32' | 'i32' } {
    const { dtype: storage } = get(this.s.tensors, place.tensor, 'tensor');
    const range = rangeOf(this.s, place, count(node.type.shape));
    const buffer = bufferName(this.s, range);
    this.windows.set(buffer, range);
    return { buffer, dtype: loadedAs(storage) };
  }

  /** An element of a vector whose other elements are also read, so that the vector is loaded once. */
  private neighbour(buffer: string, dtype: 'f32' | 'i32', position: ix.Index): Expr | undefined {
    const strides = this.tiling.neighbours;
    const reused = position.terms.some((t) => t.atom.kind === 'var' && strides(t.atom.name) === t.coefficient);
    if (!reused || !ix.dividesAll(position, 4)) return undefined;
    const lane = ((position.constant % 4) + 4) % 4;
    const start = { ...position, constant: position.constant - lane };
    const key = `${buffer}[${ix.showIndex(start)}]`;
    const vector =
      this.out.recall(key) ??
      this.out.keep(key, { kind: 'load', type: vectorOf(dtype), buffer, index: ix.toExpr(readable(ix.div(start, 4))) }, 'q');
    return call(at(ELEMENT, lane), vector);
  }
}

/** An index that is certainly negative belongs to a masked load, whose value is never used; 0 is as good. */
const readable = (index: ix.Index): ix.Index => (ix.range(index)[1] < 0 ? ix.ZERO : index);
