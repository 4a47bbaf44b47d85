import type { Code } from '../base/codes.ts';

/** The device is missing, was lost, or refused; not the user's program. */
export class DeviceError extends Error {
  readonly code: Code;
  readonly help: string | undefined;

  constructor(message: string, code: Code = 'NN602', help?: string) {
    super(message);
    this.name = 'DeviceError';
    this.code = code;
    this.help = help;
  }
}
