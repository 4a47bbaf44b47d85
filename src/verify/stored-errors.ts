import { at } from '../base/errors.ts';
import type { Graph, NodeId } from '../ir/graph/types.ts';
import { holdHalves } from '../passes/graph/precision.ts';
import { evaluate } from '../reference/evaluate.ts';
import { roundingOf } from '../reference/rounding.ts';
import type { Tensor } from '../reference/walk.ts';
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
  readonly why: 'the largest element' | 'what cancels in it' | 'the least that counts';
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
  const rounding = roundingOf(graph, (id) => seen(stored.get(id), rounded(id)), new Set(stored.keys()));
  return [...stored].map(([id, values]) => {
    const node = at(graph.nodes, id);
    const want = rounded(id).data;
    const least = halves[id] ? SMALL_HALVES : NOISE;
    const largest = want.reduce((a, v) => (Number.isFinite(v) ? Math.max(a, Math.abs(v)) : a), 0);
    const scale = Math.max(least, largest);
    let worst = apart(values, want, { scale, why: scale === largest ? 'the largest element' : 'the least that counts' });
    if (worst.error > DOUBT) worst = apart(values, want, worst, unrounded(id), rounding(id));
    return { what: `%${id} = ${node.op}${node.loc ? ` (${node.loc})` : ''}`, elements: want.length, ...worst };
  });
}

const seen = (stored: ArrayLike<number> | undefined, computed: Tensor): Tensor =>
  stored ? { shape: computed.shape, data: Float64Array.from(stored) } : computed;

/** From here on, what the reference makes without rounding is asked too, and how much cancels. */
const DOUBT = 1e-4;
/** So much of all that was rounded on the way is a scale of errors: a few last places of it are a ten thousandth of that. */
const ROUNDED = 0.01;
/** What is left in float32 where numbers of about 1 cancel is nothing that errors could be told by. */
const NOISE = 1e-5;
/** Below 2^-14, binary16 has steps of its own, or drivers give 0: an error of so much in numbers of this size. */
const SMALL_HALVES = 2 ** -14 / 4e-3;

type Scale = Pick<StoredError, 'scale' | 'why'>;
type Apart = Pick<StoredError, 'error' | 'element' | 'got' | 'want' | 'scale' | 'why'>;

/** The element that is farthest from what is wanted, for what it is made of; what is no number on both sides is equal. */
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
