import { at } from '../base/errors.ts';
import type { Graph, Node, NodeId } from '../ir/graph/types.ts';
import { holdHalves } from '../passes/graph/precision.ts';
import { evaluate } from '../reference/evaluate.ts';
import { roundingOf } from '../reference/rounding.ts';
import type { Tensor } from '../reference/walk.ts';
import type { GraphInputs, GraphResult } from './run-graph.ts';

/** How far a value that a kernel stored is from the reference's result for the kernel's inputs. */
export interface StoredError {
  /** The value and its place in the program. */
  readonly what: string;
  readonly elements: number;
  /** The error of the worst element, relative to `scale`; infinite if only one side is NaN. */
  readonly error: number;
  readonly element: number;
  readonly got: number;
  readonly want: number;
  /** The scale of the errors, and where it comes from. */
  readonly scale: number;
  readonly why: 'the largest element' | 'what cancels in it' | 'the least that counts';
}

/**
 * The errors of all stored values; the plan must have kept them. The reference rounds to float32 after each operation. Where that is far
 * from the stored value, the unrounded result counts too: of two numbers that differ only by rounding, either may come out as the smaller
 * one.
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
  const rounding = roundingOf(graph, (id) => seen(stored.get(id), rounded(id)), new Set(stored.keys()));
  return [...stored].map(([id, values]) => {
    const node = at(graph.nodes, id);
    const want = rounded(id).data;
    const least = halves[id] || roundsInside(node) ? SMALL_HALVES : NOISE;
    const largest = want.reduce((a, v) => (Number.isFinite(v) ? Math.max(a, Math.abs(v)) : a), 0);
    const scale = Math.max(least, largest);
    let worst = apart(values, want, { scale, why: scale === largest ? 'the largest element' : 'the least that counts' });
    if (worst.error > DOUBT) worst = apart(values, want, worst, unrounded(id), rounding(id));
    return { what: `%${id} = ${node.op}${node.loc ? ` (${node.loc})` : ''}`, elements: want.length, ...worst };
  });
}

/** Whether a loop rounds to binary16 on its way: what it gives is made of such numbers. */
const roundsInside = (node: Node): boolean =>
  node.op === 'scan' && node.attrs.body.nodes.some((inner) => inner.op === 'round_f16' || roundsInside(inner));

const seen = (stored: ArrayLike<number> | undefined, computed: Tensor): Tensor =>
  stored ? { shape: computed.shape, data: Float64Array.from(stored) } : computed;

/** From this error on, compare with the unrounded reference too, and consider cancellation. */
const DOUBT = 1e-4;
/** The share of the accumulated rounding that serves as a scale: errors of a few last places are then about 1e-4. */
const ROUNDED = 0.01;
/** What remains when float32 numbers near 1 cancel is too small to be a scale of errors. */
const NOISE = 1e-5;
/** Below 2^-14 binary16 has fixed steps, or drivers flush to 0: the scale at which such an error is tolerated. */
const SMALL_HALVES = 2 ** -14 / 4e-3;

type Scale = Pick<StoredError, 'scale' | 'why'>;
type Apart = Pick<StoredError, 'error' | 'element' | 'got' | 'want' | 'scale' | 'why'>;

/** The element farthest from the expected value, relative to the scale; NaN equals NaN. */
function apart(got: ArrayLike<number>, want: Float64Array, { scale, why }: Scale, or = want, rounding?: Float64Array): Apart {
  if (got.length !== want.length) return { error: Infinity, element: Math.min(got.length, want.length), got: NaN, want: NaN, scale, why };
  let worst: Apart = { error: 0, element: 0, got: got[0] ?? NaN, want: want[0] ?? NaN, scale, why };
  for (let i = 0; i < want.length; i++) {
    const [g, w] = [got[i] ?? NaN, want[i] ?? NaN];
    const cancels = ROUNDED * (rounding?.[i] ?? 0);
    const own: Scale = Number.isFinite(cancels) && cancels > scale ? { scale: cancels, why: 'what cancels in it' } : { scale, why };
    const error = Math.min(between(g, w), between(g, or[i] ?? NaN)) / own.scale;
    if (error > worst.error) worst = { error, element: i, got: g, want: w, ...own };
  }
  return worst;
}

function between(a: number, b: number): number {
  if (a === b || (Number.isNaN(a) && Number.isNaN(b))) return 0;
  const d = Math.abs(a - b);
  return Number.isNaN(d) ? Infinity : d;
}
