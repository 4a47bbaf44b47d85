import { describe, expect, it } from 'vitest';
import { relations } from '../support/trials/relations.ts';
import { allPass, parts } from '../support/trials/tried.ts';

/** `NNC_FUZZ=5000 npx vitest run test/sema/relations.test.ts` tries more programs. */
describe('relations between random programs', () => {
  it.each(parts(100, 50))('hold from seed %i on', (from) => allPass(relations, from, 50));
});

const program = (layer: string, loss: string): string => `input x: [3]\nlayer ${layer}\n  -> head: Linear(3, 3)\nloss ${loss}\noptim sgd\n`;

describe('a relation that does not hold', () => {
  it.each([
    ['draws follow the places', program('randn_like(x, always=true) + x', 'mse'), 'a batch and alone'],
    ['classes are not alike', program('tanh', 'mean((pred - target)^2 * [1, 2, 3])'), 'classes may change places'],
  ])('is seen: %s', async (_, text, seen) => {
    expect(await relations.run(text, 1)).toContain(seen);
  });
});
