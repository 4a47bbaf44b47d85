import { CompilerBug, get } from '../../base/errors.ts';
import type { Plateau } from '../../base/plateau.ts';
import type { ScalarExpr } from '../../base/scalar.ts';
import { fixedShape } from '../../base/types.ts';
import { GraphBuilder } from '../../ir/graph/builder.ts';
import type { Graph, NodeId } from '../../ir/graph/types.ts';
import { RATE_SHARE, gradOutput } from '../../base/outputs.ts';
import { SCALED_LOSS, unscale } from './loss-scale.ts';
import { accumulate, perUpdate } from './accumulate.ts';
import { averaged } from './moving-average.ts';
import { UPDATES } from './optimizers.ts';
import { paramVector, type Packing } from './pack.ts';
import { plateauShare } from './plateau.ts';
import { Rates } from './rates.ts';
import { LR, T, isStart, slotName, type Rate, type Settings, type UpdateContext } from './update.ts';

/** A setting as a node of a given shape. */
type Spread = (name: string, expr: ScalarExpr, shape: readonly number[]) => NodeId;

/** Clips the gradients' norm as torch.nn.utils.clip_grad_norm_ does: g * min(1, limit / (|g| + 1e-6)). */
function clipped(b: GraphBuilder, g: NodeId, limit: ScalarExpr, spread: Spread): NodeId {
  if (limit === 0) return g;
  const norm = b.op('sqrt', b.sum(b.op('mul', g, g), [0]));
  const factor = b.op('min', b.like(1, norm), b.op('div', spread('clip', limit, []), b.op('add', norm, b.like(1e-6, norm))));
  return b.op('mul', g, b.splat(factor, b.shape(g)));
}

/** Clamps each gradient to +-limit, as torch.nn.utils.clip_grad_value_ does. */
function limited(b: GraphBuilder, g: NodeId, limit: ScalarExpr, spread: Spread, n: number): NodeId {
  if (limit === 0) return g;
  const most = spread('clip_value', limit, [n]);
  return b.op('max', b.op('neg', most), b.op('min', most, g));
}

/**
 * Lookahead (Zhang et al., 2019): every k steps the slow weights move a share of the way to the fast ones, which continue from there. The
 * optimizer's own state is not changed.
 */
function lookedAhead(cx: UpdateContext, next: NodeId, k: number, share: number): NodeId {
  if (k === 0) return next;
  const { b } = cx;
  const slow = b.op('select', cx.first(cx.p), cx.p, cx.slot('slow'));
  const due = b.op('lt', cx.scalar('lookahead', ['mod', T, k]), b.like(0.5, next));
  const moved = b.op('add', slow, b.op('mul', b.like(share, next), b.op('sub', next, slow)));
  cx.keep('slow', b.op('select', due, moved, slow));
  return b.op('select', due, moved, next);
}

/** Set by the first step that is not skipped. */
const STARTED = 'started';

/** How parameters are updated. */
export interface Optimizer {
  readonly name: string;
  readonly settings: Settings;
  readonly plateau?: Plateau | undefined;
  /** Updates after so many steps; 1 by default. */
  readonly accumulate?: number | undefined;
  /** The decay of the parameters' moving average, if there is one. */
  readonly ema?: number | undefined;
}

/**
 * Appends the optimizer's update: concatenates the gradients of all parameters, updates the whole vector at once, and writes the states.
 * Removes the gradient outputs, since nothing else needs them.
 */
export function optimize(
  graph: Graph,
  packing: Packing,
  { name: optimizer, settings, plateau, accumulate: every = 1, ema }: Optimizer,
): Graph {
  const update = UPDATES[optimizer];
  if (!update) throw new CompilerBug(`no update rule for '${optimizer}'`);
  const { params, size } = packing;
  const b = new GraphBuilder(graph.name, graph);
  const type = { dtype: 'f32', shape: [size] } as const;
  const outputs = new Map(Object.entries(b.outputs));
  const known = new Map(Object.entries(settings));
  const anySetting = (name: string): ScalarExpr => get(known, name, 'setting') as ScalarExpr;
  const perStep = (rate: Rate): Rate => (typeof rate === 'function' ? (s) => perUpdate(rate(s), every) : perUpdate(rate, every));
  const common = (name: string): ScalarExpr => (known.has(name) ? anySetting(name) : 0);
  const set = (name: string): ScalarExpr => {
    if (packing.regions.some((r) => r.settings[name] !== undefined)) throw new CompilerBug(`'${name}' differs by group`);
    return anySetting(name);
  };
  const rates = new Rates(b, packing, anySetting);
  const spread: Spread = (name, expr, shape) =>
    typeof expr === 'number' ? b.full(expr, { dtype: 'f32', shape }) : rates.node(name, expr, shape);
  b.within({ name: `optim ${optimizer}`, loc: undefined }, () => {
    const p = paramVector(b, packing);
    const parts = params.map((q) => {
      const id = outputs.get(gradOutput(q.name));
      // Frozen parameters do not count in the norm of the gradients either.
      const none = id === undefined || q.offset >= packing.trained;
      return none ? b.full(0, { dtype: 'f32', shape: [q.size] }) : b.reshape(id, [q.size]);
    });
    const all = b.add('concat', parts, { axis: 0 });
    const scaling = outputs.has(SCALED_LOSS) ? unscale(b, all) : undefined;
    const good = scaling?.commit ?? ((next: NodeId): NodeId => next);
    const gathered = every > 1 ? accumulate(b, scaling?.g ?? all, every, good) : { g: scaling?.g ?? all, commit: good };
    const { commit } = gathered;
    const joined = limited(b, gathered.g, common('clip_value'), spread, size);
    const upwards = clipped(b, joined, common('clip'), spread);
    const g = settings['maximize'] === true ? b.op('neg', upwards) : upwards;
    const slot = (name: string, shape: readonly number[] = type.shape): NodeId =>
      b.add('state', [], { name: slotName(name) }, { dtype: 'f32', shape });
    const record = (name: string, value: NodeId): void => void b.writes.push({ state: slotName(name), value });
    const keep = (name: string, value: NodeId): void => record(name, commit(value, slot(name, b.shape(value) as number[])));
    // The scheduler looks at every step, whether it updates or not.
    const perSteps: UpdateContext['scalar'] = (name, rate, shape = type.shape) => rates.node(name, rate, shape);
    const scalar: UpdateContext['scalar'] = (name, rate, shape = type.shape) => rates.node(name, perStep(rate), shape);
    // If steps may be skipped, the first real step need not be step 0; only the device knows which one it is.
    let asked = false;
    const first = (x: NodeId): NodeId => {
      if (!scaling) return isStart({ b, scalar }, x);
      asked = true;
      return b.splat(b.op('lt', slot(STARTED, []), b.full(0.5, { dtype: 'f32', shape: [] })), b.shape(x));
    };
    const cx: UpdateContext = {
      b,
      p,
      g,
      parts: params.map((q) => ({
        shape: fixedShape(q.shape),
        offset: q.offset,
        size: q.size,
        scalar: (name, rate, shape) => rates.nodeAt(q.offset, name, perStep(rate), shape),
        decays: q.offset < packing.decayed,
      })),
      slot,
      keep,
      record,
      first,
      scalar,
      each: (name, rate, of) => rates.each(name, perStep(rate), of),
      plain: (rate) => rates.plain(rate),
      uniform: (rate) => rates.uniform(rate),
      set,
      flag: (name) => settings[name] === true,
      pair: (name) => settings[name] as readonly [ScalarExpr, ScalarExpr],
      decayed: (x, other) =>
        packing.decayed === size ? x : packing.decayed === 0 ? other : b.op('select', rates.before(packing.decayed), x, other),
    };
    const whole = update(cx);
    // The rate scales the whole step, weight decay included.
    const usual = rates.usual(LR);
    const share =
      plateau &&
      plateauShare({ ...cx, scalar: perSteps, each: (...r) => rates.each(...r) }, get(outputs, 'loss', 'output'), plateau, (id, i) => {
        if (i === usual) b.outputs[RATE_SHARE] = id;
      });
    const stepped = share === undefined ? whole : b.op('add', p, b.op('mul', share, b.op('sub', whole, p)));
    const [k, alpha] = (settings['lookahead'] ?? [0, 0]) as readonly [number, number];
    const value = lookedAhead(cx, stepped, k, alpha);
    if (asked) keep(STARTED, b.full(1, { dtype: 'f32', shape: [] }));
    const next = packing.trained === size ? value : b.op('select', rates.before(packing.trained), value, p);
    if (ema !== undefined) averaged(cx, next, ema);
    b.writes.push({ state: packing.vector, value: commit(next, p) });
  });
  const kept = Object.entries(b.outputs).filter(([name]) => name !== SCALED_LOSS && !params.some((q) => gradOutput(q.name) === name));
  return { ...b.graph(), outputs: Object.fromEntries(kept) };
}
