import type { Dim } from '../../base/types.ts';
import type { ScalarExpr } from '../../base/scalar.ts';
import type { GraphBuilder } from '../../ir/graph/builder.ts';
import type { Graph, NodeId } from '../../ir/graph/types.ts';
import { rebuild } from './rewrite.ts';

/** How a step finds its examples among the `rows` of the data on the device. */
export interface Feed {
  readonly rows: number;
  /** `rows` is only an upper bound; the actual number is known when a step runs. */
  readonly capacity: boolean;
  /** Rows of a full batch; the examples of a step start at a multiple of it. */
  readonly batch: number;
  /** A new order in every epoch, computed from the seed, or `given`: an input named `order` with one epoch after another. */
  readonly shuffle: boolean | 'given';
  readonly stepsPerEpoch: number;
  readonly epochs: number;
  /** The device holds the rows of so many steps at once, in their order, and the host brings those of the next steps. */
  readonly window?: number | undefined;
}

/**
 * Replaces each input (one batch) by rows of the whole data set: all of them, or a gather of this step's rows. The rows depend on the step
 * alone, so no data moves during training.
 */
export function feed(graph: Graph, f: Feed): Graph {
  const whole = f.batch === f.rows && !f.shuffle && !f.capacity;
  let rows: NodeId | undefined;
  return rebuild(graph, (node, _inputs, b) => {
    if (node.op !== 'input' || whole) return undefined;
    const held = f.window === undefined ? f.rows : f.window * f.batch;
    const data = b.add('input', [], node.attrs, { dtype: node.type.dtype, shape: [held, ...node.type.shape.slice(1)] });
    rows ??= rowIndex(b, f, node.type.shape[0] as Dim);
    return b.op('gather', data, rows);
  });
}

/** The steps of an epoch. */
const stepsIn = (f: Feed): ScalarExpr => (f.capacity ? ['idiv', ['add', 'rows', f.batch - 1], f.batch] : f.stepsPerEpoch);

/** i32 [batch]: the rows of this step. */
function rowIndex(b: GraphBuilder, f: Feed, batch: Dim): NodeId {
  const type = { dtype: 'i32', shape: [batch] } as const;
  const scalar = (name: string, expr: ScalarExpr): NodeId => b.add('scalar', [], { name, expr }, { dtype: 'i32', shape: [] });
  const steps = f.window ?? stepsIn(f);
  const start = scalar('first_row', ['mul', ['mod', 'step', steps], f.batch]);
  const next = b.op('add', b.add('iota', [], { axis: 0 }, type), b.splat(start, [batch]));
  if (f.window !== undefined) return next;
  const rows = f.capacity ? scalar('rows', 'rows') : b.full(f.rows, { dtype: 'i32', shape: [] });
  // Every step has a full batch: the last one of an epoch wraps around to the first rows of its order.
  const place = f.capacity ? b.op('mod', next, b.splat(rows, [batch])) : next;
  if (!f.shuffle) return place;
  if (f.shuffle === 'given') {
    const order = b.add('input', [], { name: 'order' }, { dtype: 'i32', shape: [f.epochs * f.rows] });
    const base = scalar('epoch_row', ['mul', ['idiv', 'step', steps], f.rows]);
    return b.op('gather', order, b.op('add', place, b.splat(base, [batch])));
  }
  const epoch = scalar('epoch', ['idiv', 'step', steps]);
  return b.op('shuffle', place, rows, scalar('seed', 'seed'), epoch);
}
