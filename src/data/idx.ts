import { fail } from '../base/errors.ts';
import type { DataTensor } from './values.ts';

/** Reads MNIST's IDX format: two zero bytes, the type, the number of axes, big-endian extents, then unsigned bytes. */
export function readIdx(path: string, bytes: Uint8Array): DataTensor {
  const bad = (why: string): never => fail('NN301', `${path} is not an IDX file: ${why}`);
  if (bytes.length < 4 || bytes[0] !== 0 || bytes[1] !== 0) return bad('it does not start with two zero bytes');
  if (bytes[2] !== 8) return bad(`it holds elements of type ${bytes[2] ?? 0}, and nnc reads unsigned bytes (8)`);
  const rank = bytes[3] ?? 0;
  const start = 4 + 4 * rank;
  if (rank === 0 || bytes.length < start) return bad('it ends inside of its head');
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const shape = Array.from({ length: rank }, (_, i) => view.getUint32(4 + 4 * i));
  const n = shape.reduce((a, b) => a * b, 1);
  if (bytes.length !== start + n) return bad(`its head promises ${n} bytes, and ${bytes.length - start} follow`);
  return { shape, data: bytes.subarray(start) };
}
