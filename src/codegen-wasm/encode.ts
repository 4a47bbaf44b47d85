/**
 * The binary format of WebAssembly, as far as kernels need it (WebAssembly Core Specification 2.0, chapter 5). Code stays nested arrays of
 * bytes until the end, so that joining pieces costs nothing.
 */
export type Code = number | readonly Code[];

/** The bytes of value types. */
export const VALUE_TYPE = { i32: 0x7f, f32: 0x7d, v128: 0x7b } as const;
export type ValType = keyof typeof VALUE_TYPE;

/** An unsigned integer in LEB128. */
export function unsigned(value: number): number[] {
  const bytes: number[] = [];
  let rest = value;
  while (rest >= 0x80) {
    bytes.push((rest % 0x80) | 0x80);
    rest = Math.floor(rest / 0x80);
  }
  bytes.push(rest);
  return bytes;
}

/** A signed 32-bit integer in LEB128. */
export function signed(value: number): number[] {
  const bytes: number[] = [];
  let rest = value | 0;
  for (;;) {
    const byte = rest & 0x7f;
    rest >>= 7;
    if ((rest === 0 && (byte & 0x40) === 0) || (rest === -1 && (byte & 0x40) !== 0)) return [...bytes, byte];
    bytes.push(byte | 0x80);
  }
}

function floatBytes(value: number): number[] {
  return [...new Uint8Array(new Float32Array([value]).buffer)];
}

function wordBytes(value: number): number[] {
  return [...new Uint8Array(new Int32Array([value | 0]).buffer)];
}

const simd = (opcode: number): readonly number[] => [0xfd, ...unsigned(opcode)];

/** Instructions without immediate operands, by their names in the specification. */
export const OP = {
  return: [0x0f],
  end: [0x0b],
  select: [0x1b],
  'i32.eqz': [0x45],
  'i32.eq': [0x46],
  'i32.ne': [0x47],
  'i32.lt_s': [0x48],
  'i32.lt_u': [0x49],
  'i32.gt_s': [0x4a],
  'i32.le_s': [0x4c],
  'i32.ge_s': [0x4e],
  'i32.le_u': [0x4d],
  'i32.ge_u': [0x4f],
  'i32.clz': [0x67],
  'i32.add': [0x6a],
  'i32.sub': [0x6b],
  'i32.mul': [0x6c],
  'i32.div_s': [0x6d],
  'i32.div_u': [0x6e],
  'i32.rem_s': [0x6f],
  'i32.rem_u': [0x70],
  'i32.and': [0x71],
  'i32.or': [0x72],
  'i32.xor': [0x73],
  'i32.shl': [0x74],
  'i32.shr_s': [0x75],
  'i32.shr_u': [0x76],
  'i32.rotl': [0x77],
  'i32.trunc_sat_f32_s': [0xfc, 0x00],
  'i32.trunc_sat_f32_u': [0xfc, 0x01],
  'i32.reinterpret_f32': [0xbc],
  'f32.eq': [0x5b],
  'f32.ne': [0x5c],
  'f32.lt': [0x5d],
  'f32.le': [0x5f],
  'f32.abs': [0x8b],
  'f32.neg': [0x8c],
  'f32.floor': [0x8e],
  'f32.nearest': [0x90],
  'f32.sqrt': [0x91],
  'f32.add': [0x92],
  'f32.sub': [0x93],
  'f32.mul': [0x94],
  'f32.div': [0x95],
  'f32.min': [0x96],
  'f32.max': [0x97],
  'f32.convert_i32_s': [0xb2],
  'f32.convert_i32_u': [0xb3],
  'f32.reinterpret_i32': [0xbe],
  'i32x4.splat': simd(0x11),
  'f32x4.splat': simd(0x13),
  'i32x4.eq': simd(0x37),
  'i32x4.ne': simd(0x38),
  'i32x4.lt_s': simd(0x39),
  'i32x4.lt_u': simd(0x3a),
  'i32x4.le_s': simd(0x3d),
  'i32x4.le_u': simd(0x3e),
  'f32x4.eq': simd(0x41),
  'f32x4.ne': simd(0x42),
  'f32x4.lt': simd(0x43),
  'f32x4.le': simd(0x45),
  'v128.not': simd(0x4d),
  'v128.and': simd(0x4e),
  'v128.or': simd(0x50),
  'v128.bitselect': simd(0x52),
  'v128.any_true': simd(0x53),
  'f32x4.floor': simd(0x68),
  'f32x4.nearest': simd(0x6a),
  'i32x4.abs': simd(0xa0),
  'i32x4.neg': simd(0xa1),
  'i32x4.shl': simd(0xab),
  'i32x4.shr_s': simd(0xac),
  'i32x4.shr_u': simd(0xad),
  'i32x4.add': simd(0xae),
  'i32x4.sub': simd(0xb1),
  'i32x4.mul': simd(0xb5),
  'i32x4.min_s': simd(0xb6),
  'i32x4.min_u': simd(0xb7),
  'i32x4.max_s': simd(0xb8),
  'i32x4.max_u': simd(0xb9),
  'f32x4.abs': simd(0xe0),
  'f32x4.neg': simd(0xe1),
  'f32x4.sqrt': simd(0xe3),
  'f32x4.add': simd(0xe4),
  'f32x4.sub': simd(0xe5),
  'f32x4.mul': simd(0xe6),
  'f32x4.div': simd(0xe7),
  'f32x4.min': simd(0xe8),
  'f32x4.max': simd(0xe9),
  'f32x4.pmin': simd(0xea),
  'f32x4.pmax': simd(0xeb),
  'i32x4.trunc_sat_f32x4_s': simd(0xf8),
  'i32x4.trunc_sat_f32x4_u': simd(0xf9),
  'f32x4.convert_i32x4_s': simd(0xfa),
  'f32x4.convert_i32x4_u': simd(0xfb),
} as const;
export type OpName = keyof typeof OP;

/** Loads and stores; all take an address and a constant offset in bytes. */
const MEMORY = {
  'i32.load': [0x28],
  'i64.load': [0x29],
  'f32.load': [0x2a],
  'i32.store': [0x36],
  'i64.store': [0x37],
  'f32.store': [0x38],
  'v128.load': simd(0x00),
  'v128.load32_splat': simd(0x09),
  'v128.store': simd(0x0b),
} as const;

/** Addresses are multiples of four; the alignment hint is the exponent. */
const ALIGN_HINT = 2;

export const memory = (name: keyof typeof MEMORY, offset: number): Code => [MEMORY[name], ALIGN_HINT, unsigned(offset)];
const ATOMIC = { notify: 0x00, wait: 0x01, load: 0x10, store: 0x17, add: 0x1e } as const;
/** Atomic operations on a word: `wait` takes the expected value and a timeout, `notify` how many threads to wake. */
export const atomic = (name: keyof typeof ATOMIC, offset: number): Code => [0xfe, ATOMIC[name], ALIGN_HINT, unsigned(offset)];
export const constant = (value: number): Code => [0x41, signed(value)];
export const floatConstant = (value: number): Code => [0x43, floatBytes(value)];
/** A vector of four equal words. */
const fourWords = (word: readonly number[]): Code => [simd(0x0c), word, word, word, word];
export const vectorConstant = (value: number): Code => fourWords(floatBytes(value));
export const integerVector = (value: number): Code => fourWords(wordBytes(value));
export const get = (local: number): Code => [0x20, unsigned(local)];
export const set = (local: number): Code => [0x21, unsigned(local)];
export const tee = (local: number): Code => [0x22, unsigned(local)];
export const invoke = (fn: number): Code => [0x10, unsigned(fn)];
export const extractLane = (type: 'f32' | 'i32', lane: number): Code => [simd(type === 'f32' ? 0x1f : 0x1b), lane];
export const replaceLane = (type: 'f32' | 'i32', lane: number): Code => [simd(type === 'f32' ? 0x20 : 0x1c), lane];
/** Broadcasts one lane to all four; the operand is pushed twice. */
export const broadcastLane = (lane: number): Code => [simd(0x0d), Array.from({ length: 16 }, (_, i) => lane * 4 + (i % 4))];
/** Picks four of the eight lanes of two vectors, the second one's numbered from 4. */
export const pickLanes = (...lanes: readonly [number, number, number, number]): Code => [
  simd(0x0d),
  lanes.flatMap((lane) => [0, 1, 2, 3].map((byte) => 4 * lane + byte)),
];
const EMPTY = 0x40;
export const ifThen = (condition: Code, body: Code, otherwise?: Code): Code => [
  condition,
  [0x04, EMPTY, body],
  otherwise === undefined ? [] : [0x05, otherwise],
  OP.end,
];
/** Code that {@link leaveIf} leaves. */
export const inBlock = (body: Code): Code => [0x02, EMPTY, body, OP.end];
export const leaveIf = (condition: Code): Code => [condition, 0x0d, 0];
/** Runs the body at least once, and repeats it while the condition holds. */
export const repeatWhile = (body: Code, condition: Code): Code => [0x03, EMPTY, body, condition, 0x0d, 0, OP.end];

/** Nested code as bytes. */
export function bytesOf(code: Code): number[] {
  const out: number[] = [];
  const walk = (c: Code): void => {
    if (typeof c === 'number') out.push(c);
    else for (const part of c) walk(part);
  };
  walk(code);
  return out;
}

/** Items preceded by their count. */
export function vector(items: readonly Code[]): Code {
  return [unsigned(items.length), items];
}

/** A section of a module or the body of a function: bytes preceded by their length. */
export function sized(code: Code): number[] {
  const bytes = bytesOf(code);
  return unsigned(bytes.length).concat(bytes);
}
