import { FAR_ANGLE, QUARTER_UNIT } from '../base/two-over-pi.ts';
import { get, type Code, type ValType } from './encode.ts';
import { MathWriter, type Place } from './math-writer.ts';
import type { WasmFunction, WasmModule } from './module.ts';
import { INTEGER_FUNCTIONS } from './random.ts';

/**
 * The numeric functions, each written once for scalars and vectors. Where the audited WGSL prelude (`codegen-wgsl/prelude.ts`) has its own
 * formula, it is the same one; exp, log and tanh are from Moshier's Cephes library, accurate to one or two units in the last place.
 */
type Formula = (m: MathWriter, ...args: readonly Code[]) => Code;

const ROUNDER = 12582912;
const LN2_HIGH = 0.693359375;
const LN2_LOW = -2.1219444e-4;

/** exp(x) = 2^n exp(r) with |r| <= ln 2 / 2. The power is applied in two steps, so that results may be subnormal or infinite. */
function exp(m: MathWriter, x: Code): Code {
  const c = m.keep(m.atMost(m.keep(m.atLeast(x, -105)), 90));
  // Adding 1.5 * 2^23 rounds to an integer, which is in the low bits of the sum.
  const rounded = m.keep(m.op('add', m.op('mul', c, m.float(1.4426950408889634)), m.float(ROUNDER)));
  const n = m.keep(m.op('sub', rounded, m.float(ROUNDER)));
  const r = m.keep(m.op('sub', m.op('sub', c, m.op('mul', n, m.float(LN2_HIGH))), m.op('mul', n, m.float(LN2_LOW))));
  const p = m.polynomial(r, [1.98756915e-4, 1.3981999507e-3, 8.3334519073e-3, 4.1665795894e-2, 1.6666665459e-1, 5.0000001201e-1]);
  const y = m.op('add', m.op('add', m.op('mul', p, m.op('mul', r, r)), r), m.float(1));
  const whole = m.keepWhole(m.op('isub', m.bits(rounded), m.whole(0x4b400000)));
  const half = m.keepWhole(m.shift('shr', whole, 1));
  const power = (k: Code): Code => m.fromBits(m.shift('shl', m.op('iadd', k, m.whole(127)), 23));
  return m.op('mul', m.op('mul', y, power(half)), power(m.op('isub', whole, half)));
}

/** x = 2^e m with m in [sqrt(1/2), sqrt(2)), then a polynomial in m - 1. */
function log(m: MathWriter, given: Code): Code {
  const tiny = m.keepWhole(m.op('lt', given, m.float(1.17549435e-38)));
  const x = m.keep(m.select(tiny, m.op('mul', given, m.float(8388608)), given));
  const bits = m.keepWhole(m.bits(x));
  const fraction = m.keep(m.fromBits(m.op('or', m.op('and', bits, m.whole(0x7fffff)), m.whole(0x3f000000))));
  const low = m.keepWhole(m.op('lt', fraction, m.float(0.7071067811865476)));
  const exponent = m.op('float', m.op('isub', m.op('and', m.shift('shru', bits, 23), m.whole(255)), m.whole(126)));
  const e0 = m.op('sub', exponent, m.select(tiny, m.float(23), m.float(0)));
  const e = m.keep(m.op('sub', e0, m.select(low, m.float(1), m.float(0))));
  const r = m.keep(m.op('sub', m.op('add', fraction, m.select(low, fraction, m.float(0))), m.float(1)));
  const z = m.keep(m.op('mul', r, r));
  const p = m.polynomial(
    r,
    [
      7.0376836292e-2, -1.151461031e-1, 1.167699874e-1, -1.2420140846e-1, 1.4249322787e-1, -1.6668057665e-1, 2.0000714765e-1,
      -2.4999993993e-1, 3.3333331174e-1,
    ],
  );
  const tail = m.op('add', m.op('mul', m.op('mul', p, r), z), m.op('mul', e, m.float(LN2_LOW)));
  const y = m.op('add', m.op('add', r, m.op('sub', tail, m.op('mul', z, m.float(0.5)))), m.op('mul', e, m.float(LN2_HIGH)));
  const usual = m.op('and', m.op('lt', m.float(0), given), m.op('lt', given, m.float(Infinity)));
  const below = m.select(m.op('eq', given, m.float(0)), m.float(-Infinity), m.float(NaN));
  return m.select(usual, y, m.select(m.op('le', given, m.float(0)), below, given));
}

/** Near 0 an odd polynomial; beyond, 1 - 2 / (exp(2 |x|) + 1), which is 1 if exp is infinite. */
function tanh(m: MathWriter, x: Code): Code {
  const a = m.keep(m.op('abs', x));
  const s = m.keep(m.op('mul', x, x));
  const p = m.polynomial(s, [-5.70498872745e-3, 2.06390887954e-2, -5.37397155531e-2, 1.33314422036e-1, -3.33332819422e-1]);
  const near = m.op('add', m.op('mul', m.op('mul', p, s), x), x);
  const far = m.keep(m.op('sub', m.float(1), m.op('div', m.float(2), m.op('add', m.call('exp', m.op('add', a, a)), m.float(1)))));
  const signed = m.select(m.op('lt', x, m.float(0)), m.op('neg', far), far);
  return m.select(m.op('lt', a, m.float(0.625)), near, signed);
}

function sigmoid(m: MathWriter, x: Code): Code {
  const e = m.keep(m.call('exp', m.op('neg', m.op('abs', x))));
  const p = m.keep(m.op('div', m.float(1), m.op('add', m.float(1), e)));
  return m.select(m.op('le', m.float(0), x), p, m.op('mul', e, p));
}

/**
 * sin and cos by quadrant: pi/2 in three parts (Cody and Waite, 1980), for large angles by the digits of 2/pi, then Taylor polynomials on
 * |r| <= pi/4.
 */
const quadrant =
  (shift: 0 | 1): Formula =>
  (m, x = []) => {
    const a = m.keep(m.op('abs', x));
    const k = m.keep(m.op('nearest', m.op('mul', a, m.float(0.63661977))));
    const minus = (value: Code, part: number): Code => m.op('add', value, m.op('mul', k, m.float(part)));
    const near = minus(minus(minus(a, -1.5703125), -4.837512969970703e-4), -7.5497901e-8);
    const far = m.keepWhole(m.op('lt', m.float(FAR_ANGLE), a));
    const turn = m.keepWhole(m.integerCall('turn', m.bits(a), far));
    const quarter = m.keepWhole(m.shift('shru', m.op('iadd', turn, m.whole(0x20000000)), 30));
    const rest = m.op('mul', m.op('float', m.op('isub', turn, m.shift('shl', quarter, 30))), m.float(QUARTER_UNIT));
    const r = m.keep(m.select(far, rest, near));
    const s = m.keep(m.op('mul', r, r));
    const sine = m.polynomial(s, [2.7557319e-6, -1.984127e-4, 8.3333333e-3, -0.16666667]);
    const cosine = m.polynomial(s, [2.4801587e-5, -1.3888889e-3, 4.1666668e-2, -0.5, 1]);
    const q = m.keepWhole(m.op('and', m.op('iadd', m.select(far, quarter, m.op('whole', k)), m.whole(shift)), m.whole(3)));
    const odd = m.op('ieq', m.op('and', q, m.whole(1)), m.whole(1));
    const v = m.keep(m.select(odd, cosine, m.op('add', r, m.op('mul', m.op('mul', r, s), sine))));
    const w = m.keep(m.select(m.op('ieq', m.op('and', q, m.whole(2)), m.whole(2)), m.op('neg', v), v));
    const signed = shift === 1 ? w : m.select(m.op('lt', x, m.float(0)), m.op('neg', w), w);
    // For infinity and NaN, x - x is NaN.
    return m.select(m.op('lt', a, m.float(Infinity)), signed, m.op('sub', x, x));
  };

/** Folded into |x| <= tan(pi/8), then an odd polynomial. */
function atan(m: MathWriter, x: Code): Code {
  const a = m.keep(m.op('abs', x));
  const far = m.keepWhole(m.op('lt', m.float(2.4142135), a));
  const beyond = m.keepWhole(m.op('lt', m.float(0.41421357), a));
  const base = m.select(far, m.float(1.5707963), m.select(beyond, m.float(0.78539816), m.float(0)));
  const folded = m.op('div', m.op('sub', a, m.float(1)), m.op('add', a, m.float(1)));
  const r = m.keep(m.select(far, m.op('div', m.float(-1), m.atLeast(a, 1)), m.select(beyond, folded, a)));
  const s = m.keep(m.op('mul', r, r));
  const p = m.polynomial(s, [8.0537446e-2, -0.13877686, 0.19977711, -0.3333295]);
  const y = m.keep(m.op('add', base, m.op('add', r, m.op('mul', m.op('mul', r, s), p))));
  return m.select(m.op('lt', x, m.float(0)), m.op('neg', y), y);
}

/** Taylor series near 0, where exp(x) - 1 cancels. */
function expm1(m: MathWriter, x: Code): Code {
  const series = m.op('mul', x, m.polynomial(x, [0.0001984127, 0.0013888889, 0.008333334, 0.041666668, 0.16666667, 0.5, 1]));
  return m.select(m.op('lt', m.op('abs', x), m.float(0.35)), series, m.op('sub', m.call('exp', x), m.float(1)));
}

/** log(1 + x) = 2 artanh(x / (2 + x)): the series avoids cancellation. */
function log1p(m: MathWriter, x: Code): Code {
  const z = m.keep(m.op('div', x, m.op('add', m.float(2), x)));
  const s = m.keep(m.op('mul', z, z));
  const series = m.op('mul', m.op('mul', m.float(2), z), m.polynomial(s, [0.11111111, 0.14285715, 0.2, 0.33333334, 1]));
  const near = m.op('lt', m.op('abs', m.op('sub', x, m.float(0.1))), m.float(0.4));
  return m.select(near, series, m.call('log', m.op('add', m.float(1), x)));
}

/**
 * An odd rational function to 1.2e-8, fitted for the least relative error from 0 to 3.8, where erf is 1 but for one last place, and then by
 * single last places for the least error of float32 arithmetic. All its coefficients are positive, so nothing cancels.
 */
function erf(m: MathWriter, x: Code): Code {
  const c = m.keep(m.atMost(m.keep(m.atLeast(x, -3.8)), 3.8));
  const s = m.keep(m.op('mul', c, c));
  const above = [
    2.1511232262128033e-6, 0.0002864911512006074, 0.0036143746692687273, 0.052308522164821625, 0.18623359501361847, 1.1283791065216064,
  ];
  const below = [3.92134788853582e-5, 0.0011349281994625926, 0.014665854163467884, 0.11248526722192764, 0.49837812781333923, 1];
  const r = m.keep(m.op('div', m.op('mul', m.polynomial(s, above), c), m.polynomial(s, below)));
  return m.atMost(m.keep(m.atLeast(r, -1)), 1);
}

/** Negative bases have a value only for whole exponents; bases of 1 and -1 follow C and IEEE 754. */
function pow(m: MathWriter, x: Code, y: Code): Code {
  const a = m.keep(m.op('abs', x));
  const magnitude = m.keep(m.call('exp', m.op('mul', y, m.call('log', a))));
  const odd = m.op('eq', m.op('abs', m.op('sub', y, m.op('mul', m.float(2), m.op('floor', m.op('mul', y, m.float(0.5)))))), m.float(1));
  const below = m.keepWhole(m.op('lt', x, m.float(0)));
  const signed = m.select(m.op('and', below, odd), m.op('neg', magnitude), magnitude);
  const part = m.op('ne', m.op('floor', y), y);
  const none = m.op('and', m.op('and', below, m.op('lt', a, m.float(Infinity))), part);
  const unit = m.op(
    'or',
    m.op('eq', x, m.float(1)),
    m.op('and', m.op('eq', x, m.float(-1)), m.op('eq', m.op('abs', y), m.float(Infinity))),
  );
  const one = m.op('or', m.op('eq', y, m.float(0)), unit);
  return m.select(one, m.float(1), m.select(none, m.float(NaN), signed));
}

function sign(m: MathWriter, x: Code): Code {
  return m.select(m.op('lt', m.float(0), x), m.float(1), m.select(m.op('lt', x, m.float(0)), m.float(-1), x));
}

/** Rounds to binary16: drops 13 bits of the mantissa; below the smallest normal number, everything past 2^-24. */
function roundF16(m: MathWriter, x: Code): Code {
  const a = m.keep(m.op('abs', x));
  const bits = m.keepWhole(m.bits(x));
  const odd = m.op('and', m.shift('shru', bits, 13), m.whole(1));
  const normal = m.fromBits(m.op('and', m.op('iadd', m.op('iadd', bits, m.whole(0xfff)), odd), m.whole(-0x2000)));
  const small = m.op('sub', m.op('add', x, m.float(0.75)), m.float(0.75));
  const rounded = m.keep(m.select(m.op('lt', a, m.float(2 ** -14)), small, normal));
  return m.select(m.op('lt', a, m.float(65520)), rounded, m.op('mul', x, m.float(Infinity)));
}

const FORMULAS = {
  exp,
  log,
  tanh,
  sigmoid,
  sin: quadrant(0),
  cos: quadrant(1),
  atan,
  expm1,
  log1p,
  erf,
  pow,
  sign,
  round_f16: roundF16,
} satisfies Readonly<Record<string, (m: MathWriter, x: Code, y: Code) => Code>>;

/** Functions without a WebAssembly instruction. */
export type LibraryFn = keyof typeof FORMULAS | keyof typeof INTEGER_FUNCTIONS;

export function isLibraryFn(name: string): name is LibraryFn {
  return name in FORMULAS || name in INTEGER_FUNCTIONS;
}

/** The index of a library function in a module; a name that ends in `/x4` is the vector version. */
export function libraryFunction(module: WasmModule, name: string): number {
  const [base = '', wide] = name.split('/');
  const library = (other: string): number => libraryFunction(module, other);
  const make = (): WasmFunction => {
    if (base in INTEGER_FUNCTIONS) return INTEGER_FUNCTIONS[base as keyof typeof INTEGER_FUNCTIONS](library);
    const type = wide === undefined ? 'f32' : 'v128';
    const params: ValType[] = base === 'pow' ? [type, type] : [type];
    const locals: ValType[] = [];
    const m = new MathWriter(wide !== undefined, { local: (t) => params.length + locals.push(t) - 1, inline: undefined, library });
    const formula: Formula = FORMULAS[base as keyof typeof FORMULAS];
    const result = formula(m, ...params.map((_, i) => get(i)));
    return { params, result: type, locals, body: [m.statements, result] };
  };
  return module.need(name, make);
}

/** Inlines a function of vectors: a call would cost about as much as the function, and would spill all registers to memory. */
export function inlineFormula(
  name: keyof typeof FORMULAS,
  args: readonly Code[],
  local: (type: ValType) => number,
  library: (name: string) => number,
): Code {
  const place: Place = {
    local,
    inline: (other, operands) => inlineFormula(other as keyof typeof FORMULAS, operands, local, library),
    library,
  };
  const m = new MathWriter(true, place);
  const formula: Formula = FORMULAS[name];
  const kept = args.map((a) => m.keep(a));
  const result = formula(m, ...kept);
  return [m.statements, result];
}

export function isFormula(name: string): name is keyof typeof FORMULAS {
  return name in FORMULAS;
}
