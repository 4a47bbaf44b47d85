import { describe, it } from 'vitest';
import { gradients } from '../support/trials/gradients.ts';
import { allPass, parts } from '../support/trials/tried.ts';

/** Random programs pass, and fail with a broken rule; `NNC_FUZZ=5000 npx vitest run test/gradcheck/random.test.ts` tries more. */
describe('gradcheck of random programs', () => {
  it.each(parts(20, 10))('from seed %i on passes, and finds a broken rule', (from) => allPass(gradients, from, 10));
});
