/// <reference types="@webgpu/types" />
import { MAP_READ_MODE, USAGE } from '../runtime/flags.ts';

/** Runs one workgroup of a kernel, with a buffer of the given number of words at each binding, and returns their contents. */
export async function runSmall(gpu: GPUDevice, label: string, code: string, words: readonly number[]): Promise<Uint32Array[]> {
  const total = words.reduce((a, b) => a + b, 0);
  const buffers = words.map((n) => gpu.createBuffer({ label, size: 4 * n, usage: USAGE.STORAGE | USAGE.COPY_SRC }));
  const read = gpu.createBuffer({ label, size: 4 * total, usage: USAGE.MAP_READ | USAGE.COPY_DST });
  const module = gpu.createShaderModule({ label, code });
  const pipeline = await gpu.createComputePipelineAsync({ label, layout: 'auto', compute: { module } });
  const entries = buffers.map((buffer, binding) => ({ binding, resource: { buffer } }));
  const encoder = gpu.createCommandEncoder();
  const pass = encoder.beginComputePass();
  pass.setPipeline(pipeline);
  pass.setBindGroup(0, gpu.createBindGroup({ layout: pipeline.getBindGroupLayout(0), entries }));
  pass.dispatchWorkgroups(1);
  pass.end();
  let at = 0;
  const starts = words.map((n) => (at += n) - n);
  buffers.forEach((b, i) => encoder.copyBufferToBuffer(b, 0, read, 4 * (starts[i] ?? 0), 4 * (words[i] ?? 0)));
  gpu.queue.submit([encoder.finish()]);
  await read.mapAsync(MAP_READ_MODE);
  const all = new Uint32Array(read.getMappedRange().slice(0));
  for (const b of [...buffers, read]) b.destroy();
  return words.map((n, i) => all.subarray(starts[i], (starts[i] ?? 0) + n));
}
