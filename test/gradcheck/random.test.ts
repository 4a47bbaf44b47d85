import { describe, expect, it } from 'vitest';
import { VJP, type VjpRule, type VjpTable } from '../../src/autodiff/vjp.ts';
import { gradcheck } from '../../src/gradcheck.ts';
import type { Graph, Op } from '../../src/ir/graph/types.ts';
import { bindBatch, select } from '../../src/passes/graph/cleanup.ts';
import { gradientPipeline, runPasses } from '../../src/passes/pipeline.ts';
import { examples, places } from '../../src/gradcheck/places.ts';
import { evaluate } from '../../src/reference/evaluate.ts';
import type { Model } from '../../src/sema/model.ts';
import { model } from '../support/programs.ts';
import { randomProgram } from '../support/random-program.ts';
import { Random } from '../support/random.ts';

/** Random programs pass, and fail with a broken rule; `NNC_FUZZ=5000 npx vitest run test/gradcheck/random.test.ts` tries more. */
const TRIES = Number(process.env['NNC_FUZZ'] ?? 20);
const FROM = Number(process.env['NNC_FROM'] ?? 0);
const PER_TEST = 10;
const ROWS = 3;

/** A rule gone wrong by a factor, in one operand or all. */
function broken(op: Op, factor: number): VjpTable {
  const rule = VJP[op] as VjpRule<Op>;
  const wrong: VjpRule<Op> = (cx, ct) => rule(cx, ct).map((g) => g && cx.b.op('mul', g, cx.b.like(factor, g)));
  return { ...VJP, [op]: wrong };
}

/** All gradients at the first place. */
function gradients(m: Model, training: Graph, seed: number, table: VjpTable): Float64Array {
  const names = m.params.map((p) => p.name);
  const grads = bindBatch(runPasses(training, gradientPipeline(names, table)), ROWS);
  const inputs = examples(bindBatch(select(training, ['loss']), ROWS), m, undefined, seed);
  const state = places(m, seed)[0]?.state ?? new Map<string, Float64Array>();
  const value = evaluate(grads, { inputs, state, scalars: { step: 0, seed, total: 1 } });
  const outputs = Object.entries(grads.outputs).filter(([name]) => name.startsWith('grad:'));
  return Float64Array.from(outputs.flatMap(([, id]) => [...value(id).data]));
}

function trial(seed: number): string | undefined {
  const text = randomProgram(seed);
  const m = model(text).model;
  const { training } = m;
  if (!training) return `seed ${seed} has no loss`;
  const options = { rows: ROWS, seed, elements: 2 };
  const wrong = gradcheck(m, training, options).filter((r) => !r.ok || r.tried === 0);
  if (wrong.length > 0) return `seed ${seed}: ${JSON.stringify(wrong.map((r) => ({ ...r, param: r.param.name })))}\n${text}`;
  const r = new Random(seed);
  const ops = [...new Set(training.nodes.map((n) => n.op))].filter((op) =>
    training.nodes.some((n) => n.op === op && n.type.dtype === 'f32' && n.inputs.length > 0),
  );
  const op = r.pick(ops);
  const table = broken(op, r.pick([2, -1, 0, 1.01]));
  const [right, off] = [gradients(m, training, seed, VJP), gradients(m, training, seed, table)];
  const scale = right.reduce((a, v) => Math.max(a, Math.abs(v)), 0);
  const apart = right.reduce((a, v, i) => Math.max(a, Math.abs(v - (off[i] ?? 0))), 0);
  // It may be that nothing flows through it.
  if (apart <= 1e-6 * scale) return undefined;
  return gradcheck(m, training, { ...options, table }).some((q) => !q.ok)
    ? undefined
    : `seed ${seed}: ${op} is broken, and nobody sees\n${text}`;
}

describe('gradcheck of random programs', () => {
  it.each(Array.from({ length: Math.ceil(TRIES / PER_TEST) }, (_, i) => FROM + i * PER_TEST))(
    'from seed %i on passes, and finds a broken rule',
    (first) => {
      const found: string[] = [];
      for (let seed = first; seed < first + PER_TEST; seed++) {
        const wrong = trial(seed);
        if (wrong !== undefined) found.push(wrong);
      }
      expect(found.join('\n')).toBe('');
    },
  );
});
