/** One measurement in a process of its own: `child.mjs {"program", "workload", "quick"}`; the result goes to the parent. */
import { PROGRAMS } from './programs.mjs';
import { timeKernel } from './time-kernel.mjs';
import { timeTraining } from './time-training.mjs';
import { WORKLOADS } from './workloads.mjs';

const { program, workload: name, quick } = JSON.parse(process.argv[2]);
const { module, device } = PROGRAMS[program];
const { start } = await import(module);
const tool = await start(device);
const workload = WORKLOADS[name];
const time = workload.kind === 'train' ? timeTraining : timeKernel;
const result = { version: tool.version, ...(await time(tool, name, workload, quick)), rssBytes: process.resourceUsage().maxRSS * 1024 };
// Native threads and timers of a library would keep the process alive.
process.send(result, () => process.exit(0));
