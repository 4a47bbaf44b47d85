import { describe, expect, it } from 'vitest';
import { DiagnosticSink } from '../../src/base/diagnostics.ts';
import { check } from '../../src/compile.ts';

describe('a file that is walked as it predicts and as it trains', () => {
  it('tells what only the second walk finds', () => {
    const text = 'layer a: Linear(2, 1)\nprint [[1, 2]] -> aux: Linear(2, 1)\nloss mean(pred^2) + sum(print0.aux.weight^2)\noptim sgd';
    const { model, diagnostics } = check({ name: 'walk.nn', text });
    expect(model).toBeUndefined();
    expect(diagnostics.map((d) => d.code)).toEqual(['NN201']);
  });

  it('tells once what both find', () => {
    const span = (start: number) => ({ source: { name: 'a.nn', text: 'abc' }, start, end: 3 });
    const [one, other] = [new DiagnosticSink(), new DiagnosticSink()];
    one.warn('NN213', span(0), 'unused');
    one.error('NN201', undefined, 'nothing');
    other.warn('NN213', span(0), 'unused');
    other.warn('NN213', span(1), 'unused');
    other.error('NN201', undefined, 'nothing');
    other.error('NN201', span(0), 'nothing');
    one.add(other.all);
    expect(one.all.map((d) => [d.code, d.span?.start])).toEqual([
      ['NN213', 0],
      ['NN201', undefined],
      ['NN213', 1],
      ['NN201', 0],
    ]);
  });
});
