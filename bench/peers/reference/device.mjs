/** The few things that hand-written WGSL needs around it. */
export async function openDevice() {
  const adapter = await navigator.gpu.requestAdapter({ powerPreference: 'high-performance' });
  if (!adapter) throw new Error('there is no WebGPU adapter');
  const { maxStorageBufferBindingSize, maxBufferSize } = adapter.limits;
  const device = await adapter.requestDevice({ requiredLimits: { maxStorageBufferBindingSize, maxBufferSize } });
  const { queue } = device;
  const storage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_DST | GPUBufferUsage.COPY_SRC;

  /** A storage buffer of words, with values if they are given. */
  function buffer(words, values) {
    const made = device.createBuffer({ size: words * 4, usage: storage });
    if (values) queue.writeBuffer(made, 0, values);
    return made;
  }

  /** A kernel with its buffers bound: gives what encodes `count` dispatches of it. */
  function kernel(code, buffers, workgroups) {
    const module = device.createShaderModule({ code });
    const pipeline = device.createComputePipeline({ layout: 'auto', compute: { module, entryPoint: 'main' } });
    const entries = buffers.map((b, binding) => ({ binding, resource: { buffer: b } }));
    const group = device.createBindGroup({ layout: pipeline.getBindGroupLayout(0), entries });
    return (encoder, count = 1) => {
      const pass = encoder.beginComputePass();
      pass.setPipeline(pipeline);
      pass.setBindGroup(0, group);
      for (let i = 0; i < count; i++) pass.dispatchWorkgroups(...workgroups);
      pass.end();
    };
  }

  const staging = new Map();

  /** Submits what `encode` encodes, and waits. */
  async function submit(encode) {
    const encoder = device.createCommandEncoder();
    encode(encoder);
    queue.submit([encoder.finish()]);
    await queue.onSubmittedWorkDone();
  }

  /** Words of a buffer as floats, after what `encode` encodes, in one submit. */
  async function read(source, first, words, encode) {
    const key = words * 4;
    if (!staging.has(key)) staging.set(key, device.createBuffer({ size: key, usage: GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST }));
    const target = staging.get(key);
    const encoder = device.createCommandEncoder();
    encode?.(encoder);
    encoder.copyBufferToBuffer(source, first * 4, target, 0, key);
    queue.submit([encoder.finish()]);
    await target.mapAsync(GPUMapMode.READ);
    const values = new Float32Array(target.getMappedRange().slice(0));
    target.unmap();
    return values;
  }

  return { queue, buffer, kernel, submit, read };
}
