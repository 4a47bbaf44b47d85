import { uniformAt } from '../../../src/base/random.ts';
import { renderAll } from '../../../src/base/diagnostics.ts';
import { count } from '../../../src/base/types.ts';
import { check } from '../../../src/compile.ts';
import type { Graph } from '../../../src/ir/graph/types.ts';
import type { Model } from '../../../src/sema/model.ts';

/** What must hold of every program. */
export interface Trial {
  readonly about: string;
  /** What is wrong with a program, in one line and more; undefined if nothing is. `seed` draws the numbers. */
  run(text: string, seed: number): Promise<string | undefined>;
}

/** Examples of a batch. */
export const ROWS = 3;

/** A program that must be right. */
export function modelOf(text: string): Model {
  const { model, diagnostics } = check({ name: 'random.nn', text });
  if (!model) throw new Error(`it does not compile:\n${renderAll(diagnostics)}`);
  return model;
}

/** States that are sums of squares or of absolute values. */
const POSITIVE = /(_sq|square_avg|var|acc_delta|optim\.sum|exp_inf|loss_scale)$/;

/** Random numbers for all that a graph reads. */
export function inputsOf(graph: Graph, seed: number): { inputs: Map<string, Float64Array>; state: Map<string, Float64Array> } {
  const inputs = new Map<string, Float64Array>();
  const state = new Map<string, Float64Array>();
  for (const node of graph.nodes) {
    if (node.op !== 'input' && node.op !== 'state') continue;
    const { name } = node.attrs;
    const values = Float64Array.from({ length: count(node.type.shape) }, (_, i) => {
      const u = uniformAt(seed, 400 + node.id, 0, i);
      if (node.type.dtype === 'i32') return Math.floor(u * 2);
      return Math.fround(POSITIVE.test(name) ? u : 1.6 * u - 0.8);
    });
    (node.op === 'input' ? inputs : state).set(name, values);
  }
  return { inputs, state };
}
