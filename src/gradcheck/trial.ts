import type { Differences } from './differences.ts';
import type { CheckPoint } from './places.ts';

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
  readonly place: CheckPoint;
  readonly symbolic: number;
  /** The slope forwards, if it was taken, and the sum of the sizes of its terms. */
  readonly forwards: number | undefined;
  readonly size: number;
  /** The loss itself. */
  readonly base: number;
  readonly numeric: Differences;
  /** Whether an operation on the way is at a kink of its own. */
  readonly tied: () => boolean;
}

/** Forwards and backwards, the same slope is rounded differently: by so much of the sizes of its terms. */
const ROUNDING = 1e-11;

type Comparison = Pick<Trial, 'numeric' | 'difference' | 'bound' | 'from' | 'ok'>;

function compare(symbolic: number, numeric: number, bound: number, from: Trial['from']): Comparison {
  const difference = Math.abs(symbolic - numeric);
  return { numeric, difference, bound, from, ok: difference <= bound };
}

export function judge(w: Witnesses): Trial {
  const { symbolic, numeric } = w;
  const smooth = numeric.kind === 'smooth' ? compare(symbolic, numeric.slope, numeric.bound, numeric.from) : undefined;
  // Where the slope was not taken forwards, differences are sharp.
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

  // Rules may well give a slope to what is no number: log(x) has one below 0.
  if (!Number.isFinite(w.base)) return nothing(exact);
  // No gradient: that is right where the loss has no slope either, and a nuisance where it takes ties to come there.
  if (!Number.isFinite(symbolic)) {
    if (!smooth || !Number.isFinite(exact.numeric)) return nothing(exact);
    return w.place.natural ? trial('smooth', smooth) : nothing(smooth, has(smooth));
  }
  // What overflows has no slope forwards that could be compared.
  const overflows = !Number.isFinite(exact.numeric) || !Number.isFinite(w.size);
  // At a kink differences have two slopes.
  if (!smooth) return overflows ? nothing(exact) : trial('kink', exact);
  if (w.forwards === undefined) return trial('smooth', smooth);
  // Kinks of operations may make no kink together, as those of relu(x) - relu(-x): the rules, and PyTorch, give another slope than
  // the loss has.
  if (!smooth.ok && (overflows || exact.ok) && w.tied()) {
    const remark = `${has(smooth)}, and its operations have kinks`;
    return overflows ? nothing(smooth, remark) : trial('kink', exact, remark);
  }
  // Both witnesses speak: the one that disagrees is heard, and differences where none or both do.
  return trial('smooth', overflows || exact.ok || !smooth.ok ? smooth : exact);
}

/** The one that says more against the gradient. */
export function worse<T extends Trial>(a: T, b: T): T {
  const rank = (t: Trial): number => (t.ok ? (t.kind === 'none' ? 0 : t.kind === 'kink' ? 1 : 2) : t.element === undefined ? 3 : 4);
  if (rank(a) !== rank(b)) return rank(a) > rank(b) ? a : b;
  const share = (t: Trial): number => t.difference / t.bound;
  return share(b) > share(a) ? b : a;
}
