import { VJP, type VjpRule, type VjpTable } from '../../../src/autodiff/vjp.ts';
import { gradcheck } from '../../../src/gradcheck.ts';
import { examples, places } from '../../../src/gradcheck/places.ts';
import type { Graph, Op } from '../../../src/ir/graph/types.ts';
import { bindBatch, select } from '../../../src/passes/graph/cleanup.ts';
import { gradientPipeline, runPasses } from '../../../src/passes/pipeline.ts';
import { evaluate } from '../../../src/reference/evaluate.ts';
import type { Model } from '../../../src/sema/model.ts';
import { Random } from '../random.ts';
import { modelOf, ROWS, type Trial } from './trial.ts';

/** A rule gone wrong by a factor, in one operand or all. */
function broken(op: Op, factor: number): VjpTable {
  const rule = VJP[op] as VjpRule<Op>;
  const wrong: VjpRule<Op> = (cx, ct) => rule(cx, ct).map((g) => g && cx.b.op('mul', g, cx.b.like(factor, g)));
  return { ...VJP, [op]: wrong };
}

/** All gradients at the first place. */
function gradientsOf(m: Model, training: Graph, seed: number, table: VjpTable): Float64Array {
  const names = m.params.map((p) => p.name);
  const grads = bindBatch(runPasses(training, gradientPipeline(names, table)), ROWS);
  const inputs = examples(bindBatch(select(training, ['loss']), ROWS), m, undefined, seed);
  const state = places(m, seed)[0]?.state ?? new Map<string, Float64Array>();
  const value = evaluate(grads, { inputs, state, scalars: { step: 0, seed, total: 1 } });
  const outputs = Object.entries(grads.outputs).filter(([name]) => name.startsWith('grad:'));
  return Float64Array.from(outputs.flatMap(([, id]) => [...value(id).data]));
}

/** Gradients agree with differences and forward mode, and a broken rule is found. */
export const gradients: Trial = {
  about: 'gradients against differences and forward mode, with right and broken rules',
  run(text, seed) {
    const m = modelOf(text);
    const { training } = m;
    if (!training) return Promise.resolve('it has no loss');
    const options = { rows: ROWS, seed, elements: 2 };
    const wrong = gradcheck(m, training, options).filter((r) => !r.ok || r.tried === 0);
    if (wrong.length > 0) return Promise.resolve(JSON.stringify(wrong.map((r) => ({ ...r, param: r.param.name }))));
    const r = new Random(seed);
    const ops = [...new Set(training.nodes.map((n) => n.op))].filter((op) =>
      training.nodes.some((n) => n.op === op && n.type.dtype === 'f32' && n.inputs.length > 0),
    );
    const op = r.pick(ops);
    const table = broken(op, r.pick([2, -1, 0, 1.01]));
    const [right, off] = [gradientsOf(m, training, seed, VJP), gradientsOf(m, training, seed, table)];
    const scale = right.reduce((a, v) => Math.max(a, Math.abs(v)), 0);
    const apart = right.reduce((a, v, i) => Math.max(a, Math.abs(v - (off[i] ?? 0))), 0);
    // It may be that nothing flows through it.
    const seen = apart <= 1e-6 * scale || gradcheck(m, training, { ...options, table }).some((q) => !q.ok);
    return Promise.resolve(seen ? undefined : `${op} is broken, and nobody sees`);
  },
};
