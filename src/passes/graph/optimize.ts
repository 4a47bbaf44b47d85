import { CompilerBug, get } from '../../base/errors.ts';
import type { ScalarExpr } from '../../base/scalar.ts';
import { GraphBuilder } from '../../ir/graph/builder.ts';
import type { Graph, NodeId } from '../../ir/graph/types.ts';
import { gradOutput } from './differentiate.ts';
import { UPDATES, type Settings } from './optimizers.ts';
import { PARAMS, paramVector, type PackedParam } from './pack.ts';

/** State that an optimizer keeps for each parameter, as `optim.exp_avg`. */
export const slotName = (slot: string): string => `optim.${slot}`;

/** Scales the gradients down to a norm, as torch.nn.utils.clip_grad_norm_ does: g * min(1, limit / (|g| + 1e-6)). */
function clipped(b: GraphBuilder, g: NodeId, limit: number): NodeId {
  if (limit === 0) return g;
  const norm = b.op('sqrt', b.sum(b.op('mul', g, g), [0]));
  const factor = b.op('min', b.like(1, norm), b.op('div', b.like(limit, norm), b.op('add', norm, b.like(1e-6, norm))));
  return b.op('mul', g, b.splat(factor, b.shape(g)));
}

/**
 * Appends the optimizer's update: gradients of all parameters joined to one vector, one update over it, writes to the
 * state. Takes the gradient outputs away, for nothing else needs them.
 */
export function optimize(graph: Graph, params: readonly PackedParam[], size: number, optimizer: string, settings: Settings): Graph {
  const update = UPDATES[optimizer];
  if (!update) throw new CompilerBug(`no update rule for '${optimizer}'`);
  const b = new GraphBuilder(graph.name, graph);
  const type = { dtype: 'f32', shape: [size] } as const;
  const outputs = new Map(Object.entries(b.outputs));
  b.within({ name: `optim ${optimizer}`, loc: undefined }, () => {
    const p = paramVector(b, size);
    const parts = params.map((q) => {
      const id = outputs.get(gradOutput(q.name));
      return id === undefined ? b.full(0, { dtype: 'f32', shape: [q.size] }) : b.reshape(id, [q.size]);
    });
    const g = clipped(b, b.add('concat', parts, { axis: 0 }), (settings['clip'] as number | undefined) ?? 0);
    const value = update({
      b,
      p,
      g,
      slot: (name) => b.add('state', [], { name: slotName(name) }, type),
      keep: (name, value) => b.writes.push({ state: slotName(name), value }),
      scalar: (name, expr): NodeId => b.splat(b.add('scalar', [], { name, expr }, { dtype: 'f32', shape: [] }), type.shape),
      num: (name) => get(new Map(Object.entries(settings)), name, 'setting') as number,
      rate: (name) => get(new Map(Object.entries(settings)), name, 'setting') as ScalarExpr,
      flag: (name) => settings[name] === true,
      pair: (name) => settings[name] as readonly [number, number],
    });
    b.writes.push({ state: PARAMS, value });
  });
  const kept = Object.entries(b.outputs).filter(([name]) => !params.some((q) => gradOutput(q.name) === name));
  return { ...b.graph(), outputs: Object.fromEntries(kept) };
}
