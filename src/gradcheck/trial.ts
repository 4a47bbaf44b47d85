import type { Differences } from './differences.ts';
import type { CheckPoint } from './places.ts';

/** One direction at one place: the symbolic derivative, and the numeric one that agrees with it least. */
export interface Trial {
  /** `smooth` if differences of the loss give the derivative, `kink` if only forward mode does, `none` if there is none. */
  readonly kind: Differences['kind'];
  readonly what: string;
  readonly element: number | undefined;
  readonly place: string;
  readonly symbolic: number;
  readonly numeric: number;
  readonly difference: number;
  readonly bound: number;
  /** The source of the bound. */
  readonly from: 'rounding' | 'curvature' | 'forwards';
  readonly ok: boolean;
  /** A remark that is not an error. */
  readonly remark: string | undefined;
}

interface Witnesses {
  readonly what: string;
  readonly element: number | undefined;
  readonly place: CheckPoint;
  readonly symbolic: number;
  /** The forward-mode derivative, if it was computed, and the sum of the absolute values of its terms. */
  readonly forwards: number | undefined;
  readonly size: number;
  /** The loss itself. */
  readonly base: number;
  readonly numeric: Differences;
  /** Whether an operation on the way is at a kink. */
  readonly tied: () => boolean;
}

/** Forward and backward mode round differently, by up to this share of the terms' absolute values. */
const ROUNDING = 1e-11;

type Comparison = Pick<Trial, 'numeric' | 'difference' | 'bound' | 'from' | 'ok'>;

function compare(symbolic: number, numeric: number, bound: number, from: Trial['from']): Comparison {
  const difference = Math.abs(symbolic - numeric);
  return { numeric, difference, bound, from, ok: difference <= bound };
}

export function judge(w: Witnesses): Trial {
  const { symbolic, numeric } = w;
  const smooth = numeric.kind === 'smooth' ? compare(symbolic, numeric.slope, numeric.bound, numeric.from) : undefined;
  // Without forward mode, differences are sharp.
  const exact = compare(symbolic, w.forwards ?? smooth?.numeric ?? NaN, Math.max(ROUNDING * w.size, Number.MIN_VALUE), 'forwards');
  const trial = (kind: Trial['kind'], by: Comparison, remark?: string): Trial => ({
    ...by,
    kind,
    what: w.what,
    element: w.element,
    place: w.place.name,
    symbolic,
    remark,
  });
  const nothing = (by: Comparison, remark?: string): Trial => trial('none', { ...by, ok: true }, remark);
  const has = (slope: Comparison): string => `the loss has the slope ${slope.numeric.toPrecision(5)}`;

  // Rules may give a derivative even where the loss is NaN: log(x) has one below 0.
  if (!Number.isFinite(w.base)) return nothing(exact);
  // The gradient is not finite. That is right if the loss has no derivative either, and only a remark if it takes constructed ties to get
  // there.
  if (!Number.isFinite(symbolic)) {
    if (!smooth || !Number.isFinite(exact.numeric)) return nothing(exact);
    return w.place.natural ? trial('smooth', smooth) : nothing(smooth, has(smooth));
  }
  // An overflow leaves no forward-mode derivative to compare with.
  const overflows = !Number.isFinite(exact.numeric) || !Number.isFinite(w.size);
  // At a kink differences have two slopes.
  if (!smooth) return overflows ? nothing(exact) : trial('kink', exact);
  if (w.forwards === undefined) return trial('smooth', smooth);
  // Kinks of operations may cancel, as in relu(x) - relu(-x): then the loss is smooth, but the rules, like PyTorch's, give another
  // derivative.
  if (!smooth.ok && (overflows || exact.ok) && w.tied()) {
    const remark = `${has(smooth)}, and its operations have kinks`;
    return overflows ? nothing(smooth, remark) : trial('kink', exact, remark);
  }
  // Report the comparison that fails; if none or both do, report the differences.
  return trial('smooth', overflows || exact.ok || !smooth.ok ? smooth : exact);
}

/** The trial that speaks more strongly against the gradient. */
export function worse<T extends Trial>(a: T, b: T): T {
  const rank = (t: Trial): number => (t.ok ? (t.kind === 'none' ? 0 : t.kind === 'kink' ? 1 : 2) : t.element === undefined ? 3 : 4);
  if (rank(a) !== rank(b)) return rank(a) > rank(b) ? a : b;
  const share = (t: Trial): number => t.difference / t.bound;
  return share(b) > share(a) ? b : a;
}
