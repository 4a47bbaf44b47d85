import { at } from '../../../src/base/errors.ts';
import { count, fixedShape } from '../../../src/base/types.ts';
import { compile } from '../../../src/compile.ts';
import { examples, places } from '../../../src/gradcheck/places.ts';
import { bindBatch, select } from '../../../src/passes/graph/cleanup.ts';
import { evaluate } from '../../../src/reference/evaluate.ts';
import { Random } from '../random.ts';
import { modelOf, ROWS, type Trial } from './trial.ts';

const LR = 0.1;

/**
 * What a whole step does to the weights, against the forward graph alone: differences of the loss in float64 and w - lr g by hand. Neither
 * differentiation nor packing, optimizing, simplifying or rematerializing is part of the oracle.
 */
export const steps: Trial = {
  about: 'whole steps against differences of the forward graph',
  run: (text, seed) => Promise.resolve(stepError(text, seed).wrong),
};

/** What is wrong, and in how many directions the slope could be compared. */
export function stepError(program: string, seed: number): { readonly wrong?: string; readonly compared: number } {
  const text = program
    .replace(/^optim.*$/m, `optim sgd lr=${LR}`)
    .replace(/^train.*$/m, 'train steps=2')
    .replace(/Dropout(2d)?\([^)]*\)/g, 'tanh')
    // Differences go through what gradients are kept from.
    .replaceAll('detach(', '(');
  const model = modelOf(text);
  if (!model.training) return { wrong: 'it has no loss', compared: 0 };
  const forward = bindBatch(select(model.training, ['loss']), ROWS);
  const { programs, plan } = compile(model, { rows: ROWS, devices: 'cpu' });
  const { source: graph } = at(programs, 0).schedule;
  const start = at(places(model, seed), 0).state;
  const inputs = examples(forward, model, undefined, seed);
  const scalars = { step: 0, seed, total: 10 };
  const lossAt = (state: ReadonlyMap<string, Float64Array>): number =>
    evaluate(forward, { inputs, state, scalars })(forward.outputs['loss'] ?? -1).data[0] ?? NaN;

  // The step keeps all parameters in one vector, and other states under their names.
  const state = new Map<string, Float64Array>();
  for (const n of graph.nodes) if (n.op === 'state') state.set(n.attrs.name, new Float64Array(count(fixedShape(n.type.shape))));
  for (const [name, values] of start) if (state.has(name)) state.set(name, values);
  const vector = state.get('params') ?? new Float64Array(0);
  const first = Math.min(...plan.params.filter((p) => start.has(p.name) && !state.has(p.name)).map((p) => p.offset));
  const packed = plan.params.filter((p) => model.params.some((q) => q.name === p.name));
  for (const p of packed) vector.set(start.get(p.name) ?? [], p.offset - first);
  const step = evaluate(graph, { inputs, state, scalars });
  const written = graph.writes.find((w) => w.state === 'params');
  const after = written ? step(written.value).data : new Float64Array(0);

  const r = new Random(seed);
  let compared = 0;
  for (const p of packed) {
    const base = start.get(p.name) ?? new Float64Array(0);
    const direction = Float64Array.from(base, () => r.between(-1, 1));
    const along = (h: number): number => lossAt(new Map([...start, [p.name, base.map((v, i) => v + h * at([...direction], i))]]));
    const slope = (h: number): number => (along(h) - along(-h)) / (2 * h);
    const [coarse, fine] = [slope(2e-5), slope(1e-5)];
    const scale = Math.max(1e-3, Math.abs(fine));
    // At a kink differences do not agree with one another.
    if (!(Math.abs(coarse - fine) < 1e-4 * scale)) continue;
    const moved = base.reduce((sum, v, i) => sum + ((v - (after[p.offset - first + i] ?? NaN)) / LR) * (direction[i] ?? 0), 0);
    if (!(Math.abs(moved - fine) / scale < 1e-3)) return { wrong: `${p.name}: the step has ${moved}, differences ${fine}`, compared };
    compared++;
  }
  return { compared };
}
