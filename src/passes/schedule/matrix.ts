import { at, get } from '../../base/errors.ts';
import { fixedShape } from '../../base/types.ts';
import { contractLabels, summedLabels } from '../../ir/graph/contract.ts';
import { isView } from '../../ir/graph/ops.ts';
import { isPointwise } from '../../ir/graph/pointwise.ts';
import type { NodeId, NodeOf } from '../../ir/graph/types.ts';
import * as ix from '../../ir/kernel/index-math.ts';
import type { Axis, MatrixOperand, MatrixUnit, Stmt } from '../../ir/kernel/types.ts';
import { axisName } from './naming.ts';
import { bufferName, type TensorRange } from './reads.ts';
import type { Group, Place, Schedule } from './types.ts';
import { viewedPoint } from './views.ts';

/** Matrix units along the rows, and along the columns, of one subgroup's part of the result, if they divide it. */
const UNITS = 2;
/** The most cells of a table; one dispatch may have several in workgroup memory. */
const MOST_CELLS = 2048;
/** Matrices start at multiples of this many bytes. */
const ALIGN = 16;

/** How a device's matrix units compute the product of a group. */
export interface MatrixWay {
  readonly node: NodeId;
  readonly product: Extract<Stmt, { kind: 'product' }>;
  readonly windows: ReadonlyMap<string, TensorRange>;
  /** The axes of the result along the rows and columns of a workgroup's table. */
  readonly row: number;
  readonly column: number;
}

/**
 * How matrix units can compute a group, if they can: it is a product of whole units, its operands are stored by rows or columns, and
 * everything else is computed from the product element by element.
 */
export function matrixWay(s: Schedule, group: Group, units: readonly MatrixUnit[], lanes: number): MatrixWay | undefined {
  const inside = [...group.roots, ...group.inlined].map((id) => at(s.graph.nodes, id));
  const [node, ...others] = inside.filter((n) => n.op === 'contract');
  if (!node || others.length > 0 || !inside.every((n) => n === node || isPointwise(n.op) || n.op === 'cast')) return undefined;
  const shape = fixedShape(node.type.shape);
  const same = group.stores.every((st) => !st.perStep && fixedShape(at(s.graph.nodes, st.node).type.shape).join() === shape.join());
  if (!same || group.rank !== shape.length || !readsInPlace(s, group, node.id)) return undefined;
  for (const unit of units) {
    const way = wayBy(s, node, shape, unit, lanes);
    if (way) return way;
  }
  return undefined;
}

/** Whether the group reads the product only through pointwise operations. */
function readsInPlace(s: Schedule, group: Group, product: NodeId): boolean {
  const inside = new Set([...group.roots, ...group.inlined]);
  const reaches = (id: NodeId): boolean => {
    const node = at(s.graph.nodes, id);
    return id === product || ((inside.has(id) || isView(node)) && node.inputs.some(reaches));
  };
  return [...inside].every(
    (id) => id === product || at(s.graph.nodes, id).inputs.every((i) => i === product || inside.has(i) || !reaches(i)),
  );
}

function wayBy(s: Schedule, node: NodeOf<'contract'>, shape: readonly number[], unit: MatrixUnit, lanes: number): MatrixWay | undefined {
  const l = contractLabels(node.attrs.spec);
  const only = (mine: string, others: string): number => [...l.out].findLastIndex((c) => mine.includes(c) && !others.includes(c));
  const [row, column] = [only(l.a, l.b), only(l.b, l.a)];
  const summed = summedLabels(node.attrs.spec);
  const depth = summed.at(-1);
  if (row < 0 || column < 0 || depth === undefined) return undefined;
  const extent = (c: string): number => {
    const [side, labels] = l.a.includes(c) ? [0, l.a] : [1, l.b];
    return fixedShape(at(s.graph.nodes, at(node.inputs, side)).type.shape)[labels.indexOf(c)] ?? 1;
  };
  const groups = lanes / unit.subgroup;
  const rows = tableSize(at(shape, row), unit.m, groups);
  const columns = tableSize(at(shape, column), unit.n, 1);
  if (rows === undefined || columns === undefined || extent(depth) % unit.k !== 0 || rows * columns > MOST_CELLS) return undefined;
  const loops = summed.map((c, i): Axis => ({ name: `t${i}`, extent: c === depth ? extent(c) / unit.k : extent(c) }));
  const windows = new Map<string, TensorRange>();
  const operand = (side: 0 | 1): MatrixOperand | undefined => {
    const [labels, mine, step] = side === 0 ? [l.a, row, rows] : [l.b, column, columns];
    // Row (or column) and depth are separate variables here; the other terms say where the matrix starts.
    const point: ix.Point = [...labels].map((c) => {
      if (c === depth) return ix.variable('depth', extent(c));
      const axis = l.out.indexOf(c);
      if (axis < 0) return ix.variable(at(loops, summed.indexOf(c)).name, extent(c));
      return axis === mine ? ix.variable('along', at(shape, axis)) : ix.variable(axisName(axis), at(shape, axis));
    });
    const found = placeOf(s, at(node.inputs, side), point);
    if (!found) return undefined;
    const { tensor, dtype, offset, size, index } = found;
    const along = coefficient(index, 'along');
    const deep = coefficient(index, 'depth');
    if (dtype !== unit.type || along === undefined || deep === undefined || (along !== 1 && deep !== 1)) return undefined;
    const start = [
      { ...index, terms: index.terms.filter((t) => t.key !== 'along' && t.key !== 'depth') },
      ix.scale(ix.variable(axisName(mine), at(shape, mine) / step), along * step),
      ix.scale(ix.variable(at(loops, loops.length - 1).name, extent(depth) / unit.k), deep * unit.k),
    ].reduce(ix.add);
    const unitOf = ALIGN / (dtype === 'f16' ? 2 : 4);
    const far = along === 1 ? deep : along;
    // Overlapping rows, such as those of windows, do not form a matrix.
    if (far < (deep === 1 ? unit.k : side === 0 ? unit.m : unit.n)) return undefined;
    if ([start.constant, offset, far].some((v) => v % unitOf !== 0) || !ix.dividesAll(start, unitOf)) return undefined;
    const range = { tensor, offset, size };
    const buffer = bufferName(s, range);
    windows.set(buffer, range);
    return { buffer, index: ix.toExpr(start), along, depth: deep };
  };
  const [left, right] = [operand(0), operand(1)];
  if (!left || !right) return undefined;
  // Tables of the same size share memory.
  const name = `table${rows * columns}`;
  return { node: node.id, product: { kind: 'product', name, unit, rows, columns, loops, left, right }, windows, row, column };
}

/** A workgroup's extent along an axis: a number of units for each of the subgroups that share the axis. */
function tableSize(extent: number, unit: number, groups: number): number | undefined {
  for (const units of [UNITS, 1]) if (extent % (unit * units * groups) === 0) return unit * units * groups;
  return undefined;
}

/** A value's place and element index, if it is read from memory. */
export function placeOf(
  s: Schedule,
  id: NodeId,
  point: ix.Point,
): (Place & { readonly dtype: string; readonly size: number; readonly index: ix.Index }) | undefined {
  const node = at(s.graph.nodes, id);
  const place = s.places.get(id);
  const shape = fixedShape(node.type.shape);
  if (place) {
    const { dtype } = get(s.tensors, place.tensor, 'tensor');
    return { ...place, dtype, size: shape.reduce((a, b) => a * b, 1), index: ix.linear(point, shape) };
  }
  if (!isView(node) || node.op === 'pad') return undefined;
  const input = at(node.inputs, 0);
  return placeOf(s, input, viewedPoint(s.graph, node, point));
}

/** The stride of an index in a variable; undefined if it is not constant. */
export function coefficient(index: ix.Index, name: string): number | undefined {
  const elsewhere = index.terms.some((t) => t.key !== name && ix.variablesOf({ constant: 0, terms: [t] }).includes(name));
  return elsewhere ? undefined : (index.terms.find((t) => t.key === name)?.coefficient ?? 0);
}
