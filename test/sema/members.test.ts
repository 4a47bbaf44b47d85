import { describe, expect, it } from 'vitest';
import { model } from '../support/programs.ts';

/** Weights by name: a stage may be called as Python's modules are. */
describe('stages that are called like modules', () => {
  it.each(['layers', 'functional', 'optim', 'F', 'nn', 'torch'])('%s', (name) => {
    const text = `layer ${name}: Linear(2, 2) -> tanh -> Linear(2, 1)\nloss mse(pred, target) + 0.1*sum(${name}.weight^2)\noptim sgd lr=0.1\ntrain steps=1`;
    expect(model(text).model.params.map((p) => p.name)).toContain(`${name}.weight`);
  });

  it('may come before their weights are used, in the same line', () => {
    const text = 'input x: [2]\nlayer F: Linear(2, 2) -> tanh -> Linear(2, 2) * mean(F.weight)\nloss mse\noptim sgd lr=0.1\ntrain steps=1';
    expect(model(text).model.params).toHaveLength(4);
  });
});
