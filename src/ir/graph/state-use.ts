import type { NodeId } from './types.ts';

/** A use of a layer that moves a state: `next` is what it makes of `before`. Later uses of that state go on from `next`. */
export interface StateUse {
  readonly state: string;
  readonly before: NodeId;
  readonly next: NodeId;
}
