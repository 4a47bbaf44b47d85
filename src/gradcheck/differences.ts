/** What finite differences say about the derivative of a function at 0. */
export type Differences =
  | {
      readonly kind: 'smooth';
      readonly slope: number;
      /** How far the slope may be off, and whether rounding or curvature dominates. */
      readonly bound: number;
      readonly from: 'rounding' | 'curvature';
    }
  /** A kink or a jump: the slopes on both sides. */
  | { readonly kind: 'kink'; readonly below: number; readonly above: number }
  /** The function is not finite near 0. */
  | { readonly kind: 'none' };

/**
 * Balances rounding errors (smaller with larger steps) and curvature (larger with them) for smooth functions, and leaves room for nearby
 * kinks.
 */
const H = 2e-5;
/** Relative to the slopes: a larger difference between the two sides is a kink, not curvature. */
const KINK = 1e-4;
/** Differences count as sharp if their bound is at most this share of the slope. */
export const SHARP = 1e-4;
/** Factors of the step to try when the first one was too long. */
const FINER = [1e-3, 1e-6];

/**
 * The derivative of `f` at 0. `scale` is the largest sensible step, `noise` the accuracy of values of `f`. Where the function bends too
 * much for the step (x / max(|x|, eps) bends within eps), shorter steps are tried, and the one with the smallest bound wins.
 */
export function differences(f: (t: number) => number, base: number, scale: number, noise: number): Differences {
  let best = central(f, base, H * scale, noise);
  for (const part of FINER) {
    if (best.kind !== 'smooth' || best.from !== 'curvature' || best.bound <= SHARP * Math.abs(best.slope)) break;
    const finer = central(f, base, H * scale * part, noise);
    if (finer.kind === 'smooth' && finer.bound * Math.abs(best.slope) < best.bound * Math.abs(finer.slope)) best = finer;
  }
  return best;
}

/**
 * Central differences of `f` with two steps. For a smooth function the error of the larger step is four times as large, so the difference
 * of the two bounds it. If the slopes of the two sides, extrapolated to step 0, still differ, there is a kink. A kink between the points
 * adds at least as much to the bound and to this gap as to the slope's error.
 */
function central(f: (t: number) => number, base: number, h: number, noise: number): Differences {
  const [up, halfUp, halfDown, down] = [f(h), f(h / 2), f(-h / 2), f(-h)];
  const right = (up - base) / h;
  const left = (base - down) / h;
  const nearRight = (halfUp - base) / (h / 2);
  const nearLeft = (base - halfDown) / (h / 2);
  if (![right, left, nearRight, nearLeft].every(Number.isFinite)) return { kind: 'none' };
  const slope = (nearRight + nearLeft) / 2;
  const rounding = (8 * noise) / h;
  const gap = Math.abs(2 * (nearRight - nearLeft) - (right - left));
  if (gap > 4 * rounding + KINK * Math.max(Math.abs(right), Math.abs(left))) return { kind: 'kink', below: nearLeft, above: nearRight };
  const curvature = 2 * Math.abs(slope - (right + left) / 2) + gap;
  return { kind: 'smooth', slope, bound: rounding + curvature, from: rounding >= curvature ? 'rounding' : 'curvature' };
}

/**
 * How much rounding scatters values of `f`: second differences at points so close that `f` is linear between them (Moré and Wild,
 * Estimating computational noise, 2011).
 */
export function noiseOf(f: (t: number) => number, base: number, points: number): number {
  const values = [base, ...Array.from({ length: points }, (_, i) => f((i + 1) * TINY))];
  let most = 0;
  for (let i = 2; i < values.length; i++)
    most = Math.max(most, Math.abs((values[i] ?? 0) - 2 * (values[i - 1] ?? 0) + (values[i - 2] ?? 0)));
  return Math.max(4 * most, 4 * Number.EPSILON * Math.max(Math.abs(base), NOTHING));
}

/** A smaller loss counts as this. */
const NOTHING = 1e-3;
/** A few roundings of a number near 1. */
const TINY = 1e-13;
