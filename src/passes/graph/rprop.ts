import type { NodeId } from '../../ir/graph/types.ts';
import { LR, spread, type UpdateContext } from './update.ts';

/**
 * Riedmiller and Braun, 1993, as in torch.optim.Rprop: only the signs of gradients count, and an element whose sign flips does not move.
 */
export function rprop(cx: UpdateContext): NodeId {
  const { b, g } = cx;
  const [less, more] = cx.pair('etas');
  const [smallest, largest] = cx.pair('step_sizes');
  const before = b.op('select', cx.first(g), cx.scalar('lr', LR), cx.slot('step_size'));
  const zero = b.like(0, g);
  // A product of the gradients themselves could underflow to 0.
  const agreement = b.op('mul', b.op('sign', g), b.op('sign', cx.slot('prev')));
  const turned = b.op('lt', agreement, zero);
  const goesOn = b.op('lt', zero, agreement);
  const factor = b.op('select', goesOn, spread(cx, g, more, 'eta_plus'), spread(cx, g, less, 'eta_minus'));
  const changed = b.op('mul', before, b.op('select', b.op('or', turned, goesOn), factor, b.like(1, g)));
  const size = b.op('min', b.op('max', changed, spread(cx, g, smallest, 'step_min')), spread(cx, g, largest, 'step_max'));
  const direction = b.op('select', turned, zero, g);
  cx.keep('step_size', size);
  cx.keep('prev', direction);
  return b.op('sub', cx.p, b.op('mul', b.op('sign', direction), size));
}
