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
    [
      'print gather([[1, 2], [3, 4]], [[0], [1]], 1), index_select([[1, 2], [3, 4]], [1, 0], 1)',
      [
        [1, 4],
        [2, 1, 4, 3],
      ],
    ],
    ['print where(true, 1, 2), where(false, [1, 2], [3, 4])', [[1], [3, 4]]],
    ['print 2 * pi, full([2], pi), [pi, 1]', [[2 * Math.PI], [Math.PI, Math.PI], [Math.PI, 1]]],
    [
      'print permute([[[1, 2], [3, 4]]], 0, 2, 1), reshape([1, 2, 3, 4], 2, -1)',
      [
        [1, 3, 2, 4],
        [1, 2, 3, 4],
      ],
    ],
    [
      'print [[1, 2], [3, 4]] -> permute(1, 0), [1, 2, 3, 4] -> reshape(2, 2)',
      [
        [1, 3, 2, 4],
        [1, 2, 3, 4],
      ],
    ],
    ['print mse(input=[1, 2], target=[0, 0]), mse(target=[1, 2], pred=[3, 3]), l1(input=[3])', [[2.5], [2.5], [3]]],
    [
      'print unflatten([[1, 2, 3, 4]], 1, [2, -1]), unflatten([[1, 2, 3, 4]], 1, [-1])',
      [
        [1, 2, 3, 4],
        [1, 2, 3, 4],
      ],
    ],
    [
      'print quantile([1, 2, 3, 4, 5], [0.25, 0.5]), quantile([[3, 1, 2], [4, 6, 5]], [0, 0.5], dim=1)',
      [
        [2, 3],
        [1, 4, 2, 5],
      ],
    ],
    ['print quantile([1, 2, 3, 4, 5], 1), [1, 2, 3] -> quantile([0.5, 1])', [[5], [2, 3]]],
    ['print exp(bce_with_logits([0, 0], [1, 1], pos_weight=3))', [[8]]],
    [
      'let v, i = cummax([[1, 3, 2, 3, 0]], dim=1)\nprint v, i',
      [
        [1, 3, 3, 3, 3],
        [0, 1, 1, 3, 3],
      ],
    ],
    [
      'let v, i = cummin([[1, 3, 2, 0, 0]], dim=1)\nprint v, i',
      [
        [1, 1, 1, 0, 0],
        [0, 0, 0, 3, 4],
      ],
    ],
    [
      'let a = [[3, 1, 2], [4, 6, 5]]\nprint a[::-1], a[:, ::-1]',
      [
        [4, 6, 5, 3, 1, 2],
        [2, 1, 3, 5, 6, 4],
      ],
    ],
    [
      'let a = [0, 1, 2, 3, 4, 5]\nprint a[4:0:-2], a[::-2], a[:1:-1]',
      [
        [4, 2],
        [5, 3, 1],
        [5, 4, 3, 2],
      ],
    ],
    ['print nll([[1, 2, 3], [1, 2, 3]], int([2, -1]), ignore_index=-1)', [[-3]]],
  ])('%s', (text, wanted) => {
    const close = printed(text).map((values) => values.map((v) => Number(v.toFixed(12))));
    expect(close).toEqual(wanted.map((values) => values.map((v) => Number(v.toFixed(12)))));
  });
});

describe('optim lines', () => {
  const settings = (line: string): unknown => {
    const { model, diagnostics } = check({ name: 't.nn', text: `layer Linear(2, 2)\nloss mse\noptim ${line}` });
    if (!model) throw new Error(renderAll(diagnostics));
    return model.optim?.settings;
  };
  it.each(['adam(lr=0.1, weight_decay=0.2)', 'adam lr=0.1, weight_decay=0.2', 'adam(0.1) weight_decay=0.2'])('%s', (line) => {
    expect(settings(line)).toEqual(settings('adam lr=0.1 weight_decay=0.2'));
  });
});

describe('models', () => {
  it.each([
    'input x: [2, 4, 6]\nlayer AdaptiveAvgPool2d([1, None]) -> flatten -> Linear(12, 1)\nloss bce_with_logits(pos_weight=3)',
    'input x: [2, 4, 6]\nlayer AdaptiveMaxPool2d((None, 2)) -> flatten -> Linear(16, 1)\nloss mse',
    'input x: [2]\nlet judge = share(Linear(2, 1))\nlayer Linear(2, 2)\nloss mean(judge(pred))\nmetric accuracy(judge(x), 1)',
  ])('%s', (text) => {
    expect(renderAll(check({ name: 't.nn', text }).diagnostics)).toBe('');
  });
});
