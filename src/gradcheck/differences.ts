/** What differences of a function tell of its slope at 0. */
export type Differences =
  | {
      readonly kind: 'smooth';
      readonly slope: number;
      /** How far the slope may be from the truth, and what most of that is. */
      readonly bound: number;
      readonly from: 'rounding' | 'curvature';
    }
  /** A kink, or a jump: the slopes on both sides. */
  | { readonly kind: 'kink'; readonly below: number; readonly above: number }
  /** The function is not a number somewhere near. */
  | { readonly kind: 'none' };

/** Where rounding (smaller with larger steps) and curvature (larger) of smooth functions balance, with room for kinks that are near. */
const H = 2e-5;
/** Relative to the slopes: differences of two sides that are no curvature. */
const KINK = 1e-4;
/** Differences that leave no doubt: their bound is so small a part of the slope. */
export const SHARP = 1e-4;
/** Steps in place of a step that was too long, by parts of it. */
const FINER = [1e-3, 1e-6];

/**
 * The slope of `f` at 0. `scale` is how large steps may be, `noise` how exact values of `f` are. Where the function bends too much
 * for the step (x / max(|x|, eps) turns within eps), shorter ones are tried, and the least doubtful is taken.
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
 * Central differences of `f` with two steps. With the larger one the error of what is smooth is four times as large, so that their
 * difference bounds it; what the slopes of both sides differ by, carried on to step 0, is a kink. Kinks between the points add to
 * both no less than to the error.
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

/** How much values of `f` scatter by rounding: second differences at points so near that `f` is straight between them (Moré and Wild,
 * Estimating computational noise, 2011). */
export function noiseOf(f: (t: number) => number, base: number, points: number): number {
  const values = [base, ...Array.from({ length: points }, (_, i) => f((i + 1) * TINY))];
  let most = 0;
  for (let i = 2; i < values.length; i++)
    most = Math.max(most, Math.abs((values[i] ?? 0) - 2 * (values[i - 1] ?? 0) + (values[i - 2] ?? 0)));
  return Math.max(4 * most, 4 * Number.EPSILON * Math.max(Math.abs(base), NOTHING));
}

/** A loss below this is as good as none. */
const NOTHING = 1e-3;
/** Some roundings of a number near 1. */
const TINY = 1e-13;
