import { expect, it } from 'vitest';
import { at } from '../../src/base/errors.ts';
import { compile } from '../../src/compile.ts';
import { model } from '../support/programs.ts';

const NET = 'input x: [4, 9, 9]; layer Conv2d(4, 8, 3, padding=1) -> relu -> Conv2d(8, 8, 3, padding=1); loss mse; optim sgd lr=0.1';

it.each([1, 2, 5])('the gradient of a convolution of %i examples keeps no windows in memory', (batch) => {
  const { programs } = compile(model(`${NET}; train batch=${batch}`).model, { rows: 10, devices: 'cpu' });
  const { nodes } = at(programs, 0).schedule.source;
  expect(nodes.filter((n) => n.op === 'unwindow')).toEqual([]);
  // The cotangent is padded by as much as the windows reach beyond it, which is one place on each side.
  const pads = nodes.flatMap((n) => (n.op === 'pad' ? [[...n.attrs.low.slice(-2), ...n.attrs.high.slice(-2)]] : []));
  expect(pads).toEqual([
    [1, 1, 1, 1],
    [1, 1, 1, 1],
    [1, 1, 1, 1],
  ]);
});
