/** `import ... from 'nnc/data'`: reads files of examples for a program, reads and writes weights. */
import { readSafetensors, writeSafetensors } from '../data/safetensors.ts';
import type { Tensor } from '../runtime/api.ts';

export type { Data } from '../library/data.ts';
export { drawnData, readData, type ReadOptions } from '../library/read-data.ts';

/** Reads the tensors of a .safetensors file; integers become floats. `name` is for messages. */
export function readTensors(bytes: Uint8Array, name = 'the file'): Record<string, Tensor> {
  const floats = (data: Float32Array | Int32Array): Float32Array => (data instanceof Float32Array ? data : new Float32Array(data));
  return Object.fromEntries([...readSafetensors(bytes, name)].map(([key, t]) => [key, { shape: t.shape, data: floats(t.data) }]));
}

/** Writes tensors as a .safetensors file, which PyTorch can read. */
export const writeTensors = (tensors: Readonly<Record<string, Tensor>>): Uint8Array => writeSafetensors(tensors);
