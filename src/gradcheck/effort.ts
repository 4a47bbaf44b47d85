import { at } from '../base/errors.ts';
import { count } from '../base/types.ts';
import { contractWork } from '../ir/graph/contract.ts';
import type { Graph } from '../ir/graph/types.ts';

/** How much is tried. */
export interface Effort {
  /** Examples at the most. */
  readonly rows: number;
  /** How many of the places. */
  readonly places: number;
  /** Directions for each parameter: random ones, all of its elements alike, and single elements. */
  readonly random: number;
  readonly together: boolean;
  readonly elements: number;
  /** The slope is taken forwards even where differences of the loss are sharp. */
  readonly both: boolean;
  /** Parameters that are tried; all if it is left out. */
  readonly params?: number;
}

/** From everything down to what is worth its time in any program. */
const EFFORTS: readonly [Effort, ...Effort[]] = [
  { rows: 5, places: 6, random: 2, together: true, elements: 12, both: true },
  { rows: 5, places: 6, random: 2, together: true, elements: 4, both: true },
  { rows: 4, places: 6, random: 1, together: true, elements: 2, both: true },
  { rows: 3, places: 6, random: 1, together: true, elements: 0, both: true },
  { rows: 2, places: 2, random: 1, together: false, elements: 1, both: true },
  { rows: 2, places: 2, random: 1, together: false, elements: 0, both: false },
  { rows: 2, places: 1, random: 1, together: false, elements: 0, both: false },
  { rows: 1, places: 1, random: 1, together: false, elements: 0, both: false },
];
export const EVERYTHING = EFFORTS[0];

/** Seconds that nobody minds, and that one waits if told before. */
const QUICK = 2;
const LONG = 30;

export interface EffortPlan {
  readonly effort: Effort;
  readonly seconds: number;
  /** Not everything is tried. */
  readonly sampled: boolean;
}

/** A loss, for some examples, and how many parameters it is differentiated for. */
export interface LossWork {
  readonly graph: (rows: number) => Graph;
  readonly params: number;
}

/** What to try of a program with these losses; `least` examples make sense. */
export function planEffort(losses: readonly LossWork[], least: number): EffortPlan {
  const planned = EFFORTS.filter((e) => e.rows >= least).map((effort) => ({
    effort,
    seconds: losses.reduce((s, l) => s + secondsFor(l.graph(effort.rows), effort, l.params), 0),
  }));
  const quick = planned.find((p) => p.seconds <= QUICK) ?? planned.find((p) => p.seconds <= LONG);
  if (quick) return { ...quick, sampled: quick.effort !== EVERYTHING };
  const { effort, seconds } = at(planned, planned.length - 1);
  const params = losses.reduce((n, l) => n + l.params, 0);
  const some = Math.max(1, Math.floor((params * LONG) / seconds));
  return { effort: { ...effort, params: some }, seconds: (seconds * some) / params, sampled: true };
}

/** Evaluations that one direction costs, of the part of a graph behind a parameter: differences, and the slope forwards. */
const DIFFERENCES = 2.5;
const FORWARDS = 1.5;
/** And one place: the loss, its gradient, how exact it is. */
const PLACE = 12;

function secondsFor(loss: Graph, e: Effort, params: number): number {
  const directions = e.random + (e.together ? 1 : 0) + e.elements;
  return evaluation(loss) * e.places * (PLACE + params * directions * (DIFFERENCES + (e.both ? FORWARDS : 0)));
}

/** Seconds of one evaluation, roughly: a term of a product, an element of anything else, and a node at all. */
const TERM = 1.3e-9;
const ELEMENT = 1.2e-8;
const NODE = 5e-7;

function evaluation(graph: Graph): number {
  let total = 0;
  for (const node of graph.nodes) {
    const shape = (i: number) => at(graph.nodes, at(node.inputs, i)).type.shape;
    const elements = Math.max(count(node.type.shape), ...node.inputs.map((_, i) => count(shape(i))));
    total += NODE + (node.op === 'contract' ? TERM * contractWork(node.attrs.spec, shape(0), shape(1)) : ELEMENT * elements);
  }
  return total;
}
