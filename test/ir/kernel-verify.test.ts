import { describe, expect, it } from 'vitest';
import { parseKernel } from '../../src/ir/kernel/parse.ts';
import { verifyKernel } from '../../src/ir/kernel/verify.ts';

/** Kernels that are broken in one place, each with what the verifier says of it. */
const RIGHT = `kernel k {
  read x : f32[72]
  write p : f32[8]
  axis i0 < 8
  var a = 0f
  for j < 9 {
    let v = x[add(j, i0)]
    set a = add(a, v)
  }
  if lt(a, 1f) {
    let half = mul(a, 0.5f)
  }
  store p[i0] = a
}
`;

describe('the kernel verifier', () => {
  it('takes what is right', () => expect(() => parseKernel(RIGHT)).not.toThrow());

  it.each<[string, string | RegExp, string]>([
    ['buffer x is declared twice', '  write p', '  read x : f32[72]\n  write p'],
    ['buffer x is empty', 'f32[72]', 'f32[0]'],
    ['axis i0 is declared twice', '  var a', '  axis i0 < 8\n  var a'],
    ['axis i0 has 0 points', 'axis i0 < 8', 'axis i0 < 0'],
    ['loop j runs 0 times', 'for j < 9', 'for j < 0'],
    ['j is defined twice', '    set a', '    let j = 1f\n    set a'],
    ['a is defined twice', '  for j', '  var a = 1f\n  for j'],
    ['v is constant and cannot be set', 'set a = add(a, v)', 'set v = add(a, v)'],
    ['a is f32 and cannot be set', 'set a = add(a, v)', 'set a = j'],
    ['p is only written and is read', 'x[add(j, i0)]', 'p[i0]'],
    ['x is only read and is written', 'store p[i0]', 'store x[i0]'],
    ['p holds f32 and gets u32', 'store p[i0] = a', 'store p[i0] = i0'],
    ['p is declared as write and never written', '  store p[i0] = a\n', ''],
    ['x[72] is outside of 72', 'x[add(j, i0)]', 'x[72u]'],
    ['x[72] is outside of 72', 'x[add(j, i0)]', 'x(x[4 * 18u])'],
    ['the index of x is f32', 'x[add(j, i0)]', 'x[a]'],
    ['a condition is not bool', 'if lt(a, 1f)', 'if a'],
  ])('finds that %s', (message, from, to) => {
    const broken = RIGHT.replace(from, to);
    expect(broken).not.toBe(RIGHT);
    // Reading a kernel verifies it.
    expect(() => parseKernel(broken)).toThrow(`kernel 'k' is broken: ${message}`);
  });

  const SHARED = `kernel k {
  write p : f32[64]
  lanes 64
  shared t : f32x4[64]
  put t[[lane]] = splat(1f)
  barrier of shared
  store p[lane] = x(t[[lane]])
}
`;

  it.each<[string, string, string]>([
    ['t is shared by lanes, and there are none', '  lanes 64\n', '  axis lane < 64\n'],
    ['t is empty', 'f32x4[64]', 'f32x4[0]'],
    ['t is no shared table of f32', '= splat(1f)', '= 1f'],
    ['t is no shared table of f32x4', '[[lane]] = splat', '[[1f]] = splat'],
    ['a barrier is not reached by all lanes', '  barrier of shared\n', '  if lt(lane, 1u) {\n    barrier of shared\n  }\n'],
    [
      'a barrier is not reached by all lanes',
      '  shared t : f32x4[64]\n  put t[[lane]] = splat(1f)\n',
      '  shared t : f32x4[64]\n  if lt(lane, 1u) {\n    for j < 2 {\n      barrier of buffers\n    }\n  }\n',
    ],
    ['u is shared, and is in a loop', '  shared t : f32x4[64]\n', '  shared t : f32x4[64]\n  for j < 2 {\n    shared u : f32x4[64]\n  }\n'],
    ['lanes wait for buffers in a loop', '  barrier of shared\n', '  for j < 2 {\n    barrier of buffers\n  }\n'],
  ])('finds in what lanes share that %s', (message, from, to) => {
    expect(() => parseKernel(SHARED)).not.toThrow();
    const broken = SHARED.replace(from, to);
    expect(broken).not.toBe(SHARED);
    expect(() => parseKernel(broken)).toThrow(`kernel 'k' is broken: ${message}`);
  });

  it('allows reading past the end as far as it is told', () => {
    const right = parseKernel(RIGHT.replace('x[add(j, i0)]', 'x[71u]'));
    const over = JSON.parse(JSON.stringify(right).replaceAll('71', '72')) as typeof right;
    expect(() => verifyKernel(over, 'a test', 4)).not.toThrow();
    expect(() => verifyKernel(over, 'a test')).toThrow("after a test, kernel 'k' is broken: x[72] is outside of 72");
  });
});
