import { PER_WORD } from '../../base/types.ts';
import { FUNCTION_COSTS } from '../../ir/kernel/function-costs.ts';
import { isVector, scalarOf } from '../../ir/kernel/functions.ts';
import type { Expr, Kernel, Stmt } from '../../ir/kernel/types.ts';

/** The work of a kernel, independent of the device. */
export interface Work {
  /** Floating-point operations of all function calls that it executes, by the rule of `ir/graph/flops.ts`. */
  readonly flops: number;
  /** Bytes of everything that it reads and writes, each element once. */
  readonly bytes: number;
}

function flopsOf(e: Expr): number {
  if (e.kind === 'load') return 0;
  if (e.kind !== 'call') return 0;
  const inner = e.args.reduce((n, a) => n + flopsOf(a), 0);
  if (scalarOf(e.type) !== 'f32') return inner;
  const width = isVector(e.type) || e.args.some((a) => isVector(a.type)) ? 4 : 1;
  return inner + FUNCTION_COSTS[e.fn].flops * width;
}

function bodyFlops(body: readonly Stmt[], lanes: number): number {
  let total = 0;
  for (const s of body) {
    if ('value' in s) total += flopsOf(s.value);
    // The share of one lane.
    if (s.kind === 'product') total += (2 * s.rows * s.columns * s.loops.reduce((n, l) => n * l.extent, s.unit.k)) / lanes;
    if ('body' in s) total += (s.kind === 'for' ? s.extent : 1) * bodyFlops(s.body, lanes);
  }
  return total;
}

export function workOf(kernel: Kernel): Work {
  const points = kernel.axes.reduce((n, a) => n * a.extent, 1) * kernel.lanes;
  return {
    flops: Math.round(points * bodyFlops(kernel.body, kernel.lanes)),
    bytes: kernel.buffers.reduce((n, b) => n + ((b.size * 4) / PER_WORD[b.type]) * (b.access === 'update' ? 2 : 1), 0),
  };
}
