import type { Differences } from './differences.ts';
import type { Place } from './places.ts';

/** One direction at one place: the symbolic slope beside that of the witness that it agrees with least. */
export interface Trial {
  /** `smooth` where differences of the loss tell the slope, `kink` where only the slope forwards does, `none` where there is none. */
  readonly kind: Differences['kind'];
  readonly what: string;
  readonly element: number | undefined;
  readonly place: string;
  readonly symbolic: number;
  readonly numeric: number;
  readonly difference: number;
  readonly bound: number;
  /** Where the bound comes from. */
  readonly from: 'rounding' | 'curvature' | 'forwards';
  readonly ok: boolean;
  /** Something to be told that is no mistake. */
  readonly remark: string | undefined;
}

interface Witnesses {
  readonly what: string;
  readonly element: number | undefined;
  readonly place: Place;
  readonly symbolic: number;
  /** The slope forwards, if it was taken, and the sum of the sizes of its terms. */
  readonly forwards: number | undefined;
  readonly size: number;
  readonly numeric: Differences;
  /** Whether an operation on the way is at a kink of its own. */
  readonly tied: () => boolean;
}

/** Forwards and backwards, the same slope is rounded differently: by so much of the sizes of its terms. */
const ROUNDING = 1e-11;

export function judge(w: Witnesses): Trial {
  const { symbolic, numeric, place } = w;
  // Where it was not taken, differences are sharp.
  const forwards = w.forwards ?? (numeric.kind === 'smooth' ? numeric.slope : NaN);
  const common = { what: w.what, element: w.element, place: place.name, symbolic, remark: undefined };
  const against = (numeric: number, bound: number, from: Trial['from']) => {
    const difference = Math.abs(symbolic - numeric);
    return { numeric, difference, bound, from, ok: difference <= bound };
  };
  const exactly = against(forwards, Math.max(ROUNDING * w.size, Number.MIN_VALUE), 'forwards');
  if (!Number.isFinite(symbolic)) {
    const told = Number.isFinite(forwards) && numeric.kind === 'smooth';
    if (!told) return { ...common, ...exactly, kind: 'none', ok: true };
    const slope = { ...common, ...against(numeric.slope, numeric.bound, numeric.from) };
    if (place.natural) return { ...slope, kind: 'smooth' };
    return { ...slope, kind: 'none', ok: true, remark: `the loss has the slope ${numeric.slope.toPrecision(5)}` };
  }
  // What overflows has no slope that could be compared.
  if (!Number.isFinite(forwards) || !Number.isFinite(w.size)) return { ...common, ...exactly, kind: 'none', ok: true };
  if (numeric.kind !== 'smooth') return { ...common, ...exactly, kind: 'kink' };
  const byDifferences = against(numeric.slope, numeric.bound, numeric.from);
  if (w.forwards === undefined) return { ...common, ...byDifferences, kind: 'smooth' };
  // Kinks of operations may make no kink together, as those of relu(x) - relu(-x): the rules, and PyTorch, give another slope than
  // the loss has.
  if (exactly.ok && !byDifferences.ok && w.tied())
    return {
      ...common,
      ...exactly,
      kind: 'kink',
      remark: `the loss has the slope ${numeric.slope.toPrecision(5)}, and its operations have kinks`,
    };
  return { ...common, ...(exactly.ok || !byDifferences.ok ? byDifferences : exactly), kind: 'smooth' };
}

/** The one that says more against the gradient. */
export function worse<T extends Trial>(a: T, b: T): T {
  const rank = (t: Trial): number => (t.ok ? (t.kind === 'none' ? 0 : t.kind === 'kink' ? 1 : 2) : t.element === undefined ? 3 : 4);
  if (rank(a) !== rank(b)) return rank(a) > rank(b) ? a : b;
  const share = (t: Trial): number => t.difference / t.bound;
  return share(b) > share(a) ? b : a;
}
