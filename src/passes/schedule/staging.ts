import { at } from '../../base/errors.ts';
import { fixedShape } from '../../base/types.ts';
import { contractLabels, summedLabels } from '../../ir/graph/contract.ts';
import { isView, recordOf } from '../../ir/graph/ops.ts';
import { isPointwise } from '../../ir/graph/pointwise.ts';
import type { NodeId, NodeOf } from '../../ir/graph/types.ts';
import * as ix from '../../ir/kernel/index-math.ts';
import { readsGuarded } from './lanes.ts';
import { coefficient, placeOf } from './matrix.ts';
import type { Group, Schedule } from './types.ts';

/**
 * The part of a product that a workgroup computes: `rows` by `columns` results, for which it brings both operands into its memory in
 * pieces of `depth`. A thread computes `tall` by `wide` of the results.
 */
export interface StageSize {
  readonly rows: number;
  readonly columns: number;
  readonly depth: number;
  readonly tall: number;
  readonly wide: number;
  /** So many times as many threads divide the depth of a piece among them, and add up what they have in the end. */
  readonly slices: number;
  /** It is worth its size if there are so many workgroups. */
  readonly groups: number;
}

/**
 * Largest first. Each takes at most the 256 threads and the 16 KB that every device has, so that a dispatch may have room for nothing else.
 * Those of one slice were measured on an NVIDIA H200 among twelve sizes, for products from 128 x 128 x 1024 to 4096 x 4096 x 4096: larger
 * parts were never faster, and the smallest is for products that have too few results to keep a device busy.
 */
export const STAGES: readonly StageSize[] = [
  { rows: 128, columns: 64, depth: 16, tall: 8, wide: 8, slices: 1, groups: 1024 },
  { rows: 64, columns: 64, depth: 16, tall: 8, wide: 4, slices: 1, groups: 192 },
  { rows: 32, columns: 32, depth: 64, tall: 4, wide: 4, slices: 4, groups: 1 },
  { rows: 32, columns: 32, depth: 16, tall: 4, wide: 4, slices: 1, groups: 1 },
];

export const threadsOf = ({ rows, columns, tall, wide, slices }: StageSize): number => (rows / tall) * (columns / wide) * slices;

/** Axes of an operand that belong together, as one long axis. */
export interface Axes {
  /** Their labels in the product. */
  readonly labels: string;
  readonly shape: readonly number[];
  readonly total: number;
}

/** One operand of a staged product. */
export interface StagedOperand {
  readonly node: NodeId;
  readonly labels: string;
  /** Whether neighbours in memory are neighbours along the sum. */
  readonly deep: boolean;
}

/** A product that can be staged: which of its axes are rows, columns and depth, and which each workgroup has an index of its own of. */
export interface StagedWay {
  readonly node: NodeOf<'contract'>;
  readonly out: string;
  readonly rows: Axes;
  readonly columns: Axes;
  readonly depth: Axes;
  /** Axes of the result that both operands have. */
  readonly shared: Axes;
  /** Its rows are those of the result. */
  readonly left: StagedOperand;
  readonly right: StagedOperand;
}

/** How a group's product can be staged: it is the group's only sum, and everything else that reads it does so element by element. */
export function stagedWay(s: Schedule, group: Group): StagedWay | undefined {
  const inside = [...group.roots, ...group.inlined].map((id) => at(s.graph.nodes, id));
  const [node, ...others] = inside.filter((n) => recordOf(n).sum);
  if (node?.op !== 'contract' || others.length > 0 || readsGuarded(s, group)) return undefined;
  const shape = fixedShape(node.type.shape);
  const alike = (id: NodeId): boolean => squeezed(fixedShape(at(s.graph.nodes, id).type.shape)) === squeezed(shape);
  const whole = group.stores.every((st) => !st.perStep && alike(st.node) && at(s.graph.nodes, st.node).type.shape.length === group.rank);
  return whole && byElement(s, group, node.id, alike) ? wayOf(s, node, shape) : undefined;
}

/** A shape without its axes of one element. */
const squeezed = (shape: readonly number[]): string => shape.filter((d) => d > 1).join();

/** Whether everything in a group that is computed from its product is computed element by element. */
function byElement(s: Schedule, group: Group, product: NodeId, alike: (id: NodeId) => boolean): boolean {
  const inside = new Set([...group.roots, ...group.inlined]);
  const known = new Map<NodeId, boolean>([[product, true]]);
  const reaches = (id: NodeId): boolean => {
    let found = known.get(id);
    if (found === undefined) {
      const node = at(s.graph.nodes, id);
      found = (inside.has(id) || isView(node)) && node.inputs.some(reaches);
      known.set(id, found);
    }
    return found;
  };
  /** The product, what is computed from it in its own right, or the same elements in another shape. */
  const direct = (id: NodeId): boolean => {
    const node = at(s.graph.nodes, id);
    return id === product || inside.has(id) || (node.op === 'reshape' && alike(id) && direct(at(node.inputs, 0)));
  };
  return [...inside].every((id) => {
    const { op, inputs } = at(s.graph.nodes, id);
    if (id === product || !reaches(id)) return true;
    return (isPointwise(op) || op === 'cast') && inputs.every((i) => !reaches(i) || direct(i));
  });
}

function wayOf(s: Schedule, node: NodeOf<'contract'>, shape: readonly number[]): StagedWay | undefined {
  const l = contractLabels(node.attrs.spec);
  const extents = new Map<string, number>();
  for (const [i, labels] of [l.a, l.b].entries())
    fixedShape(at(s.graph.nodes, at(node.inputs, i)).type.shape).forEach((d, k) => extents.set(labels[k] ?? '', d));
  const axes = (labels: readonly string[]): Axes => {
    const sizes = labels.map((c) => extents.get(c) ?? 1);
    return { labels: labels.join(''), shape: sizes, total: sizes.reduce((a, b) => a * b, 1) };
  };
  const out = [...l.out];
  // Vectors lie along the innermost axis of the result, so it must be one of the columns.
  const last = out.findLast((_, i) => at(shape, i) > 1);
  if (last === undefined || (l.a.includes(last) && l.b.includes(last))) return undefined;
  const sides = [l.a, l.b] as const;
  const [right, left] = l.a.includes(last) ? ([0, 1] as const) : ([1, 0] as const);
  const [mine, other] = [sides[right], sides[left]];
  const columns = axes(out.filter((c) => mine.includes(c) && !other.includes(c)));
  const rows = axes(out.filter((c) => other.includes(c) && !mine.includes(c)));
  const shared = axes(out.filter((c) => mine.includes(c) && other.includes(c)));
  const depth = axes([...summedLabels(node.attrs.spec)]);
  if ([rows, columns, depth].some(({ labels }) => labels === '')) return undefined;
  const operand = (side: 0 | 1, labels: string, along: Axes): StagedOperand => {
    const id = at(node.inputs, side);
    return { node: id, labels, deep: isDeep(s, id, labels, along, depth) };
  };
  return {
    node,
    out: l.out,
    rows,
    columns,
    depth,
    shared,
    left: operand(left, other, rows),
    right: operand(right, mine, columns),
  };
}

/** Whether an operand, or the largest value that it is computed from, lies in memory along the sum. */
function isDeep(s: Schedule, id: NodeId, labels: string, along: Axes, depth: Axes): boolean {
  const shape = fixedShape(at(s.graph.nodes, id).type.shape);
  const name = (c: string): string => (c === along.labels.at(-1) ? 'along' : c === depth.labels.at(-1) ? 'depth' : `other${c}`);
  const point = [...labels].map((c, i) => ix.variable(name(c), at(shape, i)));
  let largest = 0;
  let deep = false;
  const look = (node: NodeId, where: ix.Point): void => {
    const found = placeOf(s, node, where);
    if (found) {
      if (found.size <= largest) return;
      largest = found.size;
      deep = coefficient(found.index, 'depth') === 1;
      return;
    }
    const { op, inputs } = at(s.graph.nodes, node);
    if (isPointwise(op) || op === 'cast') for (const i of inputs) look(i, where);
  };
  look(id, point);
  return deep;
}

/** A product with fewer multiplications is over before a workgroup has brought its operands. */
const WORTHWHILE = 2 ** 20;
/** The most that may be computed for each result that is wanted. */
const WASTE = 1.5;
/** The shortest sum that is brought in pieces. */
const SHORT = 8;

/** Pieces of a sum that are at least brought. */
const PIECES = 2;

/** The size that suits a product: the largest that still gives every part of the device something to do. */
export function stageSizeFor({ rows, columns, depth, shared }: StagedWay): StageSize | undefined {
  const results = rows.total * columns.total;
  if (depth.total < SHORT || results * shared.total * depth.total < WORTHWHILE) return undefined;
  return STAGES.find((size) => {
    const groups = Math.ceil(rows.total / size.rows) * Math.ceil(columns.total / size.columns);
    const waste = (groups * size.rows * size.columns) / results;
    const long = size.slices === 1 || depth.total >= PIECES * size.depth;
    return long && waste <= WASTE && groups * shared.total >= size.groups;
  });
}
