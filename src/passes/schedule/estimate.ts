import { isVector } from '../../ir/kernel/functions.ts';
import { FUNCTION_COSTS } from '../../ir/kernel/function-costs.ts';
import type { Expr, Kernel, Stmt } from '../../ir/kernel/types.ts';
import { GPU_COSTS, TAKEN, type Costs } from './cost.ts';
import { axisName } from './naming.ts';
import type { Tiling } from './tiling.ts';

/** A load of the plain kernel. */
interface Load {
  /** How often a thread does it. */
  readonly times: number;
  /** The variables that its index depends on, with the distance for a step of each; NaN where that is not constant. */
  readonly strides: ReadonlyMap<string, number>;
  /** The innermost loop around it. */
  readonly loop: string | undefined;
  /** The cost of its index. */
  readonly index: number;
}

/** What a thread of a plain kernel does for its one point. */
interface Work {
  readonly arithmetic: number;
  readonly loops: number;
  readonly loads: readonly Load[];
}

/**
 * About what a kernel will cost with another tiling, without writing it: the tile repeats the arithmetic for each of its points, and shares
 * a load among the points whose index is the same. Only for ranking: what is chosen is written in full and costed by {@link kernelCost}.
 */
export function estimator(plain: Kernel, threads: number, costs: Costs = GPU_COSTS): (how: Tiling) => number {
  const work = workAtPoint(plain.body, costs);
  const points = plain.axes.reduce((n, a) => n * a.extent, 1) * plain.lanes;
  return (how) => {
    const size = how.tile.reduce((a, b) => a * b, 1);
    const wide = how.vector >= 0;
    const byFour = how.unroll === 'four' || how.unroll === 'vector';
    const along = axisName(how.vector);
    const vectors = wide || how.unroll === 'vector';
    let cost = costs.thread + (work.arithmetic * size * (vectors ? costs.vector : 1)) / (vectors ? 4 : 1) + work.loops / (byFour ? 4 : 1);
    for (const { times, strides, loop, index } of work.loads) {
      let n = times;
      how.tile.forEach((t, axis) => (n *= strides.has(axisName(axis)) ? t : 1));
      const adjacent = (wide && strides.get(along) === 1) || (byFour && loop !== undefined && strides.get(loop) === 1);
      // A vector of elements that do not lie side by side is loaded one by one.
      cost += (adjacent ? n / 4 : n) * ((adjacent ? costs.vectorLoad : costs.load) + index * costs.index);
    }
    return cost * Math.max(points / size, threads);
  };
}

function workAtPoint(body: readonly Stmt[], costs: Costs): Work {
  let [arithmetic, loops] = [0, 0];
  const loads: Load[] = [];
  const expr = (e: Expr, times: number, loop: string | undefined): void => {
    if (e.kind === 'load') loads.push({ times, strides: stridesOf(e.index), loop, index: indexCost(e.index, costs) });
    else if (e.kind === 'call') {
      arithmetic += times * costOf(e, costs);
      for (const a of e.args) expr(a, times, loop);
    }
  };
  const run = (statements: readonly Stmt[], times: number, loop: string | undefined): void => {
    for (const s of statements) {
      if ('value' in s) expr(s.value, times, loop);
      if ('values' in s) for (const e of s.values) expr(e, times, loop);
      if (s.kind === 'store') loads.push({ times, strides: stridesOf(s.index), loop: undefined, index: indexCost(s.index, costs) });
      if (s.kind === 'if') {
        expr(s.condition, times, loop);
        run(s.body, times * TAKEN, loop);
      }
      if (s.kind === 'for') {
        loops += times * s.extent * costs.loop;
        run(s.body, times * s.extent, s.name);
      }
    }
  };
  run(body, 1, undefined);
  return { arithmetic, loops, loads };
}

const costOf = (e: Extract<Expr, { kind: 'call' }>, c: Costs): number =>
  (c.functions[e.fn] ?? FUNCTION_COSTS[e.fn].cost) * (isVector(e.type) ? c.vector : 1);

const indexCost = (e: Expr, c: Costs): number => (e.kind === 'call' ? costOf(e, c) + e.args.reduce((n, a) => n + indexCost(a, c), 0) : 0);

/** How far an index moves with each variable. */
function stridesOf(index: Expr): Map<string, number> {
  const out = new Map<string, number>();
  const add = (name: string, by: number): void => void out.set(name, (out.get(name) ?? 0) + by);
  const walk = (e: Expr, by: number): void => {
    if (e.kind === 'ref') add(e.name, by);
    else if (e.kind === 'load' || e.kind === 'item') walk(e.index, NaN);
    else if (e.kind === 'call') {
      const [a, b] = e.args;
      if (e.fn === 'add') for (const x of e.args) walk(x, by);
      else if (e.fn === 'sub' && a && b) {
        walk(a, by);
        walk(b, -by);
      } else if (e.fn === 'mul' && a && b?.kind === 'literal') walk(a, by * b.value);
      else for (const x of e.args) walk(x, NaN);
    }
  };
  walk(index, 1);
  return out;
}
