import { describe, it } from 'vitest';
import { stored } from '../support/trials/stored.ts';
import { allPass, parts } from '../support/trials/tried.ts';

/** Every value that the kernels of random programs store; `NNC_FUZZ=5000 npx vitest run test/sema/verify.test.ts` tries more. */
describe('kernels of random programs', () => {
  it.each(parts(30, 10))('from seed %i on store what the reference does', (from) => allPass(stored, from, 10));
});
