/** A program that can be changed and run, beside the PyTorch that says the same. */
export interface Cell {
  readonly nn: string;
  readonly torch: string;
  /** What PyTorch prints, line by line, as `nnc` names it; of a training, its first and last loss and what it prints afterwards. */
  readonly gives: readonly Given[];
  /** Trains, with data and weights as PyTorch draws them. */
  readonly trains?: boolean;
  /** Shows the numbers of a line as a heat map: who looks at whom. */
  readonly heat?: string;
}

/** Numbers behind a label: `tip 7.6`. */
export interface Given {
  readonly label: string;
  readonly numbers: readonly number[];
}

/** A task that the page checks. */
export interface Challenge {
  readonly asks: string;
  readonly start: string;
  /** What the program must print, or how small its loss must get. */
  readonly goal: Given | { readonly lossBelow: number };
  readonly hint: string;
  /** The change that does it. */
  readonly change: readonly [from: string, to: string];
  readonly praise: string;
}

export interface Chapter {
  readonly id: string;
  readonly title: string;
  /** One idea each: words, or a program. */
  readonly parts: readonly (string | Cell)[];
  /** A part that is not words: the reader's own text. */
  readonly own?: 'text';
  readonly challenge: Challenge;
}

/** The numbers in what a program printed behind a label, or undefined if it printed no such line. */
export function numbersBehind(printed: readonly string[], label: string): number[] | undefined {
  const line = printed.find((l) => l.startsWith(label));
  if (line === undefined) return undefined;
  // Of a derivative, the formula stands before the last equals sign.
  const text = line.slice(label.length).split('=').at(-1) ?? '';
  return (text.match(/-?\d+(?:\.\d+)?(?:e[-+]?\d+)?/g) ?? []).map(Number);
}

/** Whether numbers are those that were given, up to what printing and float32 round. */
export const agree = (found: readonly number[] | undefined, given: readonly number[], within = 5e-6): boolean =>
  found?.length === given.length && found.every((v, i) => Math.abs(v - (given[i] ?? NaN)) <= within * Math.max(1, Math.abs(given[i] ?? 0)));
