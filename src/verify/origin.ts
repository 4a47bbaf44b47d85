import { at } from '../base/errors.ts';
import { fixedShape } from '../base/types.ts';
import { operandTypes, recordOf } from '../ir/graph/ops.ts';
import type { Graph, Node, NodeId } from '../ir/graph/types.ts';
import type { Index, Point } from '../ir/kernel/index-math.ts';
import { meaning, type Bindings } from '../reference/evaluate.ts';
import { at64, sizeOf, strides, type Tensor } from '../reference/walk.ts';

/** An element of a node's value. */
export interface Element {
  readonly node: Node;
  /** Its index, one number per axis. */
  readonly index: readonly number[];
  readonly value: number;
}

/** Where a number that is none was made: by an operation on finite numbers, or as a leaf that holds one. */
export interface Origin extends Element {
  /** The numbers it was made of; of a long sum, those of the largest magnitude. */
  readonly operands: readonly Element[];
  /** How many numbers it was made of. */
  readonly of: number;
}

const SHOWN = 3;

/**
 * Follows an element that is no finite number back to the operation that made it of finite ones. `value` gives what every node is; an
 * element is followed to the operand that it really was computed from, so that a branch which `where` did not take is never blamed.
 */
export function originOf(graph: Graph, value: (id: NodeId) => Tensor, start: NodeId, bindings: Bindings): Origin | undefined {
  const first = value(start).data.findIndex((v) => !Number.isFinite(v));
  if (first < 0) return undefined;
  let current = elementAt(graph, value, start, first);
  for (;;) {
    const made = madeOf(graph, value, current, bindings);
    const bad = made.find((e) => !Number.isFinite(e.value));
    if (!bad) {
      const operands = [...made].sort((a, b) => Math.abs(b.value) - Math.abs(a.value)).slice(0, SHOWN);
      return { ...current, operands: made.length <= SHOWN ? made : operands, of: made.length };
    }
    current = bad;
  }
}

function elementAt(graph: Graph, value: (id: NodeId) => Tensor, id: NodeId, flat: number): Element {
  const { shape, data } = value(id);
  return {
    node: at(graph.nodes, id),
    index: strides(shape).map((s, i) => Math.floor(flat / s) % at(shape, i)),
    value: at64(data, flat),
  };
}

/** The elements that an element is computed from. */
function madeOf(graph: Graph, value: (id: NodeId) => Tensor, { node, index }: Element, bindings: Bindings): readonly Element[] {
  const flat = flatOf(index, fixedShape(node.type.shape));
  const record = recordOf(node);
  const element = (operand: number, place: number): Element => elementAt(graph, value, at(node.inputs, operand), place);
  switch (record.family) {
    case 'leaf':
      return [];
    case 'pointwise': {
      const all = node.inputs.map((_, i) => element(i, flat));
      return node.op === 'select' ? [at(all, at(all, 0).value !== 0 ? 1 : 2)] : all;
    }
    case 'view':
    case 'concat':
    case 'gather':
      return moved(value, node, flat, bindings, element);
    default: {
      const points = readPoints(graph, node, index);
      return points.map(({ operand, point }) => element(operand, flatOf(point, value(at(node.inputs, operand)).shape)));
    }
  }
}

const flatOf = (index: readonly number[], shape: readonly number[]): number =>
  strides(shape).reduce((sum, s, i) => sum + s * at(index, i), 0);

/** Operations that only move elements are asked to move the elements' numbers. */
function moved(
  value: (id: NodeId) => Tensor,
  node: Node,
  flat: number,
  bindings: Bindings,
  element: (operand: number, place: number) => Element,
): readonly Element[] {
  let before = 1;
  const moves = node.op === 'gather' ? node.inputs.slice(0, 1) : node.inputs;
  const starts = moves.map((id) => (before += sizeOf(value(id).shape)) - sizeOf(value(id).shape));
  const numbered = node.inputs.map((id, i) => {
    const { shape, data } = value(id);
    const start = starts[i];
    return start === undefined ? { shape, data } : { shape, data: data.map((_, k) => start + k) };
  });
  const from = at64(meaning(node, numbered, bindings).data, flat);
  const operand = starts.findLastIndex((s) => s <= from);
  // What a padding puts in comes from nowhere.
  return operand < 0 || from !== Math.floor(from) ? [] : [element(operand, from - at(starts, operand))];
}

/** Every point that a sum reads for one element; an index that data decide may be any. */
function readPoints(graph: Graph, node: Node, index: readonly number[]): { readonly operand: number; readonly point: readonly number[] }[] {
  const record = recordOf(node);
  const types = operandTypes(graph, node);
  const fixed = (v: number): Index => ({ constant: v, terms: [] });
  const constants = (p: Point): number[] => p.map((i) => i.constant);
  const reads = (loops: readonly number[]): { readonly extents: number[]; readonly all: ReturnType<typeof record.reads> } => {
    const extents: number[] = [];
    const unknown = (extent: number): Index => fixed(loops[extents.push(extent) - 1] ?? 0);
    return { all: record.reads(node as never, index.map(fixed), types, { loop: unknown, data: unknown }), extents };
  };
  const { extents } = reads([]);
  return Array.from({ length: sizeOf(extents) }, (_, n) => {
    const steps = strides(extents);
    const { all } = reads(extents.map((e, i) => Math.floor(n / at(steps, i)) % e));
    return all.map(({ operand, point }) => ({ operand, point: constants(point) }));
  }).flat();
}
