import type { Plateau } from '../../base/plateau.ts';
import type { NodeId } from '../../ir/graph/types.ts';
import { LR, T, isStart, type UpdateContext } from './update.ts';

/** Larger than any loss. */
const WORST = 3e38;

/**
 * The factor on each parameter's rate in this step, [n]. The host fixes the rates of many steps before the first of them runs, so the
 * counters of the scheduler are states on the device. They count skipped steps too, since a scheduler knows nothing of these. Rates that
 * differ reach the minimum at different times, so each has its own factor, which `told` hears of.
 */
export function plateauShare(
  cx: Pick<UpdateContext, 'b' | 'slot' | 'record' | 'scalar' | 'each'>,
  loss: NodeId,
  plan: Plateau,
  told: (share: NodeId, i: number) => void,
): NodeId {
  const { b } = cx;
  const number = (value: number): NodeId => b.full(value, { dtype: 'f32', shape: [] });
  const select = (c: NodeId, x: NodeId, y: NodeId): NodeId => b.op('select', c, x, y);
  const [zero, one] = [number(0), number(1)];
  const first = isStart(cx, zero, 'plateau_steps');
  const slot = (name: string): NodeId => cx.slot(`plateau_${name}`, []);
  const best = select(first, number(WORST), slot('best'));

  const due = b.op('lt', cx.scalar('plateau_place', ['mod', T, plan.every], []), number(0.5));
  const sum = b.op('add', slot('sum'), loss);
  const mean = b.op('div', sum, number(plan.every));
  const bar = plan.threshold_mode === 'rel' ? b.op('mul', best, number(1 - plan.threshold)) : b.op('sub', best, number(plan.threshold));
  const better = b.op('lt', mean, bar);
  const cooling = b.op('lt', zero, slot('cooldown'));
  const left = select(cooling, b.op('sub', slot('cooldown'), one), zero);
  const bad = select(b.op('or', better, cooling), zero, b.op('add', slot('bad'), one));
  const reduces = b.op('lt', number(plan.patience), bad);

  const keep = (name: string, before: NodeId, next: NodeId): void => cx.record(`plateau_${name}`, select(due, next, before));
  keep('sum', sum, zero);
  keep('best', best, select(better, mean, best));
  keep('cooldown', slot('cooldown'), select(reduces, number(plan.cooldown), left));
  keep('bad', slot('bad'), select(reduces, zero, bad));
  return cx.each('plateau_lr', LR, (lr, i) => {
    const name = i === 0 ? 'share' : `share_${i}`;
    const share = select(first, one, slot(name));
    const lower = b.op('max', b.op('mul', share, number(plan.factor)), b.op('div', number(plan.min_lr), lr));
    const matters = b.op('lt', number(plan.eps), b.op('mul', b.op('sub', share, lower), lr));
    keep(name, share, select(b.op('and', reduces, matters), lower, share));
    told(share, i);
    return share;
  });
}
