import { GraphBuilder } from '../../ir/graph/builder.ts';
import type { Graph, NodeId } from '../../ir/graph/types.ts';
import { slotName } from './update.ts';

/** The output that is differentiated instead of the loss. */
export const SCALED_LOSS = 'scaled_loss';

/** The initial scale, growth and backoff of torch.amp.GradScaler. */
const START = 65_536;
const GROWTH = 2;
const BACKOFF = 0.5;
const INTERVAL = 2000;
/** A larger scale gains nothing, and float32 itself might overflow. */
const MOST = 2 ** 24;

const SCALE = 'loss_scale';
const STEPS = 'growth_tracker';
const ONE = { dtype: 'f32', shape: [] } as const;

const state = (b: GraphBuilder, name: string): NodeId => b.add('state', [], { name: slotName(name) }, ONE);

/** The scale of this step; the state is 0 before the first step. */
function currentScale(b: GraphBuilder): NodeId {
  const kept = state(b, SCALE);
  return b.op('select', b.op('lt', kept, b.full(0.5, ONE)), b.full(START, ONE), kept);
}

/** Adds the loss times the scale, so that small gradients do not underflow in binary16. */
export function scaleLoss(graph: Graph, loss: NodeId): Graph {
  const b = new GraphBuilder(graph.name, graph);
  b.within({ name: 'loss scale' }, () => {
    b.outputs[SCALED_LOSS] = b.op('mul', loss, currentScale(b));
  });
  return b.graph();
}

/**
 * The unscaled gradients [n], and `commit`, which keeps the old value of a state if any gradient has overflowed. The scale grows after many
 * good steps and shrinks at once after a bad one.
 */
export function unscale(b: GraphBuilder, g: NodeId): { readonly g: NodeId; readonly commit: (next: NodeId, before: NodeId) => NodeId } {
  const scale = currentScale(b);
  const shape = b.shape(g);
  const wild = b.op('select', b.op('finite', g), b.like(0, g), b.like(1, g));
  const good = b.op('lt', b.add('reduce_max', [wild], { axes: [0] }), b.full(0.5, ONE));
  const steps = b.op('add', state(b, STEPS), b.full(1, ONE));
  const due = b.op('le', b.full(INTERVAL, ONE), steps);
  const grown = b.op('min', b.op('mul', scale, b.full(GROWTH, ONE)), b.full(MOST, ONE));
  const shrunk = b.op('max', b.op('mul', scale, b.full(BACKOFF, ONE)), b.full(1, ONE));
  const write = (name: string, value: NodeId): void => void b.writes.push({ state: slotName(name), value });
  write(SCALE, b.op('select', good, b.op('select', due, grown, scale), shrunk));
  write(STEPS, b.op('select', good, b.op('select', due, b.full(0, ONE), steps), b.full(0, ONE)));
  return {
    g: b.op('div', g, b.splat(scale, shape)),
    commit: (next, before) => b.op('select', b.splat(good, b.shape(next)), next, before),
  };
}
