import { describe, expect, it } from 'vitest';
import { initialStream, initialValue } from '../../src/base/init.ts';
import { check } from '../../src/compile.ts';
import { renderAll } from '../../src/base/diagnostics.ts';

/** How a parameter starts: its shape and its numbers. */
function start(text: string): { readonly shape: readonly number[]; readonly values: readonly number[] } {
  const { script, diagnostics } = check({ name: 't.nn', text: `${text}\nprint w` });
  const w = script?.params.find((p) => p.name === 'w');
  if (!w) throw new Error(renderAll(diagnostics));
  return { shape: w.shape, values: Array.from(initialValue(w.init, w.shape, initialStream(1, 0))) };
}

describe('param starts as', () => {
  it.each([
    ['a list by its name', 'let r = [1, 2]\nparam w: [2] = r', [2], [1, 2]],
    ['a matrix made of nothing', 'param w: [2, 2] = eye(2)', [2, 2], [1, 0, 0, 1]],
    ['whole numbers', 'param w = arange(3)', [3], [0, 1, 2]],
    ['numbers at equal distances', 'param w: [3] = linspace(0, 1, 3)', [3], [0, 0.5, 1]],
    ['one number everywhere', 'param w = full([2], 3.0)', [2], [3, 3]],
    ['zeros of a shape', 'param w = zeros(2, 2)', [2, 2], [0, 0, 0, 0]],
    ['zeros of the shape that is said', 'param w: [3] = zeros', [3], [0, 0, 0]],
    ['arithmetic on a list', 'param w: [2] = [1, 2] / 2', [2], [0.5, 1]],
    ['arithmetic and a name', 'let n = 4\nparam w = -eye(2) * n + ones(2, 2)', [2, 2], [-3, 1, 1, -3]],
    ['a number for any shape', 'let s = 0.5\nparam w: [2] = s', [2], [0.5, 0.5]],
    ['functions of constants', 'param w = sqrt(transpose([[1, 4], [9, 16]]))', [2, 2], [1, 3, 2, 4]],
  ])('%s', (_what, text, shape, values) => {
    expect(start(text)).toEqual({ shape, values });
  });

  it.each([
    ['param w = randn(40, 100)', [40, 100], 0, 1],
    ['param w: [40, 100] = randn', [40, 100], 0, 1],
    ['param w = rand(4000)', [4000], 0.5, Math.sqrt(1 / 12)],
    ['param w = uniform(-1, 3, shape=[4000])', [4000], 1, 4 * Math.sqrt(1 / 12)],
    ['param w = normal(2, 0.5, shape=[4000])', [4000], 2, 0.5],
    ['param w: [4000] = normal(2, 0.5)', [4000], 2, 0.5],
  ])('random numbers: %s', (text, shape, mean, deviation) => {
    const w = start(text);
    const average = w.values.reduce((a, b) => a + b, 0) / w.values.length;
    expect(w.shape).toEqual(shape);
    expect(average).toBeCloseTo(mean, 1);
    expect(Math.sqrt(w.values.reduce((a, b) => a + (b - average) ** 2, 0) / w.values.length)).toBeCloseTo(deviation, 1);
  });
});
