import { get } from '../base/errors.ts';
import { isGradOutput } from '../base/outputs.ts';
import type { Graph } from '../ir/graph/types.ts';
import { channelsLast } from './graph/channels-last.ts';
import { bindBatch, cse, dce } from './graph/cleanup.ts';
import { differentiate } from './graph/differentiate.ts';
import { tidyLoops } from './graph/loops.ts';
import { ownParts } from './graph/own-parts.ts';
import { packWeights } from './graph/pack-weights.ts';
import { roundProducts } from './graph/precision.ts';
import { rematerialize } from './graph/rematerialize.ts';
import { simplify } from './graph/simplify.ts';
import { splitSums } from './graph/split-sums.ts';
import { unroll } from '../ir/graph/unroll.ts';
import { winograd } from './graph/winograd.ts';
import { runPasses, type Pass } from './pipeline.ts';

/** The parameters of a graph, by name. */
const paramsOf = (g: Graph): string[] => [...new Set(g.nodes.flatMap((n) => (n.op === 'param' ? [n.attrs.name] : [])))];

/** Passes that need no more than a graph, by name: for people who look at what each of them does. Those that round change results. */
export const PASSES: Readonly<Record<string, Omit<Pass, 'name'> & { readonly rounds?: true }>> = {
  dce: { about: 'drops what nothing needs', run: dce },
  cse: { about: 'computes equal things once', run: cse },
  simplify: { about: 'applies the laws until none applies', run: (g) => simplify(g) },
  loops: { about: 'gives all results of a loop one body, and cleans that up', run: tidyLoops },
  unroll: { about: 'writes loops out', run: unroll },
  differentiate: {
    about: 'adds the gradient of the output loss for every parameter',
    run: (g) => (Object.keys(g.outputs).some(isGradOutput) ? g : differentiate(g, paramsOf(g))),
  },
  precision: { about: 'rounds what products take and give to binary16', run: roundProducts, rounds: true },
  rematerialize: { about: 'computes large, cheap values again instead of keeping them', run: rematerialize },
  winograd: {
    about: 'convolves by tiles with fewer products, where there are many channels',
    run: (g) => winograd(g),
    rounds: true,
  },
  'channels-last': { about: 'copies what products go through with the channels last', run: (g) => channelsLast(g) },
  'pack-weights': { about: 'copies weights of convolutions in the order in which kernels read them', run: (g) => packWeights(g) },
  'own-parts': { about: 'copies what is in the vector of gradients more than once', run: ownParts },
  'split-sums': { about: 'cuts long sums of products with few results into parts', run: splitSums },
};

/** What a pass did. */
export interface Ran {
  readonly name: string;
  readonly before: Graph;
  readonly after: Graph;
  readonly milliseconds: number;
}

/** Runs passes on a graph, which is verified after each; with `batch`, the batch is bound first. */
export function runByName(graph: Graph, names: readonly string[], batch: number | undefined, now: () => number): Ran[] {
  const ran: Ran[] = [];
  let current = graph;
  const bind: readonly (readonly [string, Omit<Pass, 'name'>])[] =
    batch === undefined ? [] : [['bind', { about: 'puts the batch size in', run: (g) => bindBatch(g, batch) }]];
  for (const [name, pass] of [...bind, ...names.map((n) => [n, get(new Map(Object.entries(PASSES)), n, 'pass')] as const)]) {
    const begin = now();
    const after = runPasses(current, [{ name, ...pass }]);
    ran.push({ name, before: current, after, milliseconds: now() - begin });
    current = after;
  }
  return ran;
}
