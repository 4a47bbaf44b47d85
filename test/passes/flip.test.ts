import { describe, expect, it } from 'vitest';
import { compile } from '../../src/compile.ts';
import { model } from '../support/programs.ts';

/** All operations of a step of training. */
function opsOf(layer: string): string[] {
  const { model: m } = model(`input x: [5, 64]\nlayer ${layer}\nloss mse\noptim sgd lr=0.1\ntrain steps=2 batch=4\n`);
  const { programs } = compile(m, { rows: 8, devices: 'cpu' });
  return programs.find((p) => p.name === 'train')?.schedule.graph.nodes.map((n) => n.op) ?? [];
}

describe('the layer flip', () => {
  // As a scattered sum, each of n rows would look through all n: the gradient took n * n steps.
  it.each(['flip', 'flip(dim=1)'])('%s has a gradient that is a view', (flip) => {
    const ops = opsOf(`Linear(64, 8) -> ${flip} -> tanh`);
    expect(ops).toContain('flip');
    expect(ops).not.toContain('scatter_add');
  });

  it('is told from other orders of rows', () => {
    expect(opsOf('Linear(64, 8) -> roll(1)')).not.toContain('flip');
  });
});
