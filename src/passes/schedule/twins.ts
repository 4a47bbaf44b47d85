import { at, get } from '../../base/errors.ts';
import { count } from '../../base/types.ts';
import type { Node, NodeId } from '../../ir/graph/types.ts';
import type { Expr, Kernel, Stmt } from '../../ir/kernel/types.ts';
import { about, kernelName } from './naming.ts';
import { bufferName, rangeOf, type TensorRange } from './reads.ts';
import type { Group, Place, Schedule } from './types.ts';
import { usesIn } from './values.ts';

const ORIGINS = new WeakMap<Kernel, Kernel>();

/**
 * The kernel that a kernel is a copy of, with other buffers in the same order; a kernel that was written is its own. What follows from the
 * body need not be worked out again for a copy.
 */
export const originOf = (kernel: Kernel): Kernel => ORIGINS.get(kernel) ?? kernel;

/** What a kernel is made from, without the names and places of its tensors, and the parts of tensors in the order of their first mention. */
interface Likeness {
  readonly text: string;
  readonly ranges: readonly TensorRange[];
}

/**
 * Kernels that were written before. Equal layers, and the same layers in other programs, have groups that differ in names and places only:
 * such a group gets the kernel of its twin with its own buffers, so that a repeated layer is searched and written once.
 */
export class Twins {
  /** Elements to which places are told apart: whole vectors of f16, or where tilings were measured the alignment that those go by. */
  private readonly aligned: number;

  private readonly known = new Map<string, { readonly kernel: Kernel; readonly ranges: readonly TensorRange[] }>();

  constructor(aligned = 8) {
    this.aligned = aligned;
  }

  /** The kernel of a group: its twin's, or what `write` makes. */
  kernelOf(s: Schedule, group: Group, index: number, write: () => Kernel): Kernel {
    const { text, ranges } = likenessOf(s, group, this.aligned);
    const twin = this.known.get(text);
    if (twin) return instead(twin.kernel, twin.ranges, s, group, index, ranges);
    const kernel = write();
    this.known.set(text, { kernel, ranges });
    return kernel;
  }
}

const keyOf = ({ tensor, offset, size }: TensorRange): string => `${tensor} ${offset} ${size}`;

function likenessOf(s: Schedule, group: Group, aligned: number): Likeness {
  const uses = usesIn(s.graph);
  const roots = new Set(group.roots);
  const numbers = new Map<NodeId, number>();
  const ranges: TensorRange[] = [];
  const rangeNumbers = new Map<string, number>();
  const tensors = new Map<string, number>();
  const parts: string[] = [];
  /** What a kernel may depend on: which range of which tensor it is, of what kind, and how vectors of it lie in memory. */
  const range = (place: Place, elements: number): string => {
    const t = get(s.tensors, place.tensor, 'tensor');
    const r = rangeOf(s, place, elements);
    const { tensor, offset, size } = r;
    const { from = 0, by = 0, length = 0 } = place.moves ?? {};
    const key = keyOf(r);
    let n = rangeNumbers.get(key);
    if (n === undefined) {
      n = ranges.push(r) - 1;
      rangeNumbers.set(key, n);
    }
    const mine = tensors.get(tensor) ?? tensors.size;
    tensors.set(tensor, mine);
    return `${n} of ${mine} ${t.dtype}${t.kind}${offset % aligned}${offset === 0 && size === t.size ? 'whole' : offset + size === t.size ? 'end' : ''} ${from} ${by} ${length}`;
  };
  const visit = (id: NodeId): number => {
    const known = numbers.get(id);
    if (known !== undefined) return known;
    const node = at(s.graph.nodes, id);
    const place = s.places.get(id);
    const leaf = place !== undefined && !isPartOf(s, roots, node);
    const inputs = leaf ? [] : node.inputs.map(visit);
    const n = numbers.size;
    numbers.set(id, n);
    const shared = (uses.get(id) ?? 0) > 1 ? '+' : '';
    const where = place ? range(place, count(node.type.shape)) : '';
    parts.push(`${leaf ? 'load' : described(node)} ${node.type.dtype} ${node.type.shape.join()} ${inputs.join()} ${shared}${where}`);
    return n;
  };
  const stores = group.stores.map((st) => {
    const size = st.perStep ? get(s.tensors, st.tensor, 'tensor').size : count(at(s.graph.nodes, st.node).type.shape);
    const from = st.from ? range(st.from, count(at(s.graph.nodes, st.node).type.shape)) : '';
    // A copy reads its source and nothing else.
    const node = st.from ? at(s.graph.nodes, st.node).type.shape.join() : visit(st.node);
    return `${node} ${range(st, size)} ${String(st.perStep)} ${from}`;
  });
  const places = group.loop === undefined ? 1 : at(s.loops, group.loop).length;
  const shape = [group.rank, places, group.roots.map(visit).join(), group.inlined.map(visit).join(), ...stores];
  return { text: [...shape, ...parts].join('\n'), ranges };
}

/** Whether a node is a root, or a slice of one. */
const isPartOf = (s: Schedule, roots: ReadonlySet<NodeId>, node: Node): boolean =>
  roots.has(node.id) || (node.op === 'slice' && isPartOf(s, roots, at(s.graph.nodes, at(node.inputs, 0))));

/** An operation with its attributes, down to the sign of a zero. */
function described(node: Node): string {
  let text = TEXTS.get(node);
  if (text === undefined) {
    const exact = (_: string, v: unknown): unknown => (typeof v === 'number' ? (Object.is(v, -0) ? '-0' : String(v)) : v);
    text = `${node.op}${JSON.stringify(node.attrs, exact)}`;
    TEXTS.set(node, text);
  }
  return text;
}
const TEXTS = new WeakMap<Node, string>();

/** The kernel of a twin with the buffers and the name of this group. */
function instead(
  kernel: Kernel,
  theirs: readonly TensorRange[],
  s: Schedule,
  group: Group,
  index: number,
  own: readonly TensorRange[],
): Kernel {
  const number = new Map(theirs.map((r, i) => [keyOf(r), i]));
  const names = new Map<string, string>();
  const buffers = kernel.buffers.map((b) => {
    const range = at(own, get(number, keyOf(b), 'range'));
    const name = bufferName(s, range);
    names.set(b.name, name);
    return { ...b, ...range, name };
  });
  const [name, reader] = [kernelName(s.graph, group, index), about(s.graph, group)];
  const twin = { ...kernel, name, about: reader, buffers, body: renamed(kernel.body, names) };
  ORIGINS.set(twin, kernel);
  return twin;
}

function renamed(body: readonly Stmt[], names: ReadonlyMap<string, string>): readonly Stmt[] {
  const name = (buffer: string): string => get(names, buffer, 'buffer');
  const expr = (e: Expr): Expr => {
    switch (e.kind) {
      case 'load':
        return { ...e, buffer: name(e.buffer), index: expr(e.index) };
      case 'item':
        return { ...e, index: expr(e.index) };
      case 'call':
        return { ...e, args: e.args.map(expr) };
      default:
        return e;
    }
  };
  const stmt = (st: Stmt): Stmt => {
    switch (st.kind) {
      case 'let':
      case 'var':
      case 'set':
        return { ...st, value: expr(st.value) };
      case 'table':
        return { ...st, values: st.values.map(expr) };
      case 'for':
        return { ...st, body: st.body.map(stmt) };
      case 'if':
        return { ...st, condition: expr(st.condition), body: st.body.map(stmt) };
      case 'combine':
      case 'shared':
      case 'barrier':
        return st;
      case 'put':
        return { ...st, index: expr(st.index), value: expr(st.value) };
      case 'product':
        return {
          ...st,
          left: { ...st.left, buffer: name(st.left.buffer), index: expr(st.left.index) },
          right: { ...st.right, buffer: name(st.right.buffer), index: expr(st.right.index) },
        };
      case 'store':
        return { ...st, buffer: name(st.buffer), index: expr(st.index), value: expr(st.value) };
    }
  };
  return body.map(stmt);
}
