import { describe, expect, it } from 'vitest';
import { check } from '../../src/compile.ts';

const shapes = (text: string): readonly (readonly number[])[] => {
  const { model, diagnostics } = check({ name: 'p.nn', text });
  expect(diagnostics.map((d) => d.label)).toEqual([]);
  return model?.params.map((p) => p.shape) ?? [];
};

describe('sizes that are computed', () => {
  it.each([
    ['an element of a list behind', 'let s = [3, 8]\nlayer Linear(3, s[1])'],
    ['an element of a list in front', 'let s = [3, 8]\nlayer Linear(s[0], s[-1])'],
    ['a let of a maximum', 'let n = max(8, 3)\nlayer Linear(3, n)'],
    ['a let of a whole quotient', 'let n = int(17 / 2)\nlayer Linear(min(3, 4), n)'],
    ['functions in place', 'layer Linear(floor(sqrt(9)), round(7.5))'],
    ['an absolute value', 'layer Linear(3, abs(-8))'],
    ['arithmetic with a let', 'let h = max(2, 4)\nlayer Linear(3, 2 * h)'],
    ['an argument of a block', 'block Wide(n) { Linear(3, n) }\ninput x: [3]\nlet s = [8]\nlayer w: Wide(s[0])'],
  ])('%s', (_what, text) => {
    expect(shapes(text)).toEqual([[8, 3], [8]]);
  });

  it('a value that depends on the input is none', () => {
    const { diagnostics } = check({ name: 'p.nn', text: 'input x: [3]\nlet n = sum(x)\nlayer Linear(3, n)' });
    expect(diagnostics[0]).toMatchObject({ code: 'NN204', label: "'n' is not known while compiling" });
    expect(diagnostics[0]?.help).toContain('elements of lists');
  });
});
