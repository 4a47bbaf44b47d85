import { mustBeCall } from './calls.ts';
import type { Graph } from '../ir/graph/types.ts';
import { printGraph } from '../ir/graph/print.ts';
import type { Plan } from '../plan.ts';
import type { PlanOptions, Program } from './program.ts';

/** A program between two passes of the compiler, as text. */
export interface Stage {
  /** The pass that was run last: `forward` before any, `differentiate`, `simplify`. */
  readonly name: string;
  /** What the pass does. */
  readonly about: string;
  /** The graph after it. */
  readonly text: string;
}

/**
 * The graph of a training step (of a prediction, if nothing is trained) as the program has it, and after every pass that changed it. Throws as
 * `program.plan` does.
 */
export function stagesOf(program: Program, options: PlanOptions = {}): { readonly stages: readonly Stage[]; readonly plan: Plan } {
  mustBeCall('stagesOf', program, options);
  const { training, predict } = program.checkedModel;
  const observed: { readonly name: string; readonly about: string; readonly graph: Graph }[] = [];
  const seen = new Set<string>();
  const plan = program.plan({
    ...options,
    observe: (of, pass, graph) => {
      seen.add(of);
      if (of === (seen.has('train') ? 'train' : 'predict')) observed.push({ name: pass.name, about: pass.about, graph });
    },
  });
  const first = plan.train && training ? training : predict;
  const stages: Stage[] = [{ name: 'forward', about: 'the program as it is written', text: printGraph(first) }];
  for (const { name, about, graph } of observed) {
    const text = printGraph(graph);
    if (text !== stages.at(-1)?.text) stages.push({ name, about, text });
  }
  return { stages, plan };
}
