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

/** A call to a model that is gone. */
export const destroyed = (): DeviceError => new DeviceError('the model was destroyed', 'NN602', 'load the plan again');

/** The device was lost with everything on it; the model may continue on another one. */
export class DeviceLost extends DeviceError {
  constructor(reason: string) {
    super(`the device was lost: ${reason}`, 'NN602', 'start again, on the CPU if it happens again');
    this.name = 'DeviceLost';
  }
}
