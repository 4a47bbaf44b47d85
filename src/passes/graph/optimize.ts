import { CompilerBug, get } from '../../base/errors.ts';
import type { ScalarExpr } from '../../base/scalar.ts';
import { fixedShape } from '../../base/types.ts';
import { GraphBuilder } from '../../ir/graph/builder.ts';
import type { Graph, NodeId } from '../../ir/graph/types.ts';
import { gradOutput } from './differentiate.ts';
import { SCALED_LOSS, unscale } from './loss-scale.ts';
import { UPDATES } from './optimizers.ts';
import { slotName, type Settings } from './update.ts';
import { PARAMS, paramVector, type Packing } from './pack.ts';

/** A setting as a node of the shape of another. */
type Spread = (name: string, expr: ScalarExpr, shape: readonly number[]) => NodeId;

/** Scales the gradients down to a norm, as torch.nn.utils.clip_grad_norm_ does: g * min(1, limit / (|g| + 1e-6)). */
function clipped(b: GraphBuilder, g: NodeId, limit: ScalarExpr, spread: Spread): NodeId {
  if (limit === 0) return g;
  const norm = b.op('sqrt', b.sum(b.op('mul', g, g), [0]));
  const factor = b.op('min', b.like(1, norm), b.op('div', spread('clip', limit, []), b.op('add', norm, b.like(1e-6, norm))));
  return b.op('mul', g, b.splat(factor, b.shape(g)));
}

/** Cuts each gradient off at +-limit, as torch.nn.utils.clip_grad_value_ does. */
function limited(b: GraphBuilder, g: NodeId, limit: ScalarExpr, spread: Spread, n: number): NodeId {
  if (limit === 0) return g;
  const most = spread('clip_value', limit, [n]);
  return b.op('max', b.op('neg', most), b.op('min', most, g));
}

/**
 * Appends the optimizer's update: gradients of all parameters joined to one vector, one update over it, writes to the
 * state. Takes the gradient outputs away, for nothing else needs them.
 */
export function optimize(graph: Graph, packing: Packing, optimizer: string, settings: Settings): Graph {
  const update = UPDATES[optimizer];
  if (!update) throw new CompilerBug(`no update rule for '${optimizer}'`);
  const { params, size } = packing;
  const b = new GraphBuilder(graph.name, graph);
  const type = { dtype: 'f32', shape: [size] } as const;
  const outputs = new Map(Object.entries(b.outputs));
  const known = new Map(Object.entries(settings));
  const set = (name: string): ScalarExpr => get(known, name, 'setting') as ScalarExpr;
  const spread: Spread = (name, expr, shape) =>
    typeof expr === 'number'
      ? b.full(expr, { dtype: 'f32', shape })
      : b.splat(b.add('scalar', [], { name, expr }, { dtype: 'f32', shape: [] }), shape);
  /** Whether an element lies before a border: what is decayed and what is trained come first. */
  const before = (border: number): NodeId => {
    const place = b.add('iota', [], { axis: 0 }, { dtype: 'i32', shape: [size] });
    return b.op('lt', place, b.like(border, place));
  };
  b.within({ name: `optim ${optimizer}`, loc: undefined }, () => {
    const p = paramVector(b, size);
    const parts = params.map((q) => {
      const id = outputs.get(gradOutput(q.name));
      return id === undefined ? b.full(0, { dtype: 'f32', shape: [q.size] }) : b.reshape(id, [q.size]);
    });
    const all = b.add('concat', parts, { axis: 0 });
    const scaling = outputs.has(SCALED_LOSS) ? unscale(b, all) : undefined;
    const commit = scaling?.commit ?? ((next: NodeId): NodeId => next);
    const joined = limited(b, scaling?.g ?? all, settings['clip_value'] === undefined ? 0 : set('clip_value'), spread, size);
    const g = clipped(b, joined, settings['clip'] === undefined ? 0 : set('clip'), spread);
    const slot = (name: string, shape: readonly number[] = type.shape): NodeId =>
      b.add('state', [], { name: slotName(name) }, { dtype: 'f32', shape });
    const value = update({
      b,
      p,
      g,
      parts: params.map((q) => ({ shape: fixedShape(q.shape), offset: q.offset, size: q.size })),
      slot,
      keep: (name, value) => b.writes.push({ state: slotName(name), value: commit(value, slot(name, b.shape(value) as number[])) }),
      // Even a plain number is the host's, so that runs that differ in it alone share their kernels.
      scalar: (name, expr, shape = type.shape) => b.splat(b.add('scalar', [], { name, expr }, { dtype: 'f32', shape: [] }), shape),
      set,
      flag: (name) => settings[name] === true,
      pair: (name) => settings[name] as readonly [number, number],
      decayed: (x, other) =>
        packing.decayed === size ? x : packing.decayed === 0 ? other : b.op('select', before(packing.decayed), x, other),
    });
    const next = packing.trained === size ? value : b.op('select', before(packing.trained), value, p);
    b.writes.push({ state: PARAMS, value: commit(next, p) });
  });
  const kept = Object.entries(b.outputs).filter(([name]) => name !== SCALED_LOSS && !params.some((q) => gradOutput(q.name) === name));
  return { ...b.graph(), outputs: Object.fromEntries(kept) };
}
