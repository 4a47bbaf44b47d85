import type { NodeId } from '../../ir/graph/types.ts';
import { T, rest, slotName, times, type UpdateContext } from './update.ts';

/** The state that holds the average of the parameters. */
export const AVERAGE = slotName('average');

/**
 * The exponential moving average of the parameters: a * average + (1 - a) * parameters. The average begins at the initial parameters, which
 * soon lose their weight: a is at most (1 + t) / (10 + t) in step t (as TensorFlow's ExponentialMovingAverage does with `num_updates`).
 */
export function averaged(cx: UpdateContext, next: NodeId, decay: number): void {
  const a = ['min', decay, ['div', ['add', 1, T], ['add', 10, T]]] as const;
  const old = times(cx, cx.slot('average'), a, 'average_decay');
  cx.keep('average', cx.b.op('add', old, times(cx, next, rest(a), 'average_share')));
}
