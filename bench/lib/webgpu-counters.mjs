/**
 * Counts what a library asks of WebGPU, on the objects of WebGPU themselves: nothing that a library says about itself
 * is taken for granted. `classes` are the globals of Dawn's Node module that the library uses.
 */
export function countWebGpu(classes) {
  const counters = {
    adapter: undefined,
    dispatches: 0,
    submits: 0,
    buffers: 0,
    allocatedBytes: 0,
    bindGroups: 0,
    pipelines: 0,
    liveBytes: 0,
    peakBytes: 0,
    peakBytesEver: 0,
  };
  const count = (className, method, counter) => before(classes[className].prototype, method, () => counters[counter]++);
  count('GPUComputePassEncoder', 'dispatchWorkgroups', 'dispatches');
  count('GPUComputePassEncoder', 'dispatchWorkgroupsIndirect', 'dispatches');
  count('GPUQueue', 'submit', 'submits');
  count('GPUDevice', 'createBindGroup', 'bindGroups');
  count('GPUDevice', 'createComputePipeline', 'pipelines');
  count('GPUDevice', 'createComputePipelineAsync', 'pipelines');
  before(classes.GPUAdapter.prototype, 'requestDevice', (adapter) => {
    counters.adapter = adapter.info.description || adapter.info.device;
  });
  countBuffers(classes.GPUDevice.prototype, counters);
  return counters;
}

/** Starts the counts of a timed region; what is alive stays alive. */
export function restartCounters(counters) {
  for (const key of ['dispatches', 'submits', 'buffers', 'allocatedBytes', 'bindGroups', 'pipelines']) counters[key] = 0;
  counters.peakBytes = counters.liveBytes;
}

function before(prototype, method, notice) {
  const original = prototype[method];
  prototype[method] = function (...given) {
    notice(this);
    return original.apply(this, given);
  };
}

function countBuffers(device, counters) {
  const createBuffer = device.createBuffer;
  device.createBuffer = function (descriptor) {
    const { size } = descriptor;
    counters.buffers++;
    counters.allocatedBytes += size;
    counters.liveBytes += size;
    counters.peakBytes = Math.max(counters.peakBytes, counters.liveBytes);
    counters.peakBytesEver = Math.max(counters.peakBytesEver, counters.liveBytes);
    const buffer = createBuffer.call(this, descriptor);
    const destroy = buffer.destroy;
    let alive = true;
    buffer.destroy = function () {
      if (alive) counters.liveBytes -= size;
      alive = false;
      return destroy.call(buffer);
    };
    return buffer;
  };
}
