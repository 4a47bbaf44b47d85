import { hostShare, hostTime, now } from './clock.mjs';
import { restartCounters } from './webgpu-counters.mjs';
import { WINDOW } from './workloads.mjs';

/**
 * Times the training of one workload. A trainer's `run(n)` does n steps and gives the loss of the last one: steps are put
 * on their way without reading anything between them, as a program does that wants to be fast.
 */
export async function timeTraining(tool, name, workload, quick) {
  const begin = now();
  const trainer = await tool.train(name);
  const losses = {};
  let step = 0;
  const advance = async (count) => {
    const loss = await trainer.run(count);
    step += count;
    losses[step] = loss;
  };
  await advance(1);
  const firstStep = now() - begin;

  // The warm-up ends where losses are compared.
  const warm = workload.checks ? Math.max(...Object.keys(workload.checks).map(Number)) : workload.warmup;
  await advance(warm - step);

  const [least, count] = workload.windows[quick ? 'quick' : 'full'];
  const tried = now();
  await advance(least);
  const steps = least * windowsIn(now() - tried, quick);
  const { counters } = tool;
  if (counters) restartCounters(counters);
  const windows = [];
  const hostBefore = hostTime();
  const computed = process.cpuUsage();
  const timed = now();
  for (let i = 0; i < count; i++) {
    const start = now();
    await advance(steps);
    windows.push(((now() - start) / steps) * workload.unit);
  }
  const wall = now() - timed;
  const hostAfter = hostTime();
  const { user, system } = process.cpuUsage(computed);
  return {
    windows,
    firstStep,
    losses,
    // Of all threads, in milliseconds for what one reported number stands for.
    cpu: ((user + system) / 1e3 / (steps * count)) * workload.unit,
    hostShare: hostShare(hostBefore, hostAfter, wall),
    device: counters && perStep(counters, steps * count),
  };
}

/** How many of a window of so many milliseconds make one that is long enough. */
export const windowsIn = (milliseconds, quick) => Math.max(1, Math.ceil(WINDOW[quick ? 'quick' : 'full'] / milliseconds));

/** What was asked of the device, for one step (or one run of a kernel). */
export function perStep(counters, steps) {
  return {
    adapter: counters.adapter,
    dispatches: counters.dispatches / steps,
    submits: counters.submits / steps,
    buffers: counters.buffers / steps,
    bindGroups: counters.bindGroups / steps,
    allocatedBytes: counters.allocatedBytes / steps,
    pipelines: counters.pipelines,
    peakBytes: counters.peakBytes,
    peakBytesEver: counters.peakBytesEver,
  };
}
