import { describe, expect, it } from 'vitest';
import { at } from '../../src/base/errors.ts';
import { count, type Shape } from '../../src/base/types.ts';
import { loopsOf } from '../../src/ir/graph/scan.ts';
import type { Graph } from '../../src/ir/graph/types.ts';
import { bindBatch, dce } from '../../src/passes/graph/cleanup.ts';
import { evaluate } from '../../src/reference/evaluate.ts';
import { distance } from '../../src/verify/run-graph.ts';
import { uniformAt } from '../../src/base/random.ts';
import { model } from '../support/programs.ts';

const ROWS = 3;

/** The prediction of a program, with weights and inputs that depend on their order alone. */
function predicted(text: string): { readonly data: Float64Array; readonly graph: Graph; readonly names: readonly string[] } {
  const m = model(`${text}\nloss mse`).model;
  const graph = dce(bindBatch(m.predict, ROWS));
  const fill = (n: number, stream: number): Float64Array => Float64Array.from({ length: n }, (_, i) => 2 * uniformAt(7, stream, 0, i) - 1);
  const state = new Map(m.params.map((p, i) => [p.name, fill(count(p.shape), 10 + i)]));
  const sizeOf = (shape: Shape): number => shape.reduce<number>((n, d) => n * (typeof d === 'number' ? d : ROWS), 1);
  const inputs = new Map(m.inputs.map(({ name, type }, i) => [name, fill(sizeOf(type.shape), i)]));
  const value = evaluate(graph, { inputs, state, scalars: { step: 3, seed: 5, total: 10 } });
  return { data: value(graph.outputs['pred'] ?? at(Object.values(graph.outputs), 0)).data, graph, names: m.params.map((p) => p.name) };
}

const same = (a: string, b: string): void => {
  const [p, q] = [predicted(a), predicted(b)];
  expect(loopsOf(p.graph.nodes).length).toBeGreaterThan(0);
  expect(p.data.length).toBe(q.data.length);
  expect(distance(p.data, q.data, 1)).toBeLessThan(1e-12);
};

describe('scan', () => {
  const lstm = `block Cell(d, h, c) {
  let i, f, g, o = (x -> ih: Linear(4, 4*d)) + (h -> hh: Linear(d, 4*d)) -> split(4)
  let next = sigmoid(f) * c + sigmoid(i) * tanh(g)
  [sigmoid(o) * tanh(next), next]
}
input x: [6, 4]
`;
  const byHand = (places: string): string => `block Step(h, c) {
  LSTMCell(x, h, c, 4, 5)
}
input x: [6, 4]
layer scan(Step(h, c), h=zeros(5), c=zeros(5)${places})`;

  it('is LSTM, written with LSTMCell', () => {
    same(byHand(''), 'input x: [6, 4]\nlayer LSTM(4, 5)');
    same(byHand(', last=true'), 'input x: [6, 4]\nlayer LSTM(4, 5, last=true)');
  });

  it('has names like stages around others', () => {
    expect(predicted(`${lstm}layer rnn: scan(cell: Cell(5, h, c), h=zeros(5), c=0, last=true)`).names).toEqual([
      'rnn.cell.ih.weight',
      'rnn.cell.ih.bias',
      'rnn.cell.hh.weight',
      'rnn.cell.hh.bias',
    ]);
    expect(predicted('input x: [3, 4]\nlayer Linear(4, 4) -> scan(Linear(4, 4) + h, h=0)').names).toEqual([
      '0.weight',
      '0.bias',
      '1.0.weight',
      '1.0.bias',
    ]);
  });

  it('is what the places are one after the other', () => {
    const places = [0, 1, 2].map((i) => `let h${i + 1} = tanh(0.5 * x[:, ${i}] + 0.8 * h${i})`).join('\n');
    same(
      'block Cell(h) {\n  tanh(0.5 * x + 0.8 * h)\n}\ninput x: [3, 2]\nlayer scan(Cell(h), h=zeros(2), last=true)',
      `input x: [3, 2]\nlet h0 = zeros(2)\n${places}\nlayer h3`,
    );
  });

  it('begins at the last place with reverse, as a flip before and behind does', () => {
    const cell = 'block Cell(h) {\n  tanh(x + 0.7 * h)\n}\ninput x: [5, 2]\n';
    same(`${cell}layer scan(Cell(h), h=ones(2), reverse=true)`, `${cell}layer flip(1) -> scan(Cell(h), h=ones(2)) -> flip(1)`);
    same(`${cell}layer scan(Cell(h), h=ones(2), reverse=true, last=true)`, `${cell}layer flip(1) -> scan(Cell(h), h=ones(2), last=true)`);
  });

  it('gives an output of its own, and without states lets each place through', () => {
    same(
      'block Cell(h) {\n  let next = 0.5 * h + x\n  [next, next * x]\n}\ninput x: [4, 2]\nlayer scan(Cell(h), h=zeros(2))',
      'block Next(h) {\n  0.5 * h + x\n}\ninput x: [4, 2]\nlayer (x -> scan(Next(h), h=zeros(2))) * x',
    );
    same('input x: [4, 2]\nlayer scan(sin)', 'input x: [4, 2]\nlayer sin');
  });

  it('takes several sequences, and values that are the same everywhere', () => {
    const inputs = 'input a: [4, 2]\ninput b: [4, 2]\ninput w: [2]\n';
    const places = [0, 1, 2, 3].map((i) => `let h${i + 1} = 0.5 * h${i} + a[:, ${i}] * b[:, ${i}] + w`).join('\n');
    same(
      `block Cell(h, w) {\n  let p, q = x\n  0.5 * h + p * q + w\n}\n${inputs}layer [a, b] -> scan(Cell(h, w), h=zeros(2), last=true)`,
      `${inputs}let h0 = zeros(2)\n${places}\nlayer h4`,
    );
  });

  it('writes a loop in a loop out', () => {
    const rows = [0, 1, 2, 3].map((i) => `let h${i + 1} = g(x[:, ${i}]) + h${i}`).join('\n');
    same(
      'block Out(h) {\n  (x -> GRU(3, 4, last=true)) + h\n}\ninput x: [4, 5, 3]\nlayer scan(Out(h), h=zeros(4), last=true)',
      `input x: [4, 5, 3]\nlet g = share(GRU(3, 4, last=true))\nlet h0 = zeros(4)\n${rows}\nlayer h4`,
    );
  });

  it('counts with a state that has no batch', () => {
    const { data } = predicted('block Cell(n) {\n  [n + 1, n + 0 * x]\n}\ninput x: [4]\nlayer scan(Cell(n), n=0)');
    expect([...data]).toEqual([0, 1, 2, 3, 0, 1, 2, 3, 0, 1, 2, 3]);
  });

  it('draws at every place', () => {
    const m = model('input x: [40, 3]\nlayer scan(Dropout(0.5) + h, h=zeros(3))\nloss mse').model;
    const graph = dce(bindBatch(m.training as Graph, 1));
    expect(at(loopsOf(graph.nodes), 0)[0]?.attrs.body.nodes.map((n) => n.op)).not.toContain('uniform');
    const drawn = graph.nodes.filter((n) => n.op === 'uniform');
    expect(drawn.map((n) => n.type.shape)).toEqual([[40, 1, 3]]);
  });

  it('computes products that need no state before the loop', () => {
    const { graph } = predicted(`${lstm}layer scan(cell: Cell(5, h, c), h=zeros(5), c=zeros(5), last=true)`);
    const [loop] = at(loopsOf(graph.nodes), 0);
    expect(loop?.attrs.body.nodes.filter((n) => n.op === 'contract')).toHaveLength(1);
  });

  it('counts the operations of all places', () => {
    const flops = (places: number): number =>
      at(
        model(`input x: [${places}, 4]\nlayer scan(fc: Linear(4, 4) + h, h=zeros(4)) -> flatten -> Linear(${4 * places}, 1)\nloss mse`)
          .model.stages,
        0,
      ).flops;
    expect(flops(30)).toBe(10 * flops(3));
  });
});
