import type { Graph } from '../ir/graph/types.ts';
import type { Ran } from '../passes/by-name.ts';
import { evaluate } from '../reference/evaluate.ts';
import { randomInputs } from './run-graph.ts';

/** How far a pass moved the results of a graph, at the worst. */
export interface Moved {
  /** Results that the graph has before and after. */
  readonly results: number;
  readonly worst: string;
  /** Relative to the largest magnitude of the result; infinite where only one side is a number. */
  readonly error: number;
}

/** Passes may move results by so much: they may order sums anew, and everything is computed in float64. */
export const ALLOWED = 1e-6;

/** What a pass changed of the results, on random numbers and in float64. Batch sizes must be numbers. */
export function movedBy({ before, after }: Ran, seed: number): Moved {
  const given = { ...randomInputs(before, () => undefined, seed), scalars: { step: 1, seed, total: 10 } };
  const [was, is] = [evaluate(before, given), evaluate(after, given)];
  const now = resultsOf(after);
  const errors = [...resultsOf(before)].flatMap(([name, id]) => {
    const other = now.get(name);
    return other === undefined ? [] : [{ name, error: apart(was(id).data, is(other).data) }];
  });
  const worst = errors.reduce((a, b) => (b.error > a.error ? b : a), { name: '', error: 0 });
  return { results: errors.length, worst: worst.name, error: worst.error };
}

/** The outputs of a graph and the states that it writes, by name. */
function resultsOf(graph: Graph): Map<string, number> {
  return new Map([...Object.entries(graph.outputs), ...graph.writes.map((w) => [`state ${w.state}`, w.value] as const)]);
}

function apart(was: ArrayLike<number>, is: ArrayLike<number>): number {
  if (was.length !== is.length) return Infinity;
  let [scale, worst] = [1e-30, 0];
  for (let i = 0; i < was.length; i++) {
    const [a, b] = [was[i] ?? NaN, is[i] ?? NaN];
    if (Number.isFinite(a)) scale = Math.max(scale, Math.abs(a));
    if (Object.is(a, b) || a === b) continue;
    const d = Math.abs(a - b);
    worst = Number.isFinite(d) ? Math.max(worst, d) : Infinity;
  }
  return worst / scale;
}
