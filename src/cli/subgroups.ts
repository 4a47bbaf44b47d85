/// <reference types="@webgpu/types" />
import { DeviceError } from '../runtime/errors.ts';
import { runSmall } from './proofs.ts';

const THREADS = 64;

/** Every thread says its place in its subgroup and the number of the thread at the last place. */
const code = (size: number): string => `enable subgroups;
@group(0) @binding(0) var<storage, read_write> places: array<u32, ${THREADS}>;
@group(0) @binding(1) var<storage, read_write> last: array<u32, ${THREADS}>;
@compute @workgroup_size(${THREADS})
fn main(@builtin(local_invocation_index) lane: u32, @builtin(subgroup_invocation_id) place: u32) {
  places[lane] = place;
  last[lane] = subgroupShuffle(lane, ${size - 1}u);
}
`;

/** Whether threads lie in subgroups as kernels count on: `size` of them side by side, in the order of their numbers. */
export function isInOrder(places: ArrayLike<number>, last: ArrayLike<number>, size: number): boolean {
  return Array.from(places).every((place, lane) => place === lane % size && last[lane] === lane - (lane % size) + size - 1);
}

/** Throws where threads do not lie so. */
export async function checkSubgroups(gpu: GPUDevice, size: number): Promise<void> {
  const [places, last] = (await runSmall(gpu, 'subgroups', code(size), [THREADS, THREADS])) as [Uint32Array, Uint32Array];
  if (!isInOrder(places, last, size))
    throw new DeviceError(`the driver does not deal threads out in subgroups of ${size}, as it says`, 'NN602', 'use --device cpu');
}
