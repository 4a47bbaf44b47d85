import { describe, expect, it } from 'vitest';
import { DiagnosticSink } from '../../src/base/diagnostics.ts';
import type { Dim } from '../../src/base/types.ts';
import { check } from '../../src/compile.ts';
import { ModelBuilder } from '../../src/sema/model-builder.ts';
import { model } from '../support/programs.ts';

/** Which weights a share(...) has for itself, and which uses of it have them together. */
const namesOf = (text: string): string =>
  model(`${text}\nloss mse\noptim sgd lr=0.1\ntrain steps=1`)
    .model.params.map((p) => `${p.name}[${p.shape.join()}]`)
    .join(' ');

describe('shared weights', () => {
  it('are called by the let whose value is the share itself, wherever they are used', () => {
    expect(namesOf('let s = share(Linear(2, 2))\nlayer s -> tanh -> s')).toBe('s.weight[2,2] s.bias[2]');
  });

  it.each([
    ['let d = share(Linear(2, 8)) + share(Linear(2, 8))\nlayer d', '0.weight[8,2] 0.bias[8] 1.weight[8,2] 1.bias[8]'],
    ['layer share(Linear(2, 8)) + share(Linear(2, 8))', '0.weight[8,2] 0.bias[8] 1.weight[8,2] 1.bias[8]'],
    [
      'input x: [2]\nlet d = concat(share(Linear(2, 8)), share(Linear(2, 4)))\nlayer d -> Linear(12, 1)',
      '0.weight[8,2] 0.bias[8] 1.weight[4,2] 1.bias[4] 2.weight[1,12] 2.bias[1]',
    ],
    [
      'input x: [2]\nblock B() { let q = share(Linear(2, 2))\n x -> q -> q }\nlet s = share(B() -> tanh)\nlayer s -> s -> B()',
      's.0.q.weight[2,2] s.0.q.bias[2] 2.q.weight[2,2] 2.q.bias[2]',
    ],
    ['let s = share(share(Linear(2, 2)) -> tanh -> Linear(2, 2))\nlayer s -> s', 's.0.weight[2,2] s.0.bias[2] s.2.weight[2,2] s.2.bias[2]'],
  ])('each share has a set of its own: %s', (text, names) => {
    expect(namesOf(text)).toBe(names);
  });

  it('two layers in one share are two, and must have names', () => {
    const { diagnostics } = check({ name: 't.nn', text: 'layer share(Linear(2, 8) + Linear(2, 8))\nloss mse' });
    expect(diagnostics.map((d) => d.label)).toEqual(["a parameter is called '0.weight' already", "a parameter is called '0.bias' already"]);
  });

  it('do not change their shape from use to use', () => {
    const sink = new DiagnosticSink();
    const m = new ModelBuilder('test', false, sink);
    const span = { source: { name: 't.nn', text: 'x' }, start: 0, end: 1 };
    const own = new Set<string>();
    const use = (shape: readonly number[]): readonly Dim[] =>
      m.sharing(() => m.b.shape(m.param('w', shape, { kind: 'constant', value: 1 }, span, 'Linear')), own);
    expect([use([2, 3]), use([2, 3])]).toEqual([
      [2, 3],
      [2, 3],
    ]);
    expect(sink.errors).toEqual([]);
    expect(use([3, 3])).toEqual([3, 3]);
    expect(sink.errors.map((d) => d.label)).toEqual(["'w' is shared, and is [2, 3] elsewhere and [3, 3] here"]);
  });
});
