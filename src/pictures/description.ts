/** What a picture of a net shows: plain data, so that any program can make it. Texts are shown as they are. */
export interface NetDescription {
  readonly name: string;
  readonly parameters: number;
  readonly inputs: readonly NetPort[];
  readonly output: NetPort;
  readonly losses: readonly NetLoss[];
  /** The layers, in the order in which values reach them. */
  readonly boxes: readonly NetBox[];
  readonly arrows: readonly NetArrow[];
  /** The units of a chain of fully connected layers; drawn instead of the boxes if no column is long. */
  readonly columns?: readonly NetColumn[];
}

export interface NetPort {
  /** What arrows call it. */
  readonly id: string;
  readonly name: string;
  /** Of one example: `3 × 224 × 224`. */
  readonly shape: string;
}

export interface NetLoss {
  readonly text: string;
  /** What it compares with; empty if it needs no target. */
  readonly against: string;
}

export interface NetArrow {
  readonly from: string;
  readonly to: string;
}

/** A layer as the program writes it. */
export interface NetLayer {
  /** The name that its parameters begin with; empty if it has none. */
  readonly path: string;
  readonly text: string;
  readonly shape: string;
  readonly parameters: number;
}

export type NetBox =
  | (NetLayer & { readonly kind: 'layer'; readonly id: string })
  /** Where values meet; the text is a sign such as `+`. */
  | { readonly kind: 'joint'; readonly id: string; readonly text: string }
  /** Layers inside a block. Of equal copies only the first is listed. */
  | {
      readonly kind: 'block';
      readonly id: string;
      readonly path: string;
      readonly shape: string;
      /** Of all copies. */
      readonly parameters: number;
      readonly copies: number;
      readonly layers: readonly NetLayer[];
    };

/** Units that are drawn one above the other. */
export interface NetColumn {
  readonly size: number;
  /** The names of the units; empty where they have none. */
  readonly names: readonly string[];
  /** What stands under the column: the activation. */
  readonly title: string;
  /** The layer that computes the column. */
  readonly text: string;
  /** Of that layer, row by row, one row a unit of this column. */
  readonly weights?: ArrayLike<number>;
  readonly biases?: ArrayLike<number>;
}
