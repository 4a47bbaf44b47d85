import { at } from '../../base/errors.ts';
import { product, sameDim, type Dim, type Shape, type TensorType } from '../../base/types.ts';
import { contractLabels } from '../../ir/graph/contract.ts';
import { OPS } from '../../ir/graph/ops.ts';
import type { Graph, Node, NodeId, NodeOf, Op } from '../../ir/graph/types.ts';
import { GraphBuilder } from '../../ir/graph/builder.ts';
import { copyNode, filterNodes, rebuild } from './rewrite.ts';

/** A graph in two halves: what is computed for each row by itself, in batches of any size, and what looks at all rows. */
export interface CutRows {
  /** Its outputs have the names of inputs of {@link all}. */
  readonly rows: Graph;
  /** Has the outputs of the whole graph; its inputs are outputs of {@link rows}, or inputs of the whole graph. */
  readonly all: Graph;
}

/** `free` depends on no row, `row` on its own row alone, `all` on several rows. */
type Kind = 'free' | 'row' | 'all';

const batchAxes = (shape: Shape): number[] => shape.flatMap((d, i) => (typeof d === 'number' ? [] : [i]));

/**
 * Cuts a graph with a symbolic batch where rows meet, so that the first half may run on a few rows at a time: means and other measures of a
 * set are the same then, whatever the size of the batches. Undefined if everything looks at all rows, as with batch statistics.
 */
export function cutRows(graph: Graph): CutRows | undefined {
  const g = sumOwnFirst(graph);
  const kinds = kindsOf(g);
  const kind = (id: NodeId): Kind => at(kinds, id);
  // Rows that are read by what looks at all of them, or are results themselves.
  const cut = new Set<NodeId>(Object.values(g.outputs).filter((id) => kind(id) === 'row'));
  for (const node of g.nodes) if (kind(node.id) === 'all') for (const i of node.inputs) if (kind(i) === 'row') cut.add(i);
  const made = [...cut].filter((id) => at(g.nodes, id).op !== 'input');
  if (made.length === 0) return undefined;
  return { rows: rowsHalf(g, made), all: allHalf(g, made) };
}

/** Whether outputs add up elements of several rows, so that a row's result depends on the others, and on how many there are. */
export function rowsMeet(graph: Graph): boolean {
  const g = pruned(graph);
  const kinds = kindsOf(g);
  const sums = (op: Op): boolean => op === 'reduce_sum' || op === 'reduce_max' || op === 'contract';
  return g.nodes.some((node) => sums(node.op) && kinds[node.id] === 'all' && node.inputs.some((i) => kinds[i] === 'row'));
}

/** The axes with that of the rows first. */
function rowsFirst(shape: Shape): number[] {
  const [rows = 0] = batchAxes(shape);
  return [rows, ...shape.map((_, i) => i).filter((i) => i !== rows)];
}

const nameOf = (id: NodeId): string => `rows.${id}`;

function rowsHalf(g: Graph, made: readonly NodeId[]): Graph {
  const b = new GraphBuilder(g.name, g);
  const outputs = made.map((id) => {
    // The host reads numbers, row by row.
    const value = b.type(id).dtype === 'bool' ? b.cast(id, 'i32') : id;
    return [nameOf(id), b.permute(value, rowsFirst(b.shape(value)))] as const;
  });
  return pruned({ ...b.graph(), outputs: Object.fromEntries(outputs), writes: [] });
}

function allHalf(g: Graph, made: readonly NodeId[]): Graph {
  const all = rebuild(g, (node, _inputs, b) => {
    if (!made.includes(node.id)) return undefined;
    const { dtype, shape } = node.type;
    const order = rowsFirst(shape);
    const type = { dtype: dtype === 'bool' ? 'i32' : dtype, shape: order.map((a) => shape[a] as Dim) } as const;
    const input = b.permute(
      b.add('input', [], { name: nameOf(node.id) }, type),
      order.map((_, i) => order.indexOf(i)),
    );
    return dtype === 'bool' ? b.op('lt', b.like(0, input), input) : input;
  });
  return pruned({ ...all, writes: [] });
}

/** Without the nodes that no output needs. */
function pruned(g: Graph): Graph {
  const needed = new Set<NodeId>();
  const visit = (id: NodeId): void => {
    if (needed.has(id)) return;
    needed.add(id);
    at(g.nodes, id).inputs.forEach(visit);
  };
  Object.values(g.outputs).forEach(visit);
  return filterNodes(g, needed);
}

/** Sums of several axes sum those of a single row first, so that little is left of each row. */
function sumOwnFirst(graph: Graph): Graph {
  return rebuild(graph, (node, [x = -1], b) => {
    if (node.op !== 'reduce_sum' && node.op !== 'reduce_max') return undefined;
    const [batched, ...others] = batchAxes(b.shape(x));
    const { axes } = node.attrs;
    if (batched === undefined || others.length > 0 || !axes.includes(batched) || axes.length === 1) return undefined;
    const own = axes.filter((a) => a !== batched);
    const first = copyNode(b, node, [x], { axes: own }, { dtype: node.type.dtype, shape: b.shape(x).filter((_, i) => !own.includes(i)) });
    return copyNode(b, node, [first], { axes: [batched - own.filter((a) => a < batched).length] });
  });
}

function kindsOf(g: Graph): Kind[] {
  const kinds: Kind[] = [];
  for (const node of g.nodes) {
    const from = node.inputs.map((i) => at(kinds, i));
    kinds.push(kindOf(g, node, from));
  }
  return kinds;
}

function kindOf(g: Graph, node: Node, from: readonly Kind[]): Kind {
  if (node.op === 'input') return 'row';
  if (from.includes('all')) return 'all';
  if (node.op === 'scan') return kindOfLoop(node, from);
  const axes = batchAxes(node.type.shape);
  if (!from.includes('row')) {
    // The number of a row within its batch, and the size of the batch, mean something else in another batch.
    if (node.op === 'dimsize' && typeof node.attrs.dim !== 'number') return 'all';
    if (node.op === 'uniform' || node.op === 'shuffle' || (node.op === 'iota' && axes.includes(node.attrs.axis))) return 'all';
    return 'free';
  }
  const [axis, ...more] = axes;
  return axis !== undefined && more.length === 0 && keepsRows(g, node, axis) ? 'row' : 'all';
}

/** A loop keeps rows if its body does: a state that has rows is one for each of them from the first place on. */
function kindOfLoop({ attrs: { body, names, take, of }, type }: NodeOf<'scan'>, from: readonly Kind[]): Kind {
  const rowed = (t: TensorType): boolean => batchAxes(t.shape).length > 0;
  const kinds: Kind[] = [];
  for (const node of body.nodes) {
    if (node.op === 'input' || node.op === 'state') {
      const given = at(from, names.indexOf(node.attrs.name));
      kinds.push(node.op === 'state' && rowed(node.type) ? 'row' : given);
    } else
      kinds.push(
        kindOf(
          body,
          node,
          node.inputs.map((i) => at(kinds, i)),
        ),
      );
  }
  const results = [...body.writes.map((w) => w.value), ...(take === 'each' ? [body.outputs[of] ?? -1] : [])];
  if (results.some((id) => kinds[id] === 'all')) return 'all';
  return rowed(type) ? 'row' : 'free';
}

/** Where rows go in an operation. */
interface Places {
  /** The axis of rows in the result, and in the first operand and the second; undefined where an operand has none. */
  readonly axis: number;
  readonly mine: number | undefined;
  readonly second: number | undefined;
  /** The shape of the first operand. */
  readonly shape: Shape;
}

/** Whether each row of the result is made of the same rows of the operands alone, for operations that move or add elements. */
const KEEPS: { readonly [K in Op]?: (node: NodeOf<K>, places: Places) => boolean } = {
  broadcast: ({ attrs }, { axis, mine }) => mine === undefined || attrs.axes[mine] === axis,
  permute: ({ attrs }, { axis, mine }) => attrs.perm[axis] === mine,
  reduce_sum: ({ attrs }, { mine = -1 }) => !attrs.axes.includes(mine),
  reduce_max: ({ attrs }, { mine = -1 }) => !attrs.axes.includes(mine),
  contract({ attrs }, { axis, mine, second }) {
    const { a, b, out } = contractLabels(attrs.spec);
    return [a[mine ?? -1], b[second ?? -1]].every((label) => label === undefined || label === out[axis]);
  },
  // Rows lie one behind the other, within the same axes before them.
  reshape: ({ type }, { axis, mine, shape }) =>
    mine !== undefined && sameDim(product(shape.slice(0, mine)), product(type.shape.slice(0, axis))),
  pad: ({ attrs }, { axis }) => attrs.low[axis] === 0 && attrs.high[axis] === 0,
  slice: ({ attrs }, { axis, shape }) => sameDim(at(attrs.size, axis), at(shape, axis)),
  concat: ({ attrs }, { axis }) => attrs.axis !== axis,
  flip: ({ attrs }, { axis }) => !attrs.axes.includes(axis),
  window: ({ attrs }, { axis }) => attrs.axis !== axis,
  mix: ({ attrs }, { axis }) => !attrs.axes.includes(axis),
  unwindow: ({ attrs }, { axis }) => attrs.axis !== axis,
  gather: (_node, { axis, mine, second }) => mine === undefined && second === axis,
};

function keepsRows(g: Graph, node: Node, axis: number): boolean {
  const shapes = node.inputs.map((i) => at(g.nodes, i).type.shape);
  const [mine, second] = shapes.map((s) => batchAxes(s)[0]);
  const keeps = KEEPS[node.op] as ((node: Node, places: Places) => boolean) | undefined;
  return keeps ? keeps(node, { axis, mine, second, shape: shapes[0] ?? [] }) : OPS[node.op].family === 'pointwise';
}
