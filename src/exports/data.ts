/** `import ... from 'nnc/data'`: files of examples to what a program takes, weights from and to files. */
import { readSafetensors, writeSafetensors } from '../data/safetensors.ts';
import type { Tensor } from '../runtime/api.ts';

export type { Data } from '../library/data.ts';
export { drawnData, readData, type ReadOptions } from '../library/read-data.ts';

/** The tensors of a .safetensors file, whole numbers as floats. `name` is for messages. */
export function readTensors(bytes: Uint8Array, name = 'the file'): Record<string, Tensor> {
  const floats = (data: Float32Array | Int32Array): Float32Array => (data instanceof Float32Array ? data : new Float32Array(data));
  return Object.fromEntries([...readSafetensors(bytes, name)].map(([key, t]) => [key, { shape: t.shape, data: floats(t.data) }]));
}

/** Tensors as a .safetensors file, which PyTorch reads too. */
export const writeTensors = (tensors: Readonly<Record<string, Tensor>>): Uint8Array => writeSafetensors(tensors);
