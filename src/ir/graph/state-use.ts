import type { NodeId } from './types.ts';

/** One use of a layer that updates a state: `next` is computed from `before`. Later uses of the state continue from `next`. */
export interface StateUse {
  readonly state: string;
  readonly before: NodeId;
  readonly next: NodeId;
}
