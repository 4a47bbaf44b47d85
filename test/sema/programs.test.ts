import { describe, it } from 'vitest';
import { kernels } from '../support/trials/kernels.ts';
import { allPass, parts } from '../support/trials/tried.ts';

/**
 * Random well-typed programs, a whole step of training each. `NNC_FUZZ=5000 npx vitest run test/sema/programs.test.ts` tries as many as one
 * asks for, `NNC_WAYS=1000` every way to write their kernels.
 */
describe('random programs', () => {
  it.each(parts(100, 20))(
    'from seed %i on agree with the reference on every device at every level',
    (from) => allPass(kernels, from, 20),
    process.env['NNC_WAYS'] === undefined ? undefined : 3_600_000,
  );
});
