import type { NetLoss } from './description.ts';

/** A loss in one line. */
export const lossText = ({ text, against }: NetLoss): string => `loss ${text}${against === '' ? '' : `, against ${against}`}`;
