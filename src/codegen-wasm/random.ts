import { SHUFFLE_ROUNDS, SHUFFLE_STREAM, SHUFFLE_WALK } from '../base/random.ts';
import { TWO_OVER_PI } from '../base/two-over-pi.ts';
import { OP, constant, floatConstant, get, ifThen, invoke, repeatWhile, set, tee, type Code, type OpName, type ValType } from './encode.ts';
import type { WasmFunction } from './module.ts';

/** Integer functions: random numbers, bit for bit as in `base/random.ts`, a quotient that never traps, and what goes by the bits of floats. */
const op = (name: OpName, ...operands: readonly Code[]): Code => [operands, OP[name]];
const add = (a: Code, b: Code): Code => op('i32.add', a, b);
const xor = (a: Code, b: Code): Code => op('i32.xor', a, b);
const and = (a: Code, b: Code): Code => op('i32.and', a, b);
const times = (a: Code, b: Code): Code => op('i32.mul', a, b);
const right = (a: Code, by: Code): Code => op('i32.shr_u', a, by);
const integers = (n: number): ValType[] => Array.from({ length: n }, () => 'i32');

const ROTATIONS = [13, 15, 26, 6, 17, 29, 16, 24];

/** Threefry-2x32 with 20 rounds, unrolled. Key and counter are in locals; the counter's hold the result afterwards. */
function threefry(key: readonly [number, number], x: readonly [number, number], third: number): Code {
  const ks = [get(key[0]), get(key[1]), get(third)];
  const [x0, x1] = x;
  const word = (i: number): Code => ks[i % 3] ?? [];
  const code: Code[] = [
    [xor(xor(get(key[0]), get(key[1])), constant(0x1bd11bda)), set(third)],
    [add(get(x0), get(key[0])), set(x0)],
    [add(get(x1), get(key[1])), set(x1)],
  ];
  for (let group = 0; group < 5; group++) {
    for (let r = 0; r < 4; r++) {
      const rotation = ROTATIONS[((group & 1) << 2) + r] ?? 0;
      code.push([add(get(x0), get(x1)), tee(x0), get(x1), constant(rotation), OP['i32.rotl'], OP['i32.xor'], set(x1)]);
    }
    code.push([add(get(x0), word(group + 1)), set(x0)]);
    code.push([add(add(get(x1), word(group + 2)), constant(group + 1)), set(x1)]);
  }
  return code;
}

/** uniform(seed, stream, step, element) in [0, 1). */
function uniform(): WasmFunction {
  const bits = right(get(2), constant(8));
  return {
    params: integers(4),
    result: 'f32',
    locals: integers(1),
    body: [threefry([0, 1], [2, 3], 4), bits, OP['f32.convert_i32_u'], floatConstant(2 ** -24), OP['f32.mul']],
  };
}

/** The integer hash of a Feistel round. */
function mix(): WasmFunction {
  const fold = (shift: number): Code => xor(get(0), right(get(0), constant(shift)));
  return {
    params: integers(1),
    result: 'i32',
    locals: [],
    body: [times(fold(16), constant(0x85ebca6b)), set(0), times(fold(13), constant(0xc2b2ae35)), set(0), fold(16)],
  };
}

/** shuffle(index, n, seed, epoch): a Feistel network on the next power of two, repeated until the result is below n. */
function shuffle(library: (name: string) => number): WasmFunction {
  const [index, n, seed, epoch, second, third, other, low, lowMask, highMask, x, high, lowBits, walk] = Array.from(
    { length: 14 },
    (_, i) => i,
  ) as [number, number, number, number, number, number, number, number, number, number, number, number, number, number];
  const mixed = (value: Code): Code => [value, invoke(library('mix'))];
  const mask = (bits: Code): Code => op('i32.sub', op('i32.shl', constant(1), bits), constant(1));
  const bits = op('i32.sub', constant(32), op('i32.clz', op('i32.sub', get(n), constant(1))));
  // At least two bits, so that both halves exist; n is at least 1.
  const atLeastTwo: Code = [bits, tee(high), constant(2), get(high), constant(2), OP['i32.lt_u'], op('i32.eqz'), OP.select];
  const round = (r: number): Code => {
    const key = add(times(get(epoch), constant(r + 1)), get(other));
    const [changed, read, within] = r % 2 === 0 ? [high, low, highMask] : [low, high, lowMask];
    return [and(xor(get(changed), mixed(add(get(read), key))), get(within)), set(changed)];
  };
  const body: Code = [
    // The key of the permutation: threefry of (seed, stream) and (epoch, 0).
    [constant(SHUFFLE_STREAM), set(second), constant(0), set(other)],
    threefry([seed, second], [epoch, other], third),
    [atLeastTwo, tee(lowBits), get(lowBits), constant(1), OP['i32.shr_u'], tee(lowBits), OP['i32.sub'], set(high)],
    [mask(get(lowBits)), set(lowMask), mask(get(high)), set(highMask)],
    [get(index), set(x)],
    repeatWhile(
      [
        [right(get(x), get(lowBits)), set(high), and(get(x), get(lowMask)), set(low)],
        Array.from({ length: SHUFFLE_ROUNDS }, (_, r) => round(r)),
        [op('i32.or', op('i32.shl', get(high), get(lowBits)), get(low)), set(x)],
        ifThen(op('i32.lt_u', get(x), get(n)), [get(x), OP.return]),
      ],
      op('i32.lt_u', [add(get(walk), constant(1)), tee(walk)], constant(SHUFFLE_WALK)),
    ),
    get(index),
  ];
  return { params: integers(4), result: 'i32', locals: integers(10), body };
}

/** A signed quotient or remainder; 0 for a divisor of 0, as in JavaScript. */
function guarded(name: 'i32.div_s' | 'i32.rem_s'): WasmFunction {
  const opposite = op('i32.sub', constant(0), get(0));
  return {
    params: integers(2),
    result: 'i32',
    locals: [],
    body: [
      ifThen(op('i32.eqz', get(1)), [constant(0), OP.return]),
      // The smallest integer divided by -1 would trap.
      name === 'i32.div_s' ? ifThen(op('i32.eq', get(1), constant(-1)), [opposite, OP.return]) : [],
      op(name, get(0), get(1)),
    ],
  };
}

/**
 * fmod(x, y) of floats, always exact: a long division of the mantissas in whole numbers, eight bits of the quotient at a time, as in
 * codegen-wgsl/remainder.ts.
 */
function fmod(): WasmFunction {
  const [x, y, a, b, far, near, rest, shift] = [0, 1, 2, 3, 4, 5, 6, 7];
  const size = (of: number): Code => and(op('i32.reinterpret_f32', get(of)), constant(0x7fffffff));
  const less = (p: Code, q: Code): Code => op('i32.lt_u', p, q);
  const minus = (p: Code, q: Code): Code => op('i32.sub', p, q);
  const left = (p: Code, by: Code): Code => op('i32.shl', p, by);
  /** Of locals or small codes, which are written twice. */
  const either = (p: Code, q: Code, condition: Code): Code => [p, q, condition, OP.select];
  const exponent = (bits: number): Code => {
    const own = right(get(bits), constant(23));
    return either(own, constant(1), own);
  };
  const mantissa = (bits: number, of: number): Code => minus(get(bits), left(minus(get(of), constant(1)), constant(23)));
  const least = (p: Code, q: Code): Code => either(p, q, less(p, q));
  const infinite = constant(0x7f800000);
  const none = op('i32.or', op('i32.or', op('i32.ge_u', get(a), infinite), less(infinite, get(b))), op('i32.eqz', get(b)));
  return {
    params: ['f32', 'f32'],
    result: 'f32',
    locals: integers(6),
    body: [
      [size(x), set(a), size(y), set(b)],
      ifThen(none, [floatConstant(NaN), OP.return]),
      ifThen(less(get(a), get(b)), [get(x), OP.return]),
      [exponent(a), set(far), exponent(b), set(near)],
      [mantissa(a, far), set(rest), mantissa(b, near), set(b)],
      [op('i32.rem_u', get(rest), get(b)), set(rest), minus(get(far), get(near)), set(far)],
      ifThen(
        get(far),
        repeatWhile(
          [
            [least(get(far), constant(8)), set(shift)],
            [op('i32.rem_u', left(get(rest), get(shift)), get(b)), set(rest), minus(get(far), get(shift)), set(far)],
          ],
          get(far),
        ),
      ),
      [least(minus(op('i32.clz', get(rest)), constant(8)), minus(get(near), constant(1))), set(shift)],
      [add(left(get(rest), get(shift)), left(minus(minus(get(near), get(shift)), constant(1)), constant(23))), set(a)],
      // A rest of 0 has no first bit.
      either(get(a), constant(0), get(rest)),
      and(op('i32.reinterpret_f32', get(x)), constant(-0x80000000)),
      OP['i32.or'],
      OP['f32.reinterpret_i32'],
    ],
  };
}

/** turn(bits): a float, given by its bits, divided by pi/2, modulo 4, in units of 2^-30 (Payne and Hanek, 1983). */
function turn(): WasmFunction {
  const [bits, m, e, sum] = [0, 1, 2, 3];
  const parts = TWO_OVER_PI.map((digit, i): Code => {
    // The product with a digit is shifted 8 (i + 1) bits down; what leaves the word is whole turns, or too small to matter.
    const shift = add(get(e), constant(30 - 8 * (i + 1)));
    const term = times(get(m), constant(digit));
    const inside = op('i32.lt_u', add(shift, constant(31)), constant(63));
    const moved: Code = [
      op('i32.shl', term, shift),
      right(term, op('i32.sub', constant(0), shift)),
      op('i32.ge_s', shift, constant(0)),
      OP.select,
    ];
    return [add(get(sum), [moved, constant(0), inside, OP.select]), set(sum)];
  });
  return {
    params: integers(1),
    result: 'i32',
    locals: integers(3),
    body: [
      [op('i32.or', and(get(bits), constant(0x7fffff)), constant(0x800000)), set(m)],
      [op('i32.sub', and(right(get(bits), constant(23)), constant(255)), constant(150)), set(e)],
      parts,
      get(sum),
    ],
  };
}

export const INTEGER_FUNCTIONS = {
  turn,
  uniform,
  mix,
  shuffle,
  idiv: () => guarded('i32.div_s'),
  imod: () => guarded('i32.rem_s'),
  fmod,
} satisfies Readonly<Record<string, (library: (name: string) => number) => WasmFunction>>;
