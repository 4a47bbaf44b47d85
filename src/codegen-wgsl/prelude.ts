import type { Fn } from '../ir/kernel/types.ts';
import type { PreludeEntry } from './prelude-entry.ts';
import { REMAINDER } from './remainder.ts';
import { TRIGONOMETRY } from './trigonometry.ts';

/** Whether x is NaN, tested by its bits: drivers may assume that NaN does not occur, and fold x != x to false. */
export const isNan = (x: string): string => `((bitcast<i32>(${x}) & i32(0x7fffffff)) > i32(0x7f800000))`;
/** NaN, made at run time from the bits of x, because WGSL has no constant for it. */
export const nan = (x: string): string => `bitcast<f32>(bitcast<i32>(${x}) | i32(0x7fc00000))`;

/** The maximum or minimum; NaN if either operand is NaN. */
const extreme = (name: 'max' | 'min'): string => `fn nn_${name}(a: f32, b: f32) -> f32 {
  let none = max(bitcast<i32>(a) & i32(0x7fffffff), bitcast<i32>(b) & i32(0x7fffffff)) > i32(0x7f800000);
  return select(${name}(a, b), ${nan('a')}, none);
}`;

/**
 * The audited numeric functions. WGSL lets a driver assume that NaN and infinity do not occur, and its bounds for exp, tanh and others are
 * loose, so nothing here relies on either. Each text is pasted into the kernels that call it.
 */
export const PRELUDE: Partial<Readonly<Record<Fn | 'turn', PreludeEntry>>> = {
  max: { needs: [], text: extreme('max') },
  min: { needs: [], text: extreme('min') },
  exp: {
    needs: [],
    text: `fn nn_exp(x: f32) -> f32 { return select(exp(x), x, ${isNan('x')}); }`,
  },
  log: {
    needs: [],
    // Outside the normal positive numbers drivers return anything, such as log |x|, or -88 for 0. A subnormal number is its bits as a whole
    // number, times 2^-149.
    text: `fn nn_log(x: f32) -> f32 {
  let bits = bitcast<i32>(x);
  let size = bits & i32(0x7fffffff);
  let small = select(log(f32(size)) - f32(103.27893), bitcast<f32>(bits | i32(-8388608)), size == i32(0));
  let finite = select(log(x), small, size < i32(0x00800000));
  let usual = select(finite, x, size == i32(0x7f800000));
  return select(usual, ${nan('x')}, ((bits < i32(0)) && (size != i32(0))) || (size > i32(0x7f800000)));
}`,
  },
  tanh: {
    needs: [],
    // Beyond 9 the result rounds to +-1; unclamped, some drivers give NaN. Below 0.1 the odd series keeps the relative error small.
    text: `fn nn_tanh(x: f32) -> f32 {
  let s = x * x;
  let series = x * (1.0 + s * (-0.33333334 + s * (0.13333334 + s * -0.053968254)));
  return select(tanh(clamp(x, f32(-9.0), f32(9.0))), series, (abs(x) < f32(0.1)) || ${isNan('x')});
}`,
  },
  sigmoid: {
    needs: ['exp'],
    text: `fn nn_sigmoid(x: f32) -> f32 {
  let e = nn_exp(-abs(x));
  let p = 1.0 / (1.0 + e);
  return select(e * p, p, x >= f32(0.0));
}`,
  },
  ...TRIGONOMETRY,
  fmod: REMAINDER,
  atan: {
    needs: [],
    // Folded into |x| <= tan(pi/8), then the odd polynomial of Moshier's Cephes library.
    text: `fn nn_atan(x: f32) -> f32 {
  let a = abs(x);
  let far = a > f32(2.4142135);
  let middle = !far && (a > f32(0.41421357));
  let base = select(select(f32(0.0), f32(0.78539816), middle), f32(1.5707963), far);
  let r = select(select(a, (a - 1.0) / (a + 1.0), middle), -1.0 / max(a, f32(1.0)), far);
  let s = r * r;
  let y = base + (r + r * s * (((8.0537446e-2 * s - 0.13877686) * s + 0.19977711) * s - 0.3333295));
  return select(y, -y, x < f32(0.0));
}`,
  },
  expm1: {
    needs: ['exp'],
    // Taylor series near 0, where exp(x) - 1 cancels.
    text: `fn nn_expm1(x: f32) -> f32 {
  let series = x * (1.0 + x * (0.5 + x * (0.16666667 + x * (0.041666668 + x * (0.008333334 + x * (0.0013888889 + x * 0.0001984127))))));
  return select(nn_exp(x) - 1.0, series, abs(x) < f32(0.35));
}`,
  },
  log1p: {
    needs: ['log'],
    // log(1 + x) = 2 artanh(x / (2 + x)): the series avoids cancellation.
    text: `fn nn_log1p(x: f32) -> f32 {
  let z = x / (2.0 + x);
  let s = z * z;
  let series = 2.0 * z * (1.0 + s * (0.33333334 + s * (0.2 + s * (0.14285715 + s * 0.11111111))));
  return select(nn_log(1.0 + x), series, abs(x - 0.1) < f32(0.4));
}`,
  },
  erf: {
    needs: ['exp'],
    // Near 0 the Maclaurin series (Abramowitz and Stegun 7.1.5); beyond, 7.1.26 to 1.5e-7.
    text: `fn nn_erf(x: f32) -> f32 {
  let a = abs(x);
  let s = x * x;
  let series = x * (1.1283792 + s * (-0.37612638 + s * (0.11283792 + s * (-0.026866170 + s * (0.0052239776 + s * (-0.00085483270 + s * 0.00012055332))))));
  let t = 1.0 / (1.0 + 0.3275911 * a);
  let tail = ((((1.061405429 * t - 1.453152027) * t + 1.421413741) * t - 0.284496736) * t + 0.254829592) * t;
  return select(sign(x) * (1.0 - tail * nn_exp(-min(s, f32(80.0)))), series, a < f32(0.7));
}`,
  },
  round_f16: {
    needs: [],
    // By its bits, since drivers may round quantizeToF16 either way. The product with 3e38 makes values that are too large infinite and
    // keeps infinity and NaN.
    text: `fn nn_round_f16(x: f32) -> f32 {
  let size = bitcast<i32>(x) & i32(0x7fffffff);
  let usual = bitcast<f32>((size + i32(0xfff) + ((size / i32(8192)) & i32(1))) & i32(-8192));
  let small = round(abs(x) * 16777216.0) * 5.9604645e-8;
  let a = select(select(usual, small, size < i32(0x38800000)), abs(x) * 3.0e38, size >= i32(0x477ff000));
  return select(a, -a, x < f32(0.0));
}`,
  },
  finite: {
    needs: [],
    // By its bits: drivers may assume that all numbers are finite.
    text: `fn nn_finite(x: f32) -> bool {
  return (bitcast<i32>(x) & i32(0x7f800000)) != i32(0x7f800000);
}`,
  },
  before: {
    needs: [],
    // By whole numbers in the order of the floats, because drivers may assume that neither NaN nor infinity occurs: comparisons with them
    // may come out either way. Both zeros are 0, and NaN is the largest of all.
    text: `fn nn_order(x: f32) -> i32 {
  let bits = bitcast<i32>(x);
  let size = bits & i32(0x7fffffff);
  return select(select(size, -size, bits < i32(0)), i32(0x7fffffff), size > i32(0x7f800000));
}
fn nn_before(a: f32, b: f32) -> bool { return nn_order(a) < nn_order(b); }`,
  },
  pow: {
    needs: [],
    // WGSL's pow is undefined for negative bases: with whole exponents they have a value, otherwise the result is NaN. Drivers take a
    // finite logarithm of 0, so powers of 0 are given explicitly. Bases of 1 and -1 follow C and IEEE 754, also for infinite exponents.
    text: `fn nn_pow(x: f32, y: f32) -> f32 {
  let infinite = bitcast<f32>((bitcast<i32>(x) & i32(0x7fffffff)) | i32(0x7f800000));
  let magnitude = select(pow(abs(x), y), select(f32(0.0), infinite, y < f32(0.0)), x == f32(0.0));
  let odd = abs(y - 2.0 * floor(y * 0.5)) == f32(1.0);
  let negative = (x < f32(0.0)) && (abs(x) < f32(3.4e38));
  let none = (negative && (floor(y) != y)) || ${isNan('x')} || ${isNan('y')};
  let far = (bitcast<i32>(y) & i32(0x7fffffff)) == i32(0x7f800000);
  let one = (y == f32(0.0)) || (x == f32(1.0)) || ((x == f32(-1.0)) && far);
  let signed = select(magnitude, -magnitude, (x < f32(0.0)) && odd);
  return select(select(signed, ${nan('x')}, none), f32(1.0), one);
}`,
  },
  uniform: {
    needs: [],
    text: `fn nn_threefry(key: vec2u, counter: vec2u) -> vec2u {
  let ks = array<u32, 3>(key.x, key.y, key.x ^ key.y ^ 0x1bd11bdau);
  let rot = array<u32, 8>(13u, 15u, 26u, 6u, 17u, 29u, 16u, 24u);
  var x = counter + key;
  for (var g = 0u; g < 5u; g++) {
    for (var r = 0u; r < 4u; r++) {
      let k = rot[(g % 2u) * 4u + r];
      x.x += x.y;
      x.y = ((x.y << k) | (x.y >> (32u - k))) ^ x.x;
    }
    x += vec2u(ks[(g + 1u) % 3u], ks[(g + 2u) % 3u] + g + 1u);
  }
  return x;
}
fn nn_uniform(seed: i32, stream: u32, step: i32, element: u32) -> f32 {
  return f32(nn_threefry(vec2u(u32(seed), stream), vec2u(u32(step), element)).x >> 8u) * 5.9604645e-8;
}`,
  },
  shuffle: {
    needs: ['uniform'],
    text: `fn nn_mix(v: u32) -> u32 {
  var h = v;
  h = (h ^ (h >> 16u)) * 0x85ebca6bu;
  h = (h ^ (h >> 13u)) * 0xc2b2ae35u;
  return h ^ (h >> 16u);
}
fn nn_shuffle(index: i32, n: u32, seed: i32, epoch: i32) -> i32 {
  let bits = max(2u, 32u - countLeadingZeros(n - 1u));
  let low_bits = bits / 2u;
  let low_mask = (1u << low_bits) - 1u;
  let high_mask = (1u << (bits - low_bits)) - 1u;
  let key = nn_threefry(vec2u(u32(seed), 0x5f5fu), vec2u(u32(epoch), 0u));
  var x = u32(index);
  for (var walk = 0u; walk < 64u; walk++) {
    var high = x >> low_bits;
    var low = x & low_mask;
    for (var r = 0u; r < 6u; r++) {
      let k = key.x * (r + 1u) + key.y;
      if (r % 2u == 0u) { high = (high ^ nn_mix(low + k)) & high_mask; }
      else { low = (low ^ nn_mix(high + k)) & low_mask; }
    }
    x = (high << low_bits) | low;
    if (x < n) { return i32(x); }
  }
  return index;
}`,
  },
};
