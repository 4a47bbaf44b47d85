import { FAR_ANGLE, QUARTER_UNIT, TWO_OVER_PI } from '../base/two-over-pi.ts';
import { vectorText, type PreludeEntry } from './prelude-entry.ts';

/**
 * sin and cos by quadrant, since WGSL only promises an absolute error of 2^-11. x = k pi/2 + r with pi/2 in three parts (Cody and Waite,
 * 1980), then Taylor polynomials on |r| <= pi/4. Large angles are reduced by the digits of 2/pi (Payne and Hanek, 1983): `nn_turn` gives x
 * / (pi/2) modulo 4 in units of 2^-30. Only about eight of the products of the mantissa with a byte matter: earlier ones are whole turns,
 * later ones too small.
 */
const TURN = `fn nn_turn(a: f32) -> u32 {
  let bits = bitcast<u32>(a) & 0x7fffffffu;
  let m = (bits & 0x7fffffu) | 0x800000u;
  let e = i32(bits >> 23u) - 150;
  var digits = array<u32, ${TWO_OVER_PI.length}>(${TWO_OVER_PI.map((d) => `${d}u`).join(', ')});
  let first = max((e - 2) / 8 + 1, 1);
  var turn = 0u;
  for (var k = first; k < min(first + 9, ${TWO_OVER_PI.length + 1}); k++) {
    let shift = e - 8 * k + 30;
    let term = m * digits[u32(k) - 1u];
    if (shift >= 0 && shift < 32) { turn += term << u32(shift); }
    if (shift < 0 && shift > -32) { turn += term >> u32(-shift); }
  }
  return turn;
}`;

const WAVE = `fn nn_wave(x: f32, r: f32, q: i32, flip: bool) -> f32 {
  let s = r * r;
  let sine = r + r * s * (-0.16666667 + s * (8.3333333e-3 + s * (-1.9841270e-4 + s * 2.7557319e-6)));
  let cosine = 1.0 + s * (-0.5 + s * (4.1666668e-2 + s * (-1.3888889e-3 + s * 2.4801587e-5)));
  let v = select(sine, cosine, (q & i32(1)) == i32(1));
  let signed = select(v, -v, ((q & i32(2)) == i32(2)) != flip);
  return select(signed, bitcast<f32>(bitcast<i32>(x) | i32(0x7fc00000)), (bitcast<i32>(x) & i32(0x7fffffff)) >= i32(0x7f800000));
}`;

const QUARTERS = `fn nn_quarters(a: f32) -> f32 { return round(a * 0.63661977); }
fn nn_rest(a: f32, k: f32) -> f32 {
  return fma(k, f32(-7.5497901e-8), fma(k, f32(-4.837513e-4), fma(k, f32(-1.5703125), a)));
}`;

/** Reduces a large angle: replaces the quadrant q and the remainder r, at the lane `at` of a vector. */
const far = (at: string): string => `let turn = nn_turn(a${at});
      let quarter = (turn + 0x20000000u) >> 30u;
      q${at} = i32(quarter) + shift;
      r${at} = f32(bitcast<i32>(turn - (quarter << 30u))) * ${QUARTER_UNIT.toPrecision(9)};`;

const QUADRANT = `fn nn_quadrant(x: f32, shift: i32) -> f32 {
  let a = abs(x);
  let k = nn_quarters(a);
  var r = nn_rest(a, k);
  var q = i32(k) + shift;
  if (a > ${FAR_ANGLE}.0) {
      ${far('')}
  }
  return nn_wave(x, r, q, (x < 0.0) && (shift == 0));
}`;

const WIDE = `fn nn_quadrant_4(x: vec4f, shift: i32) -> vec4f {
  let a = abs(x);
  let k = nn_quarters_4(a);
  var r = nn_rest_4(a, k);
  var q = vec4i(k) + shift;
  if (any(a > vec4f(${FAR_ANGLE}.0))) {
    for (var i = 0u; i < 4u; i++) {
      if (a[i] > ${FAR_ANGLE}.0) {
      ${far('[i]')}
      }
    }
  }
  return nn_wave_4(x, r, q, (x < vec4f(0.0)) & vec4<bool>(shift == 0));
}`;

export const TRIGONOMETRY = {
  turn: { needs: [], text: TURN },
  sin: {
    needs: ['turn'],
    text: [WAVE, QUARTERS, QUADRANT, 'fn nn_sin(x: f32) -> f32 { return nn_quadrant(x, 0); }'].join('\n'),
    wide: [...[WAVE, QUARTERS].map(vectorText), WIDE, 'fn nn_sin_4(x: vec4f) -> vec4f { return nn_quadrant_4(x, 0); }'].join('\n'),
  },
  cos: { needs: ['sin'], text: 'fn nn_cos(x: f32) -> f32 { return nn_quadrant(x, 1); }' },
} as const satisfies Readonly<Record<string, PreludeEntry>>;
