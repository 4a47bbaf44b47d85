import { arch, availableParallelism, cpus, platform, release, totalmem } from 'node:os';

/** What the numbers were measured on. The adapter is named by those who used it. */
export const describeMachine = () => ({
  cpu: cpus()[0]?.model ?? 'unknown',
  cores: availableParallelism(),
  memoryBytes: totalmem(),
  system: `${platform()} ${release()} ${arch()}`,
  node: process.version,
});
