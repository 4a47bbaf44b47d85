import type { Code } from '../base/codes.ts';

/** The device is missing, was lost, or refused; not the fault of the user's program. */
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

/** The device was lost with everything on it; the model may continue on another one. */
export class DeviceLost extends DeviceError {
  constructor(reason: string) {
    super(`the device was lost: ${reason}`, 'NN602', 'start again, on the CPU if it happens again');
    this.name = 'DeviceLost';
  }
}

/** Advice for an arena that does not fit; `batch` is one that should. */
export function smaller(arena: string, batch = 0): string {
  if (arena === 'state') return 'make the model smaller: parameters and optimizer state do not depend on the batch';
  return arena.endsWith('data')
    ? 'train on fewer examples at once: the data stays on the device'
    : `use a smaller batch${batch > 0 ? `: one of ${batch} should fit` : ''}`;
}
