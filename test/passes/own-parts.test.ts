import { expect, it } from 'vitest';
import { at } from '../../src/base/errors.ts';
import { compile } from '../../src/compile.ts';
import type { Graph } from '../../src/ir/graph/types.ts';
import { ownParts } from '../../src/passes/graph/own-parts.ts';
import { rebuild } from '../../src/passes/graph/rewrite.ts';
import { evaluate } from '../../src/reference/evaluate.ts';
import { distance, randomInputs } from '../../src/verify/run-graph.ts';
import { model } from '../support/programs.ts';

const SUM = 'input x: [3]; block Both() { let a = x -> one: Linear(3, 4); a + (x -> other: Linear(3, 4)) }; layer Both() -> Linear(4, 1)';
const PLAIN = 'input x: [3]; layer Linear(3, 4) -> tanh -> Linear(4, 1)';

function trained(text: string) {
  const { programs } = compile(model(`${text}\nloss mse; optim adam lr=0.1`).model, { rows: 4, devices: 'cpu' });
  return at(programs, 0);
}

const copies = (g: Graph): number => g.nodes.filter((n) => n.op === 'detach').length;
/** The same without copies, as it was before. */
const without = (g: Graph): Graph => rebuild(g, (node, inputs) => (node.op === 'detach' ? at(inputs, 0) : undefined));

it('gradients that are in the vector twice are copied, and all parts are stored in their places', () => {
  const { schedule, kernels } = trained(SUM);
  // The weights of both have one gradient, and so have their biases.
  expect(copies(schedule.source)).toBe(2);
  const concat = schedule.source.nodes.find((n) => n.op === 'concat' && n.type.shape.length === 1);
  expect(new Set(concat?.inputs).size).toBe(concat?.inputs.length);
  // The update reads one vector of gradients, not its parts.
  const update = kernels['wasm']?.find((k) => k.name.includes('optim_adam') && !k.name.includes('detach'));
  expect(update?.buffers.filter((b) => b.name.startsWith('contract') || b.name.startsWith('reduce_sum'))).toEqual([]);
  expect(update?.buffers.some((b) => b.name.startsWith('concat'))).toBe(true);
});

it('copies change no number', () => {
  const g = trained(SUM).schedule.source;
  const before = without(g);
  expect(copies(ownParts(before))).toBe(2);
  const given = { ...randomInputs(g, () => undefined, 3), scalars: { step: 0, seed: 0, total: 10 } };
  const [p, q] = [evaluate(g, given), evaluate(before, given)];
  for (const w of g.writes) {
    const other = before.writes.find((o) => o.state === w.state);
    expect(distance(p(w.value).data, q(other?.value ?? -1).data, 1)).toBe(0);
  }
});

it('nothing is copied where all parts differ', () => {
  expect(copies(trained(PLAIN).schedule.source)).toBe(0);
});
