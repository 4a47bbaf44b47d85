/// <reference types="@webgpu/types" />
import { MAP_READ_MODE, USAGE } from '../runtime/flags.ts';
import { DeviceError } from '../runtime/errors.ts';

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

/** Runs a kernel whose results are known: a driver that deals threads out otherwise would give wrong results without a word. */
export async function checkSubgroups(gpu: GPUDevice, size: number): Promise<void> {
  if (size === 1) return;
  const buffer = (usage: number, bytes: number): GPUBuffer => gpu.createBuffer({ label: 'subgroups', size: bytes, usage });
  const bytes = 4 * THREADS;
  const found = USAGE.STORAGE | USAGE.COPY_SRC;
  const [places, last] = [buffer(found, bytes), buffer(found, bytes)];
  const read = buffer(USAGE.MAP_READ | USAGE.COPY_DST, 2 * bytes);
  const module = gpu.createShaderModule({ label: 'subgroups', code: code(size) });
  const pipeline = await gpu.createComputePipelineAsync({ label: 'subgroups', layout: 'auto', compute: { module } });
  const entries = [places, last].map((b, binding) => ({ binding, resource: { buffer: b } }));
  const encoder = gpu.createCommandEncoder();
  const pass = encoder.beginComputePass();
  pass.setPipeline(pipeline);
  pass.setBindGroup(0, gpu.createBindGroup({ layout: pipeline.getBindGroupLayout(0), entries }));
  pass.dispatchWorkgroups(1);
  pass.end();
  [places, last].forEach((b, i) => encoder.copyBufferToBuffer(b, 0, read, i * bytes, bytes));
  gpu.queue.submit([encoder.finish()]);
  await read.mapAsync(MAP_READ_MODE);
  const words = new Uint32Array(read.getMappedRange().slice(0));
  for (const b of [places, last, read]) b.destroy();
  if (!isInOrder(words.subarray(0, THREADS), words.subarray(THREADS), size))
    throw new DeviceError(`the driver does not deal threads out in subgroups of ${size}, as it says`, 'NN602', 'use --device cpu');
}
