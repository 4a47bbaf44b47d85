/** What the story tells, as plain JSON. */
export interface Told {
  readonly wrong: string;
  readonly inputs: readonly string[];
  readonly losses: number;
  readonly pausedAt: number;
  readonly frozen: boolean;
  readonly again: number;
  readonly predicted: {
    readonly shape: readonly number[];
    readonly names: readonly string[] | undefined;
    readonly data: readonly number[];
  };
  readonly holdout: Readonly<Record<string, number>>;
  readonly undisturbed: number;
  readonly disturbed: number;
  readonly moves: number;
  readonly refused: string;
}
