import type { Numbers } from '../data/needs.ts';
import { classScores, numberScores, rocAuc, type ClassScores } from '../library/scores.ts';
import type { Prediction } from '../runtime/api.ts';
import { probabilities } from '../runtime/probabilities.ts';

/** Scores of one target. */
export interface Scores {
  readonly classes?: ClassScores;
  readonly auc?: number;
  readonly numbers?: Readonly<Record<string, number>>;
}

/** Scores of one target: of classes, of yes and no, or of numbers. */
export function scoresOf(prediction: Prediction, targets: readonly Numbers[], names: readonly string[] | undefined): Scores {
  const [target, ...others] = targets;
  if (!target || others.length > 0) return {};
  const width = prediction.shape.at(-1) ?? 1;
  const shares = probabilities(prediction);
  if (!shares) return target.length === prediction.data.length ? { numbers: { ...numberScores(target, prediction.data) } } : {};
  if (target.length === shares.length && (prediction.meaning === 'sigmoid' || prediction.meaning === 'none')) {
    if (width > 1) return {};
    const sides = Array.from(shares, (p) => (p > 0.5 ? 1 : 0));
    return { classes: classScores(target, sides, names ?? ['0', '1']), auc: rocAuc(target, shares) };
  }
  if (target.length * width !== shares.length) return {};
  const best = Array.from(target, (_, i) => {
    const row = shares.subarray(i * width, (i + 1) * width);
    return row.indexOf(row.reduce((a, b) => Math.max(a, b), -Infinity));
  });
  return {
    classes: classScores(
      target,
      best,
      (names?.length === width ? names : prediction.names) ?? Array.from({ length: width }, (_, i) => String(i)),
    ),
  };
}
