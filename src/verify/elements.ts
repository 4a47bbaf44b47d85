import { roundF16 } from '../base/math.ts';
import { PER_WORD, type StorageType } from '../base/types.ts';
import type { Session, Words } from '../runtime/session.ts';

/** The bits of a number rounded to binary16. */
export function toBits(value: number): number {
  const rounded = roundF16(value);
  const a = Math.abs(rounded);
  const sign = rounded < 0 || Object.is(rounded, -0) ? 0x8000 : 0;
  if (Number.isNaN(a)) return 0x7e00;
  if (a === Infinity) return sign | 0x7c00;
  if (a < 2 ** -14) return sign | (a * 2 ** 24);
  const exponent = Math.floor(Math.log2(a));
  return sign | ((exponent + 15) << 10) | ((a / 2 ** exponent - 1) * 1024);
}

/** The binary16 number with these bits. */
export function fromBits(bits: number): number {
  const exponent = (bits >> 10) & 31;
  const fraction = bits & 1023;
  const a = exponent === 31 ? (fraction ? NaN : Infinity) : exponent === 0 ? fraction * 2 ** -24 : (1024 + fraction) * 2 ** (exponent - 25);
  return bits & 0x8000 ? -a : a;
}

/** Numbers as words of a storage type. */
export function toWords(values: ArrayLike<number>, dtype: StorageType): Words {
  if (dtype === 'f32') return Float32Array.from(values);
  if (dtype === 'i32') return Int32Array.from(values);
  const bits = new Uint16Array(2 * Math.ceil(values.length / 2));
  bits.set(Uint16Array.from(values, toBits));
  return new Int32Array(bits.buffer);
}

/** Reads elements of an arena as numbers. Unlike results of a program, verified tensors may be f16. */
export async function readElements(session: Session, arena: string, offset: number, length: number): Promise<Words> {
  const dtype = session.plan.arenas.find((a) => a.name === arena)?.dtype ?? 'f32';
  const per = PER_WORD[dtype];
  if (per === 1) return session.read(arena, offset, length);
  const first = Math.floor(offset / per);
  const words = await session.read(arena, first, Math.ceil((offset + length) / per) - first);
  const bits = new Uint16Array(words.buffer, words.byteOffset, words.length * per);
  return Float32Array.from(bits.subarray(offset - first * per, offset - first * per + length), fromBits);
}
