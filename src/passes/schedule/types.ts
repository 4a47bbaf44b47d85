import type { StorageType } from '../../base/types.ts';
import type { Graph, NodeId } from '../../ir/graph/types.ts';

/** `0`: every operation is a separate kernel. `1`: pointwise chains and epilogues are fused, the optimizer is one kernel. */
export type Level = 0 | 1;

/** A part of a tensor. */
export interface Place {
  readonly tensor: string;
  readonly offset: number;
  /** In a loop: the tensor holds a value for each place of it. */
  readonly moves?: Moves;
}

/** Where the value of the current place of a loop lies in a tensor: its first element at the first place, and how far the next one is. */
export interface Moves {
  readonly from: number;
  readonly by: number;
  readonly length: number;
}

/** Writes the value of a node to memory. */
export interface Store extends Place {
  readonly node: NodeId;
  /** One element per step of a chunk, indexed by the step's slot. */
  readonly perStep: boolean;
  /** Where to copy from, if not from the node's place. */
  readonly from?: Place;
}

/** What one kernel computes: its roots once, inlined nodes wherever they are read. Without roots it is a copy. */
export interface Group {
  readonly roots: readonly NodeId[];
  /** Neither views nor leaves; in the order of the graph. */
  readonly inlined: readonly NodeId[];
  /** Threads are distributed over this many axes; along the others, each thread processes its whole row. */
  readonly rank: number;
  readonly stores: readonly Store[];
  /** The loop that runs it, as an index of `Schedule.loops`. */
  readonly loop?: number | undefined;
}

/** A loop: its groups run once for each place. */
export interface Loop {
  readonly length: number;
  /** Tensors with the values of all places. */
  readonly held: readonly string[];
}

/** The roots that one kernel computes together, and the nodes inlined in them. */
export interface Fused {
  readonly roots: readonly NodeId[];
  readonly inlined: readonly NodeId[];
  /** Threads are distributed over this many axes of the roots; along the others, each thread processes its whole row. */
  readonly rank: number;
}

/** Memory that lives within a step (transient) or across steps (state), is given from outside (data), or is read back (trace). */
export interface Tensor {
  readonly name: string;
  readonly dtype: StorageType;
  readonly size: number;
  readonly kind: 'transient' | 'state' | 'data' | 'trace';
}

export interface Schedule {
  /** What was scheduled. */
  readonly source: Graph;
  /** The same, with the bodies of loops behind it. */
  readonly graph: Graph;
  readonly level: Level;
  /** In execution order; those of a loop follow one another. */
  readonly groups: readonly Group[];
  readonly loops: readonly Loop[];
  readonly tensors: ReadonlyMap<string, Tensor>;
  /** Where each value that is read from memory lies. */
  readonly places: ReadonlyMap<NodeId, Place>;
  /** Outputs that stay readable after the step. */
  readonly outputs: Readonly<Record<string, Place>>;
  /** Why values are stored or not, and kernels merged or not. */
  readonly why: readonly string[];
}
