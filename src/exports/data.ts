/** `import ... from 'nnc/data'`: reads files of examples for a program, reads and writes weights. */
import { isRecord, mustBe } from '../base/calls.ts';
import { mustBeBytes } from '../library/calls.ts';
import { checkTensor } from '../runtime/weights.ts';
import type { KnownLearned, Learned } from '../base/learned.ts';
import { learnedIn, learnedMetadata } from '../data/learned.ts';
import { readMetadata, readSafetensors, writeSafetensors } from '../data/safetensors.ts';
import type { Tensor } from '../runtime/api.ts';

export type { Data } from '../library/data.ts';
export { drawnData } from '../library/drawn-data.ts';
export { loadData, readData, type ReadOptions } from '../library/read-data.ts';
export { readImageData } from '../library/read-images.ts';
export { torchStart, type Start } from '../library/torch-start.ts';
export { suggestProgram, type Suggestion } from '../library/suggest.ts';

/** Reads the tensors of a .safetensors file; integers become floats. `name` is for messages. */
export function readTensors(bytes: Uint8Array, name = 'the file'): Record<string, Tensor> {
  mustBeBytes(bytes);
  const floats = (data: Float32Array | Int32Array): Float32Array => (data instanceof Float32Array ? data : new Float32Array(data));
  return Object.fromEntries([...readSafetensors(bytes, name)].map(([key, t]) => [key, { shape: t.shape, data: floats(t.data) }]));
}

/** Writes tensors as a .safetensors file, which PyTorch can read, with what was learned from the data (`data.names.learned`). */
export function writeTensors(tensors: Readonly<Record<string, Tensor>>, learned?: Learned): Uint8Array {
  mustBe(isRecord(tensors), 'writeTensors takes tensors by name', tensors);
  for (const [name, tensor] of Object.entries(tensors)) checkTensor(tensor, name, 'what is to be written');
  return writeSafetensors(tensors, learnedMetadata(learned));
}

/** What the weights in a .safetensors file learned from their data; undefined if the file does not say. */
export function readLearned(bytes: Uint8Array, name = 'the file'): KnownLearned | undefined {
  mustBeBytes(bytes);
  return learnedIn(readMetadata(bytes), name);
}
