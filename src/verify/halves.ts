/// <reference types="@webgpu/types" />
import { DeviceError } from '../runtime/errors.ts';
import { fromBits, toBits } from './elements.ts';
import { runSmall } from './proofs.ts';

/** Numbers that binary16 represents exactly, numbers between two of them, and numbers that are too large. */
const NUMBERS = [0, 1, -1.5, 1.0009765625, 1.0001, -3.1415927, 1234.567, 0.1, -6.1e-5, 65504, 65519, 65520, -70000, 3e38];

/** Stores each number as f16, to be read by its bits. The last two are infinity and NaN, made from their bits at run time. */
const code = `enable f16;
@group(0) @binding(0) var<storage, read_write> out: array<f16, ${NUMBERS.length + 2}>;
@compute @workgroup_size(1)
fn main(@builtin(workgroup_id) id: vec3u) {
  let zero = f32(id.x);
${NUMBERS.map((v, i) => `  out[${i}] = f16(${Math.fround(v)}f + zero);`).join('\n')}
  out[${NUMBERS.length}] = f16(bitcast<f32>(0x7f800000u + id.x));
  out[${NUMBERS.length + 1}] = f16(bitcast<f32>(0x7fc00000u + id.x));
}
`;

/** Whether bits are a correct rounding of a value; a driver may round to either side. */
export function isNext(bits: number, value: number): boolean {
  const got = fromBits(bits);
  if (Number.isNaN(value)) return Number.isNaN(got);
  const nearest = fromBits(toBits(value));
  if (got === nearest) return true;
  const unit = 2 ** (Math.max(-14, Math.floor(Math.log2(Math.abs(value)))) - 10);
  // Drivers may flush subnormals to 0; numbers that are too large must not come back finite.
  return Math.abs(value) < 2 ** -14 ? got === 0 || Math.abs(got - value) < unit : Math.abs(value) < 65504 && Math.abs(got - value) < unit;
}

/** Checks f16 arithmetic on the device: loss scaling relies on gradients overflowing visibly. */
export async function checkHalves(gpu: GPUDevice): Promise<void> {
  const [words] = (await runSmall(gpu, 'halves', code, [Math.ceil((NUMBERS.length + 2) / 2)])) as [Uint32Array];
  const bits = new Uint16Array(words.buffer, words.byteOffset, NUMBERS.length + 2);
  const wrong = [...NUMBERS, Infinity, NaN].flatMap((v, i) => (isNext(bits[i] ?? 0, v) ? [] : [`${v} as ${fromBits(bits[i] ?? 0)}`]));
  if (wrong.length > 0)
    throw new DeviceError(
      `the driver stores numbers as f16 otherwise than binary16 does: ${wrong.join(', ')}`,
      'NN602',
      'use --device cpu',
    );
}
