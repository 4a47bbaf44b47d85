import { describe, expect, it } from 'vitest';
import { randomProgram } from '../support/random-program.ts';
import { stepError, steps } from '../support/trials/steps.ts';
import { allPass, parts } from '../support/trials/tried.ts';

/** `NNC_FUZZ=1000 npx vitest run test/sema/steps.test.ts` tries more programs. */
describe('a step of a random program', () => {
  it.each(parts(30, 10))('from seed %i on moves every weight against the slope of the loss', (from) => allPass(steps, from, 10));

  it('is compared in most directions', () => {
    const compared = [0, 1, 2, 3, 4].map((seed) => stepError(randomProgram(seed), seed).compared);
    expect(compared.reduce((a, b) => a + b)).toBeGreaterThan(20);
  });
});
