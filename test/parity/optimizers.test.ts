import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { at } from '../../src/base/errors.ts';
import { renderAll } from '../../src/base/diagnostics.ts';
import { evalScalar, type ScalarExpr } from '../../src/base/scalar.ts';
import { fixedShape } from '../../src/base/types.ts';
import { distance, planGraph, runGraph } from '../../src/verify/run-graph.ts';
import { check } from '../../src/compile.ts';
import { GraphBuilder } from '../../src/ir/graph/builder.ts';
import type { Graph } from '../../src/ir/graph/types.ts';
import { cse, dce } from '../../src/passes/graph/cleanup.ts';
import { gradOutput } from '../../src/base/outputs.ts';
import { optimize } from '../../src/passes/graph/optimize.ts';
import { UPDATES } from '../../src/passes/graph/optimizers.ts';
import { packing } from '../../src/passes/graph/pack.ts';
import { simplify } from '../../src/passes/graph/simplify.ts';
import { evaluate } from '../../src/reference/evaluate.ts';
import type { Model } from '../../src/sema/model.ts';
import { COMMON, OPTIMIZERS } from '../../src/sema/optimizers.ts';
import { SCHEDULES } from '../../src/sema/schedules.ts';
import { openSession } from '../support/run-graph.ts';

/**
 * Traces of PyTorch's optimizers, in float64: what becomes of the weights of a model under given gradients. `npm run parity`
 * writes them; where they come from stands in scripts/parity/optimizers.py.
 */
interface Trace {
  readonly nn: string;
  /** The weights after the steps that were written down. */
  readonly w: readonly (readonly number[])[];
  /** Gradients of its own. */
  readonly g?: readonly (readonly number[])[];
  /** States after the last step. */
  readonly state?: Readonly<Record<string, readonly number[]>>;
}

interface Traces {
  readonly model: string;
  readonly names: readonly string[];
  readonly seen: readonly number[];
  readonly losses: readonly number[];
  readonly w0: readonly number[];
  readonly g: readonly (readonly number[])[];
  readonly traces: readonly Trace[];
}

const read = (name: string): unknown => JSON.parse(readFileSync(`test/parity/values/${name}.json`, 'utf8'));
const all = read('optimizers') as Traces;
const schedules = read('schedules') as { readonly nn: string; readonly total: number; readonly values: readonly number[] }[];

function modelOf(optim: string): Model {
  const { model, diagnostics } = check({ name: 'trace.nn', text: `let base = 0.5\n${all.model}\nloss mse\n${optim}\n` });
  if (!model) throw new Error(renderAll(diagnostics));
  return model;
}

/** A step of an optimizer with gradients as inputs, the state that it starts from, and where parameters lie in the vector. */
function stepOf(nn: string) {
  const { optim, params } = modelOf(nn);
  if (!optim) throw new Error('no optimizer');
  const packed = packing(params, optim);
  const b = new GraphBuilder('trace');
  for (const p of params) b.outputs[gradOutput(p.name)] = b.add('input', [], { name: p.name }, { dtype: 'f32', shape: p.shape });
  b.outputs['loss'] = b.add('input', [], { name: 'loss' }, { dtype: 'f32', shape: [] });
  const plateau = optim.plateau && { ...optim.plateau, every: optim.plateau.every || 2 };
  const graph = optimize(b.graph(), packed, { ...optim, plateau });
  const { loss: _loss, ...outputs } = graph.outputs;
  const state = new Map<string, ArrayLike<number>>();
  for (const node of graph.nodes)
    if (node.op === 'state') state.set(node.attrs.name, new Float64Array(fixedShape(node.type.shape).reduce((p, d) => p * d, 1)));
  // From the order of the file to that of the vector.
  const offsets = new Map<string, number>();
  let offset = 0;
  for (const name of all.names) {
    offsets.set(name, offset);
    offset += packed.params.find((p) => p.name === name)?.size ?? 0;
  }
  const order = packed.params.flatMap((p) => Array.from({ length: p.size }, (_, i) => (offsets.get(p.name) ?? 0) + i));
  const toVector = (flat: readonly number[]): number[] => order.map((i) => at(flat, i));
  const inputs = (g: readonly number[], step: number): Map<string, ArrayLike<number>> => {
    const parts = packed.params.map(({ name, size }): [string, ArrayLike<number>] => {
      const start = offsets.get(name) ?? 0;
      return [name, g.slice(start, start + size)];
    });
    return new Map([...parts, ['loss', [at(all.losses, step)]]]);
  };
  state.set('params', toVector(all.w0));
  return { graph: { ...graph, outputs }, state, toVector, inputs };
}

type Step = ReturnType<typeof stepOf>;

/** Goes through the steps of a trace and compares where it was written down. */
async function follow(
  t: Trace,
  s: Step,
  tolerance: number,
  next: (given: {
    inputs: Map<string, ArrayLike<number>>;
    state: Map<string, ArrayLike<number>>;
    step: number;
  }) => Promise<Map<string, ArrayLike<number>>>,
): Promise<void> {
  for (const [step, g] of (t.g ?? all.g).entries()) {
    for (const [name, data] of await next({ inputs: s.inputs(g, step), state: s.state, step })) s.state.set(name, data);
    const seen = all.seen.indexOf(step);
    if (seen >= 0) expect(distance(s.state.get('params') ?? [], s.toVector(at(t.w, seen))), `step ${step}`).toBeLessThan(tolerance);
  }
  for (const [name, want] of Object.entries(t.state ?? {}))
    expect(distance(s.state.get(`optim.${name}`) ?? [], s.toVector(want)), name).toBeLessThan(tolerance);
}

const total = all.g.length;

/** Without one of its settings a line may be wrong. */
function attempt<T>(body: () => T): T | undefined {
  try {
    return body();
  } catch {
    return undefined;
  }
}

/** As the reference runs a step. */
function evaluated(graph: Graph): Parameters<typeof follow>[3] {
  return ({ inputs, state, step }) => {
    const run = evaluate(graph, { inputs, state, scalars: { step, seed: 0, total } });
    return Promise.resolve(new Map(graph.writes.map((w) => [w.state, run(w.value).data] as const)));
  };
}

describe("PyTorch's optimizer traces", () => {
  it('cover every optimizer of the language', () => {
    expect(new Set(Object.keys(UPDATES))).toEqual(new Set(Object.keys(OPTIMIZERS)));
  });

  it('would tell if a setting were ignored', async () => {
    const matters = new Set<string>();
    for (const t of all.traces) {
      const [, name = '', rest = ''] = /^optim (\w+) ?(.*)$/.exec(t.nn) ?? [];
      const settings = rest.match(/\w+(\[[^\]]*\])?(=(\([^)]*\)|\[[^\]]*\]|[\w.-]+(\((\([^)]*\)|[^()])*\))?))?/g) ?? [];
      for (const [i, one] of settings.entries()) {
        const without = `optim ${name} ${settings.filter((_, k) => k !== i).join(' ')}`;
        const key = (/^\w+/.exec(one) ?? [''])[0];
        const s = attempt(() => stepOf(without));
        const same =
          s &&
          (await follow(t, s, 1e-6, evaluated(s.graph)).then(
            () => true,
            () => false,
          ));
        if (same === false) matters.add(`${name} ${key}`).add(key);
      }
    }
    for (const [name, settings] of Object.entries(OPTIMIZERS))
      expect(
        Object.keys(settings).filter((key) => !matters.has(`${name} ${key}`)),
        name,
      ).toEqual([]);
    expect(Object.keys(COMMON).filter((key) => !matters.has(key))).toEqual([]);
  });

  it.each(all.traces)('$nn', async (t) => {
    const s = stepOf(t.nn);
    await follow(t, s, 1e-9, evaluated(s.graph));
  });

  it.each(all.traces.flatMap((t) => (['gpu', 'cpu'] as const).map((device) => ({ ...t, device }))))('$nn on the $device', async (t) => {
    const s = stepOf(t.nn);
    const planned = planGraph(dce(cse(simplify(s.graph))), 1, { devices: t.device });
    const session = await openSession(planned.plan, t.device);
    try {
      await follow(t, s, 1e-4, async (given) => new Map((await runGraph(planned, session, { ...given, total })).state));
    } finally {
      session.destroy();
    }
  });
});

describe("PyTorch's schedules, step by step", () => {
  it('cover every schedule of the language', () => {
    for (const name of Object.keys(SCHEDULES))
      expect(
        schedules.some((s) => s.nn.includes(`${name}(`)),
        name,
      ).toBe(true);
  });

  it.each(schedules)('$nn', ({ nn, total: steps, values }) => {
    const lr = modelOf(`optim sgd lr=${nn}`).optim?.settings['lr'] as ScalarExpr;
    values.forEach((want, step) => {
      expect(evalScalar(lr, { step, seed: 0, total: steps }), `step ${step}`).toBeCloseTo(want, 11);
    });
  });
});
