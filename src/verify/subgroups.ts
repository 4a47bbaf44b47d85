/// <reference types="@webgpu/types" />
import { THREADS, combineBySubgroups } from '../codegen-wgsl/body.ts';
import { DeviceError } from '../runtime/errors.ts';
import { runSmall } from './proofs.ts';

/** Every thread reports its index in its subgroup, and the thread number of the last one. */
const code = (size: number): string => `enable subgroups;
@group(0) @binding(0) var<storage, read_write> places: array<u32, ${THREADS}>;
@group(0) @binding(1) var<storage, read_write> last: array<u32, ${THREADS}>;
@compute @workgroup_size(${THREADS})
fn main(@builtin(local_invocation_index) lane: u32, @builtin(subgroup_invocation_id) place: u32) {
  places[lane] = place;
  last[lane] = subgroupShuffle(lane, ${size - 1}u);
}
`;

/** Whether subgroups are laid out as kernels expect: `size` consecutive threads, in order. */
export function isInOrder(places: ArrayLike<number>, last: ArrayLike<number>, size: number): boolean {
  return Array.from(places).every((place, lane) => place === lane % size && last[lane] === lane - (lane % size) + size - 1);
}

/** Throws if they are not. */
export async function checkSubgroups(gpu: GPUDevice, size: number): Promise<void> {
  const [places, last] = (await runSmall(gpu, 'subgroups', code(size), [THREADS, THREADS])) as [Uint32Array, Uint32Array];
  if (!isInOrder(places, last, size))
    throw new DeviceError(`the driver does not deal threads out in subgroups of ${size}, as it says`, 'NN602', 'use --device cpu');
}

/** Reduces numbers with known sums and maxima: 0 to 63, and their negatives. */
const joining = `enable subgroups;
diagnostic(off, subgroup_uniformity);
@group(0) @binding(0) var<storage, read_write> sums: array<i32, ${THREADS}>;
@group(0) @binding(1) var<storage, read_write> most: array<i32, ${THREADS}>;
var<workgroup> shared_i32: array<i32, ${THREADS}>;
${combineBySubgroups('i32', 'add')}
${combineBySubgroups('i32', 'max')}
@compute @workgroup_size(${THREADS})
fn main(@builtin(local_invocation_index) lane: u32, @builtin(subgroup_invocation_id) place: u32, @builtin(subgroup_size) threads: u32) {
  sums[lane] = combine_add_i32(lane, place, threads, i32(lane));
  most[lane] = combine_max_i32(lane, place, threads, -1 - i32(lane));
}
`;

/** Throws if subgroup reductions do not work as kernels expect. */
export async function checkCollectives(gpu: GPUDevice): Promise<void> {
  const [sums, most] = (await runSmall(gpu, 'collectives', joining, [THREADS, THREADS])) as [Uint32Array, Uint32Array];
  const sum = (THREADS * (THREADS - 1)) / 2;
  if (!(sums.every((v) => v === sum) && most.every((v) => (v | 0) === -1)))
    throw new DeviceError('the driver does not join threads by subgroups as it should', 'NN602', 'use --device cpu');
}
