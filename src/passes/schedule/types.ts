import type { StorageType } from '../../base/types.ts';
import type { Graph, NodeId } from '../../ir/graph/types.ts';

/** `0`: every operation is a kernel of its own. `1`: pointwise chains and epilogues are fused, the optimizer is one kernel. */
export type Level = 0 | 1;

/** A part of a tensor. */
export interface Place {
  readonly tensor: string;
  readonly offset: number;
}

/** Puts the value of a node into memory. */
export interface Store extends Place {
  readonly node: NodeId;
  /** One place for each step of a chunk: the slot of the step counts in. */
  readonly perStep: boolean;
  /** Copied from here instead of from the place of the node. */
  readonly from?: Place;
}

/** What one kernel computes: its roots once, everything inlined wherever it is read. Without roots it copies. */
export interface Group {
  readonly roots: readonly NodeId[];
  /** Not views and not leaves; in the order of the graph. */
  readonly inlined: readonly NodeId[];
  /** Threads are dealt out over so many axes; along the others, each thread goes through its row. */
  readonly rank: number;
  readonly stores: readonly Store[];
}

/** The roots that one kernel computes together, and what it computes on the way. */
export interface Fused {
  readonly roots: readonly NodeId[];
  readonly inlined: readonly NodeId[];
  /** Threads are dealt out over so many axes of the roots; along the others, each thread goes through its row. */
  readonly rank: number;
}

/** Memory that lives within a step (transient), across steps (state), is given from outside (data) or read back (trace). */
export interface Tensor {
  readonly name: string;
  readonly dtype: StorageType;
  readonly size: number;
  readonly kind: 'transient' | 'state' | 'data' | 'trace';
}

export interface Schedule {
  readonly graph: Graph;
  readonly level: Level;
  /** In the order in which they run. */
  readonly groups: readonly Group[];
  readonly tensors: ReadonlyMap<string, Tensor>;
  /** Where each value lies that is read from memory. */
  readonly places: ReadonlyMap<NodeId, Place>;
  /** Outputs that stay readable after the step. */
  readonly outputs: Readonly<Record<string, Place>>;
  /** Why values are stored or not, and kernels joined or not. */
  readonly why: readonly string[];
}
