import { watch, type Watched } from './graph/watch.ts';
import { bindBatch, cse, dce } from './graph/cleanup.ts';
import { differentiate } from './graph/differentiate.ts';
import { feed, type Feed } from './graph/feed.ts';
import { optimize, type Optimizer } from './graph/optimize.ts';
import { pack, type Packing } from './graph/pack.ts';
import { inTurn, ownNames, phaseOf } from './graph/phases.ts';
import { recompute } from './graph/recompute.ts';
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

/** A step of the compiler from graph to graph. */
export interface Pass {
  readonly name: string;
  readonly about: string;
  readonly run: (graph: Graph) => Graph;
  /** What holds of every graph from here on. */
  readonly gives?: Form;
}

/** Sees the graph after each pass, for dumps. */
export type Observer = (pass: Pass, after: Graph) => void;

/** Runs passes in order; each result is verified, and a broken one blames the pass that made it. */
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
  /** The output that holds its loss, and the one under which that is recorded. */
  readonly loss: string;
  readonly record: string;
}

export interface StepOptions {
  /** One, or several that take turns in every step. */
  readonly phases: readonly [Phase, ...Phase[]];
  /** Where layers move states, so that each phase moves those that it uses. */
  readonly uses: readonly StateUse[];
  readonly feed: Feed;
  /** Examples in this step: the batch, or what is left of it at the end of an epoch. */
  readonly batch: number;
  /** In how many parts the backward pass computes the forward pass again; 0 for not at all. */
  readonly recompute: number;
  readonly precision: Precision;
  readonly table?: VjpTable;
}

const CLEAN: readonly Pass[] = [
  // In front of `cse`: laws bring different expressions into one form.
  { name: 'simplify', about: 'applies the named laws until none applies', run: simplify },
  // Equal expressions are one node, whoever wrote them.
  { name: 'cse', about: 'computes equal things once', run: cse },
  // What the others have made superfluous.
  { name: 'dce', about: 'drops what nothing needs', run: dce },
];

const LOSS_SCALE: Pass = {
  name: 'loss-scale',
  about: 'scales the loss, so that small gradients do not vanish in binary16',
  run: (g) => scaleLoss(g, get(new Map(Object.entries(g.outputs)), 'loss', 'output')),
};
const ROUND: Pass = { name: 'precision', about: 'rounds what products take and give to binary16', run: roundProducts };

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
const differentiation = (params: readonly string[], table?: VjpTable): Pass => ({
  name: 'differentiate',
  about: 'adds the gradient of the loss for every parameter',
  run: (g) => differentiate(g, params, table),
});

/** Model with a loss -> gradients, still with a symbolic batch. */
export function gradientPipeline(params: readonly string[], table?: VjpTable): readonly Pass[] {
  return [
    // First, so that no gradient is taken of what nobody reads.
    { name: 'dce', about: 'drops what nothing needs', run: dce },
    // While the batch is a symbol: one gradient serves all batches.
    differentiation(params, table),
  ];
}

/** Model with a loss -> parameters and states after an update. */
function updatePipeline(o: StepOptions, { packing, optimizer }: Phase, half: boolean): readonly Pass[] {
  return [
    // In front of the gradients, so that they are those of the scaled loss.
    ...(half ? [LOSS_SCALE] : []),
    // While parameters still have names of their own.
    ...gradientPipeline(
      packing.params.map((p) => p.name),
      o.table,
    ),
    // Behind the gradients, which are asked for by the parameters' names.
    packInto(o.phases.map((p) => p.packing)),
    // Products of the backward pass are rounded too, and updates are not.
    ...(half ? [ROUND] : []),
    // Last, as it turns gradients, which are outputs by now, into writes.
    { name: 'optimize', about: 'adds the update of the parameters', run: (g) => optimize(withoutPrediction(g), packing, optimizer) },
  ];
}

/** Updates by one loss after the other, each with what the ones before it left. */
function phases(graph: Graph, o: StepOptions): Graph {
  const losses = o.phases.map((p) => p.loss);
  const [first, ...rest] = o.phases.map((phase, i) => {
    const updated = runPasses(phaseOf(graph, phase.loss, o.uses, losses), updatePipeline(o, phase, false));
    if (i === 0) return updated;
    // What is reported beside the losses belongs to the first of them.
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
    // Behind the gradients: rows are looked up once, and nothing flows back through the look-up.
    { name: 'feed', about: 'takes the examples from the data on the device', run: (g) => feed(g, o.feed) },
    // Behind `feed`, whose rows are a batch, and in front of all that weighs sizes.
    bind(o.batch),
    // Once everything is there: gradients and updates share what they have in common.
    ...CLEAN,
    // Behind the laws, which would find what is computed twice and join it again.
    ...(o.recompute > 0
      ? [{ name: 'recompute', about: 'computes the forward pass again in parts', run: (g: Graph) => recompute(g, o.recompute) }]
      : []),
    // Of what is kept even so, and behind `cse` for the same reason.
    { name: 'rematerialize', about: 'computes large, cheap values again instead of keeping them', run: rematerialize },
    // When it is settled which products there are; the laws would not know them again in parts.
    { name: 'split-sums', about: 'cuts long sums of products with few results into parts', run: splitSums },
    // Last: values of which all readers have copies now.
    { name: 'dce', about: 'drops what nothing needs', run: dce },
  ];
}

/** Model -> prediction for `batch` examples, or the loss of held-out ones. */
export function predictPipeline(packings: readonly Packing[], batch: number, precision: Precision): readonly Pass[] {
  return [
    // The same vectors as in training, which hold the weights.
    packInto(packings),
    // As in training, so that predictions are those of the net that was trained.
    ...(precision === 'f16' ? [ROUND] : []),
    // In front of the laws, some of which need numbers for dimensions.
    bind(batch),
    // Last: what the passes above leave behind is tidied up for the scheduler.
    ...CLEAN,
  ];
}

/** Model with a loss -> the values that somebody looks at, at the examples of a step. */
export function watchPipeline(o: {
  readonly watched: readonly Watched[];
  readonly packings: readonly Packing[];
  readonly feed: Feed;
  readonly precision: Precision;
}): readonly Pass[] {
  return [
    // While everything still has the names of the program.
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
