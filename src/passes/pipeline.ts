import { winograd } from './graph/winograd.ts';
import { watch, type Watched } from './graph/watch.ts';
import { channelsLast } from './graph/channels-last.ts';
import { bindBatch, cse, dce } from './graph/cleanup.ts';
import { differentiate } from './graph/differentiate.ts';
import { feed, type Feed } from './graph/feed.ts';
import { optimize, type Optimizer } from './graph/optimize.ts';
import { pack, type Packing } from './graph/pack.ts';
import { ownParts } from './graph/own-parts.ts';
import { packWeights } from './graph/pack-weights.ts';
import { inTurn, ownNames, phaseOf } from './graph/phases.ts';
import { tidyLoops } from './graph/loops.ts';
import { recompute } from './graph/recompute.ts';
import { fillCaches, rowAtATime } from './graph/row-at-a-time.ts';
import { rematerialize } from './graph/rematerialize.ts';
import { scaleLoss } from './graph/loss-scale.ts';
import { roundProducts } from './graph/precision.ts';
import { splitSums } from './graph/split-sums.ts';
import { simplify } from './graph/simplify.ts';
import type { VjpTable } from '../autodiff/vjp.ts';
import type { StateUse } from '../ir/graph/state-use.ts';
import type { Graph } from '../ir/graph/types.ts';
import type { Precision } from '../base/types.ts';
import { get } from '../base/errors.ts';
import { verifyGraph, type Form } from '../ir/graph/verify.ts';

/** A compiler pass from graph to graph. */
export interface Pass {
  readonly name: string;
  readonly about: string;
  readonly run: (graph: Graph) => Graph;
  /** What every graph promises from here on. */
  readonly gives?: Form;
}

/** Called with the graph after each pass, for dumps. */
export type Observer = (pass: Pass, after: Graph) => void;

/** Runs passes in order and verifies each result; an error blames the pass that made it. */
export function runPasses(graph: Graph, passes: readonly Pass[], observe?: Observer): Graph {
  let current = graph;
  let form: Form = {};
  for (const pass of passes) {
    current = pass.run(current);
    form = { ...form, ...pass.gives };
    verifyGraph(current, pass.name, form);
    observe?.(pass, current);
  }
  return current;
}

/** One of several losses that are trained in turn. */
export interface Phase {
  readonly packing: Packing;
  readonly optimizer: Optimizer;
  /** The output with its loss, and the name under which it is recorded. */
  readonly loss: string;
  readonly record: string;
}

export interface StepOptions {
  /** One phase, or several in turn within a step. */
  readonly phases: readonly [Phase, ...Phase[]];
  /** The uses of layers that update states, so that each phase updates only those it uses. */
  readonly uses: readonly StateUse[];
  readonly feed: Feed;
  /** Examples in this step: the batch, or what is left at the end of an epoch. */
  readonly batch: number;
  /** The number of segments in which the backward pass recomputes the forward pass; 0 for none. */
  readonly recompute: number;
  readonly precision: Precision;
  /** Whether it is made for the processor: wide convolutions by tiles, and copies of weights that only pay there. */
  readonly processor: boolean;
  readonly table?: VjpTable;
}

const CLEAN: readonly Pass[] = [
  // Before the laws, which then see only operands that a loop needs.
  { name: 'loops', about: 'gives all results of a loop one body, and cleans that up', run: tidyLoops },
  // Before `cse`, since laws bring different expressions into one form.
  { name: 'simplify', about: 'applies the named laws until none applies', run: simplify },
  // After the laws, which make more expressions equal.
  { name: 'cse', about: 'computes equal things once', run: cse },
  // What has become equal may fit a law: x + x.
  { name: 'again', about: 'applies the laws to what has become equal', run: (g) => cse(simplify(g)) },
  // Removes what the others leave unused.
  { name: 'dce', about: 'drops what nothing needs', run: dce },
];

const LOSS_SCALE: Pass = {
  name: 'loss-scale',
  about: 'scales the loss, so that small gradients do not vanish in binary16',
  run: (g) => scaleLoss(g, get(new Map(Object.entries(g.outputs)), 'loss', 'output')),
};
const ROUND: Pass = { name: 'precision', about: 'rounds what products take and give to binary16', run: roundProducts };

const CHANNELS_LAST: Pass = {
  name: 'channels-last',
  about: 'copies what products go through with the channels last',
  run: (g) => channelsLast(g),
};

const packing = (processor: boolean): Pass => ({
  name: 'pack-weights',
  about: 'copies weights in the order in which kernels read them',
  run: (g) => packWeights(g, processor),
});

const WINOGRAD: Pass = {
  name: 'winograd',
  about: 'convolves by tiles with fewer products, where there are many channels',
  run: (g) => winograd(g),
};

const bind = (batch: number): Pass => ({
  name: 'bind',
  about: 'puts the batch size in',
  run: (g) => bindBatch(g, batch),
  gives: { bound: true },
});
const packInto = (packings: readonly Packing[]): Pass => ({
  name: 'pack',
  about: 'makes every parameter a view of one vector',
  run: (g) => pack(g, packings),
  gives: { packed: true },
});
/** The weights that are predicted with. */
const saved = (p: Packing): Packing => ({ ...p, vector: p.saved });
const differentiation = (params: readonly string[], table?: VjpTable): Pass => ({
  name: 'differentiate',
  about: 'adds the gradient of the loss for every parameter',
  run: (g) => differentiate(g, params, table),
});

/** Model with a loss -> gradients, with the batch still symbolic. */
export function gradientPipeline(params: readonly string[], table?: VjpTable): readonly Pass[] {
  return [
    // First, so that unused values are not differentiated.
    { name: 'dce', about: 'drops what nothing needs', run: dce },
    // Before `bind`, so that one gradient serves all batches.
    differentiation(params, table),
  ];
}

/** Model with a loss -> parameters and states after an update. */
function updatePipeline(o: StepOptions, { packing, optimizer }: Phase, half: boolean): readonly Pass[] {
  return [
    // Before the gradients, so that the scaled loss is differentiated.
    ...(half ? [LOSS_SCALE] : []),
    // While parameters are still separate, with names.
    ...gradientPipeline(
      packing.params.map((p) => p.name),
      o.table,
    ),
    // After the gradients, which are requested by parameter name.
    packInto(o.phases.map((p) => p.packing)),
    // Between gradients and update: products of the backward pass are rounded too, the update is not.
    ...(half ? [ROUND] : []),
    // Last, since it turns the gradient outputs into writes.
    { name: 'optimize', about: 'adds the update of the parameters', run: (g) => optimize(withoutPrediction(g), packing, optimizer) },
  ];
}

/** One update per loss, each starting from what the previous one leaves. */
function phases(graph: Graph, o: StepOptions): Graph {
  const losses = o.phases.map((p) => p.loss);
  const [first, ...rest] = o.phases.map((phase, i) => {
    const updated = runPasses(phaseOf(graph, phase.loss, o.uses, losses), updatePipeline(o, phase, false));
    if (i === 0) return updated;
    // A later phase records only its loss; all other outputs belong to the first.
    return ownNames(
      { ...updated, outputs: { [phase.record]: get(new Map(Object.entries(updated.outputs)), 'loss', 'output') } },
      String(i),
    );
  });
  return rest.reduce(inTurn, first ?? graph);
}

/** Model with a loss -> one step of training over the data on the device. */
export function stepPipeline(o: StepOptions): readonly Pass[] {
  const half = o.precision === 'f16';
  return [
    ...(o.phases.length === 1
      ? updatePipeline(o, o.phases[0], half)
      : [
          {
            name: 'phases',
            about: 'puts the updates by several losses one behind the other',
            run: (g: Graph) => phases(g, o),
            gives: { packed: true },
          },
        ]),
    // After the gradients: rows are looked up once, and nothing is differentiated through the lookup.
    { name: 'feed', about: 'takes the examples from the data on the device', run: (g) => feed(g, o.feed) },
    // After `feed`, whose rows depend on the batch, and before everything that weighs sizes.
    bind(o.batch),
    // Once gradients and updates are there, so that they share what they have in common.
    ...CLEAN,
    // After the laws and `cse`, which would merge recomputed values again.
    ...(o.recompute > 0
      ? [{ name: 'recompute', about: 'computes the forward pass again in parts', run: (g: Graph) => recompute(g, o.recompute) }]
      : []),
    // For the values that `recompute` keeps; after `cse` for the same reason.
    { name: 'rematerialize', about: 'computes large, cheap values again instead of keeping them', run: rematerialize },
    // After the laws, which make a convolution of each gradient of one.
    ...(o.processor ? [WINOGRAD, CHANNELS_LAST] : []),
    // When all products are final, and before sums are cut.
    packing(o.processor),
    // When all products are final, because the laws do not recognise split ones.
    { name: 'split-sums', about: 'cuts long sums of products with few results into parts', run: splitSums },
    // After `cse`, which would join the copies again.
    { name: 'own-parts', about: 'copies what is in the vector of gradients more than once', run: ownParts },
    // Last: drops values whose readers all use copies now.
    { name: 'dce', about: 'drops what nothing needs', run: dce },
  ];
}

/** Model -> prediction for `batch` examples, or the loss of held-out ones. */
export function predictPipeline(
  packings: readonly Packing[],
  batch: number,
  { precision, processor }: Pick<StepOptions, 'precision' | 'processor'>,
): readonly Pass[] {
  return [
    // Vectors of training, since they hold the weights.
    packInto(packings.map(saved)),
    // As in training, so that predictions match the trained model.
    ...(precision === 'f16' ? [ROUND] : []),
    // Before the laws, some of which need fixed dimensions.
    bind(batch),
    // To clean up for the scheduler.
    ...CLEAN,
    ...(processor ? [WINOGRAD, CHANNELS_LAST] : []),
    packing(processor),
  ];
}

/** Model of a sequence -> one position at a time: see `rowAtATime`. */
export function rowPipeline(packings: readonly Packing[], input: string, precision: Precision, fill = false): readonly Pass[] {
  return [
    // First, since the axis of positions is told from its size and place.
    bind(1),
    // Before the row, so that the same numbers are rounded.
    ...(precision === 'f16' ? [ROUND] : []),
    // On the graph as the program has it, where the causal mask can be recognised.
    fill
      ? {
          name: 'fill-caches',
          about: 'computes all positions, and keeps what later ones need in states',
          run: (g) => fillCaches(g, input, 1),
        }
      : {
          name: 'row-at-a-time',
          about: 'computes one position, and keeps what later ones need in states',
          run: (g) => rowAtATime(g, input, 1),
        },
    packInto(packings.map(saved)),
    ...CLEAN,
  ];
}

/** Model with a loss -> the watched values, for the examples of a step. */
export function watchPipeline(o: {
  readonly watched: readonly Watched[];
  readonly packings: readonly Packing[];
  readonly feed: Feed;
  readonly precision: Precision;
}): readonly Pass[] {
  return [
    // First, while values still have the program's names.
    { name: 'watch', about: 'computes what is looked at', run: (g) => watch(g, o.watched) },
    packInto(o.packings),
    ...(o.precision === 'f16' ? [ROUND] : []),
    { name: 'feed', about: 'takes the examples from the data on the device', run: (g) => feed(g, o.feed) },
    bind(o.feed.batch),
    ...CLEAN,
  ];
}

function withoutPrediction(g: Graph): Graph {
  const { pred: _pred, ...outputs } = g.outputs;
  return { ...g, outputs };
}
