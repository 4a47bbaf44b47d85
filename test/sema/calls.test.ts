import { describe, expect, it } from 'vitest';
import { renderAll } from '../../src/base/diagnostics.ts';
import { check } from '../../src/compile.ts';
import { evaluate } from '../../src/reference/evaluate.ts';

/** The values that a program prints. */
function printed(text: string): number[][] {
  const { script, diagnostics } = check({ name: 't.nn', text });
  if (!script) throw new Error(renderAll(diagnostics));
  const values = evaluate(script.graph, { inputs: new Map(), state: new Map(), scalars: { step: 0, seed: 1, total: 1 } });
  return Object.values(script.graph.outputs).map((id) => Array.from(values(id).data));
}

/** Calls in all the ways that PyTorch's may be written, on constants. */
describe('calls', () => {
  it.each<readonly [string, readonly (readonly number[])[]]>([
    [
      'let a = [[1, 2, 3]]\nprint pad(a, [1, 2]), pad([[1, 2, 3]], [1, 2], value=7)',
      [
        [0, 1, 2, 3, 0, 0],
        [7, 1, 2, 3, 7, 7],
      ],
    ],
    [
      'let p = [1, 2]\nprint pad([1, 2, 3], p), pad(p, [1, 1]), pad(p, 1)',
      [
        [0, 1, 2, 3, 0, 0],
        [0, 1, 2, 0],
        [0, 1, 2, 0],
      ],
    ],
    [
      'print [1, 2, 3] -> pad([1, 1], reflect), pad([1, 2, 3], [1, 1], "reflect")',
      [
        [2, 1, 2, 3, 2],
        [2, 1, 2, 3, 2],
      ],
    ],
  ])('%s', (text, wanted) => {
    expect(printed(text)).toEqual(wanted);
  });
});
