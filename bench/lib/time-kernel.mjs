import { hostShare, hostTime, now } from './clock.mjs';
import { checkSamples, kernelInputs, samplePlaces } from './kernel-inputs.mjs';
import { perStep, windowsIn } from './time-training.mjs';
import { restartCounters } from './webgpu-counters.mjs';
import { KERNEL_WINDOWS } from './workloads.mjs';

/** Times one kernel, after its results were held against float64. `run(n)` does it n times and waits for the last. */
export async function timeKernel(tool, name, workload, quick) {
  const inputs = kernelInputs(name);
  const begin = now();
  const kernel = await tool.kernel(name, inputs);
  await kernel.run(1);
  const firstStep = now() - begin;
  const places = samplePlaces(name);
  checkSamples(name, inputs, places, await kernel.at(places));
  const tried = now();
  await kernel.run(workload.repeats);
  const repeats = workload.repeats * windowsIn(now() - tried, quick);

  const count = KERNEL_WINDOWS[quick ? 'quick' : 'full'];
  const { counters } = tool;
  if (counters) restartCounters(counters);
  const windows = [];
  const hostBefore = hostTime();
  const timed = now();
  for (let i = 0; i < count; i++) {
    const start = now();
    await kernel.run(repeats);
    windows.push((now() - start) / repeats);
  }
  const wall = now() - timed;
  const hostAfter = hostTime();
  return {
    windows,
    firstStep,
    hostShare: hostShare(hostBefore, hostAfter, wall),
    device: counters && perStep(counters, count * repeats),
  };
}
