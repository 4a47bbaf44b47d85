import { at } from '../base/errors.ts';
import { count } from '../base/types.ts';
import { contractWork } from '../ir/graph/contract.ts';
import type { Graph } from '../ir/graph/types.ts';

/** How much to check. */
export interface Effort {
  /** The most examples. */
  readonly rows: number;
  /** How many of the places to use. */
  readonly places: number;
  /** Directions for each parameter: random ones, all of its elements equally, and single elements. */
  readonly random: number;
  readonly together: boolean;
  readonly elements: number;
  /** Use forward-mode differentiation even where differences of the loss are sharp. */
  readonly both: boolean;
  /** The number of parameters to check; all by default. */
  readonly params?: number;
}

/** From a full check down to one that is affordable for any program. */
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

/** Seconds that need no announcement, and the most that is acceptable with one. */
const QUICK = 2;
const LONG = 30;

export interface EffortPlan {
  readonly effort: Effort;
  readonly seconds: number;
  /** Only a sample is checked. */
  readonly sampled: boolean;
}

/** A loss for a number of examples, and the number of parameters to differentiate it by. */
export interface LossWork {
  readonly graph: (rows: number) => Graph;
  readonly params: number;
}

/** How much to check for these losses, with at least `least` examples. */
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

/**
 * The cost of one direction, in evaluations of the part of the graph that depends on a parameter: differences, and forward-mode
 * differentiation.
 */
const DIFFERENCES = 2.5;
const FORWARDS = 1.5;
/** The cost of one place, in evaluations: the loss, its gradient, and its accuracy. */
const PLACE = 12;

function secondsFor(loss: Graph, e: Effort, params: number): number {
  const directions = e.random + (e.together ? 1 : 0) + e.elements;
  return evaluation(loss) * e.places * (PLACE + params * directions * (DIFFERENCES + (e.both ? FORWARDS : 0)));
}

/** Rough seconds of one evaluation: for a term of a product, for an element of anything else, and for each node. */
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
