import type { PreludeEntry } from './prelude-entry.ts';

/**
 * The remainder of floats, which is always exact: WGSL's own is x - y trunc(x / y), which is wrong as soon as the quotient is rounded. It is a
 * long division of the mantissas in whole numbers, eight bits of the quotient at a time, and two or three rounds for most numbers.
 */
const scalar = (name: string): string => `fn ${name}(x: f32, y: f32) -> f32 {
  let sign = bitcast<u32>(x) & 0x80000000u;
  let a = bitcast<u32>(x) & 0x7fffffffu;
  let b = bitcast<u32>(y) & 0x7fffffffu;
  if (a >= 0x7f800000u || b > 0x7f800000u || b == 0u) { return bitcast<f32>(a | 0x7fc00000u); }
  if (a < b) { return x; }
  let far = max(a >> 23u, 1u);
  let near = max(b >> 23u, 1u);
  let divisor = b - ((near - 1u) << 23u);
  var rest = (a - ((far - 1u) << 23u)) % divisor;
  var left = far - near;
  while (left > 0u) {
    let bits = min(left, 8u);
    rest = (rest << bits) % divisor;
    left -= bits;
  }
  if (rest == 0u) { return bitcast<f32>(sign); }
  let shift = min(countLeadingZeros(rest) - 8u, near - 1u);
  return bitcast<f32>(sign | ((rest << shift) + ((near - shift - 1u) << 23u)));
}`;

const LANES = ['x', 'y', 'z', 'w'].map((lane) => `nn_fmod_lane(x.${lane}, y.${lane})`).join(', ');

export const REMAINDER: PreludeEntry = {
  needs: [],
  text: scalar('nn_fmod'),
  wide: `${scalar('nn_fmod_lane')}
fn nn_fmod_4(x: vec4f, y: vec4f) -> vec4f { return vec4f(${LANES}); }`,
};
