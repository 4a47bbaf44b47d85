import { at } from '../base/errors.ts';
import { count } from '../base/types.ts';
import type { Graph, Node, NodeId } from '../ir/graph/types.ts';
import { holdHalves } from '../passes/graph/precision.ts';
import { evaluate } from '../reference/evaluate.ts';
import type { GraphInputs, GraphResult } from './run-graph.ts';

/** How far a value that a kernel stored is from what the reference makes of what the kernel read. */
export interface StoredError {
  /** Which value, and where it comes from. */
  readonly what: string;
  readonly elements: number;
  /** Of the worst element, relative to `scale`; infinite where one side alone is not a number. */
  readonly error: number;
  readonly element: number;
  readonly got: number;
  readonly want: number;
  /** What errors are measured by, and what that is. */
  readonly scale: number;
  readonly why: 'the largest element' | 'the terms of its sum' | 'the least that counts';
}

/**
 * For everything that was stored; the plan must have kept it. The reference rounds as float32 does, an operation after the other, and
 * where that is far from what was stored it may be as near without: of two numbers that are equal but for rounding, either may be
 * found the smaller one.
 */
export function storedErrors(graph: Graph, given: GraphInputs, { stored }: GraphResult): StoredError[] {
  const scalars = { step: given.step ?? 0, seed: given.seed ?? 0, total: given.total ?? 10 };
  const halves = holdHalves(graph);
  const rounded = evaluate(graph, { ...given, scalars }, { stored, single: true });
  let exact: ReturnType<typeof evaluate> | undefined;
  const unrounded = (id: NodeId): Float64Array => {
    exact ??= evaluate(graph, { ...given, scalars }, { stored });
    return exact(id).data;
  };
  return [...stored].map(([id, values]) => {
    const node = at(graph.nodes, id);
    const want = rounded(id).data;
    const sum = terms(node, (i) => rounded(at(node.inputs, i)).data);
    const least = halves[id] ? SMALL_HALVES : NOISE;
    const largest = want.reduce((a, v) => (Number.isFinite(v) ? Math.max(a, Math.abs(v)) : a), 0);
    const scale = Math.max(least, sum, largest);
    const why = scale === largest ? 'the largest element' : scale === sum ? 'the terms of its sum' : 'the least that counts';
    let worst = apart(values, want, scale);
    if (worst.error > DOUBT) worst = apart(values, want, scale, unrounded(id));
    return { what: `%${id} = ${node.op}${node.loc ? ` (${node.loc})` : ''}`, elements: want.length, ...worst, scale, why };
  });
}

/** From here on, what the reference makes without rounding is asked too. */
const DOUBT = 1e-4;
/** What is left in float32 where numbers of about 1 cancel is nothing that errors could be told by. */
const NOISE = 1e-5;
/** Below 2^-14, binary16 has steps of its own, or drivers give 0: an error of so much in numbers of this size. */
const SMALL_HALVES = 2 ** -14 / 4e-3;

type Apart = Pick<StoredError, 'error' | 'element' | 'got' | 'want'>;

/** The element that is farthest from what is wanted; what is no number on both sides is equal. */
function apart(got: ArrayLike<number>, want: Float64Array, scale: number, or: Float64Array = want): Apart {
  if (got.length !== want.length) return { error: Infinity, element: Math.min(got.length, want.length), got: NaN, want: NaN };
  let worst: Apart = { error: 0, element: 0, got: got[0] ?? NaN, want: want[0] ?? NaN };
  for (let i = 0; i < want.length; i++) {
    const [g, w] = [got[i] ?? NaN, want[i] ?? NaN];
    const error = Math.min(between(g, w), between(g, or[i] ?? NaN)) / scale;
    if (error > worst.error) worst = { error, element: i, got: g, want: w };
  }
  return worst;
}

function between(a: number, b: number): number {
  if (a === b || (Number.isNaN(a) && Number.isNaN(b))) return 0;
  const d = Math.abs(a - b);
  return Number.isNaN(d) ? Infinity : d;
}

/** How large the terms of a sum are: what they are rounded by stays where they cancel, as behind a batch norm. */
function terms(node: Node, operand: (i: number) => ArrayLike<number>): number {
  if (node.op !== 'reduce_sum') return 0;
  const all = Array.from(operand(0)).reduce((a, v) => a + Math.abs(v), 0);
  return all / Math.max(1, count(node.type.shape));
}
