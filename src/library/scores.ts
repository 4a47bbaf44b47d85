/** Scores of predictions against their targets, over a whole set of examples and in float64. */

/** How one class was told from the others. */
export interface ClassScore {
  readonly name: string;
  /** Of what was predicted as this class, and of what is this class, the fraction that is right. 0 where there is none. */
  readonly precision: number;
  readonly recall: number;
  readonly f1: number;
  /** Examples of this class. */
  readonly examples: number;
}

export interface ClassScores {
  readonly accuracy: number;
  readonly classes: readonly ClassScore[];
  /** Row: the real class. Column: the predicted one. */
  readonly confusion: readonly (readonly number[])[];
}

/** Scores of predicted classes; labels outside of the classes do not count. */
export function classScores(labels: ArrayLike<number>, predicted: ArrayLike<number>, names: readonly string[]): ClassScores {
  const n = names.length;
  const confusion = Array.from({ length: n }, () => Array<number>(n).fill(0));
  let [right, all] = [0, 0];
  for (let i = 0; i < labels.length; i++) {
    const row = confusion[labels[i] ?? -1];
    const column = predicted[i] ?? -1;
    if (!row || row[column] === undefined) continue;
    row[column]++;
    all++;
    if (labels[i] === column) right++;
  }
  const share = (a: number, b: number): number => (b === 0 ? 0 : a / b);
  const classes = names.map((name, c): ClassScore => {
    const mine = confusion[c]?.[c] ?? 0;
    const examples = (confusion[c] ?? []).reduce((a, b) => a + b, 0);
    const told = confusion.reduce((s, row) => s + (row[c] ?? 0), 0);
    return { name, precision: share(mine, told), recall: share(mine, examples), f1: share(2 * mine, examples + told), examples };
  });
  return { accuracy: share(right, all), classes, confusion };
}

export interface NumberScores {
  /** Mean absolute error, root mean squared error: in the target's units. */
  readonly mae: number;
  readonly rmse: number;
  /** Coefficient of determination; NaN if all targets are equal. */
  readonly r2: number;
}

/** Scores of predicted numbers. */
export function numberScores(targets: ArrayLike<number>, predicted: ArrayLike<number>): NumberScores {
  const n = targets.length;
  const value = (values: ArrayLike<number>, i: number): number => values[i] ?? NaN;
  let [sum, absolute, squared] = [0, 0, 0];
  for (let i = 0; i < n; i++) {
    const d = value(predicted, i) - value(targets, i);
    sum += value(targets, i);
    absolute += Math.abs(d);
    squared += d * d;
  }
  let spread = 0;
  for (let i = 0; i < n; i++) spread += (value(targets, i) - sum / n) ** 2;
  return { mae: absolute / n, rmse: Math.sqrt(squared / n), r2: spread === 0 ? NaN : 1 - squared / spread };
}

/** Area under the ROC curve of scores for yes (1) and no (0): by ranks, with ties at their mean rank (Mann and Whitney 1947). */
export function rocAuc(truth: ArrayLike<number>, scores: ArrayLike<number>): number {
  const order = Array.from({ length: truth.length }, (_, i) => i).sort((a, b) => (scores[a] ?? 0) - (scores[b] ?? 0));
  let [ranks, yes] = [0, 0];
  for (let i = 0; i < order.length;) {
    let end = i;
    while (end < order.length && scores[order[end] ?? -1] === scores[order[i] ?? -1]) end++;
    for (let k = i; k < end; k++)
      if ((truth[order[k] ?? -1] ?? 0) > 0.5) {
        ranks += (i + 1 + end) / 2;
        yes++;
      }
    i = end;
  }
  const no = truth.length - yes;
  return (ranks - (yes * (yes + 1)) / 2) / (yes * no);
}
