import { expect } from 'vitest';
import { UserError } from '../../src/base/errors.ts';

/** The whole text of the error that a wrong call throws. */
export async function wrong(trial: () => unknown): Promise<string> {
  try {
    await trial();
  } catch (e) {
    expect(e).toBeInstanceOf(UserError);
    return (e as UserError).message;
  }
  return expect.fail('nothing was wrong');
}
