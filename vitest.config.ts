import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';

/**
 * WGSL runs on the software driver that an npm package carries, whatever GPU the machine has, so that a test means the same
 * everywhere. `NNC_TEST_DRIVER=system` tries the machine's own.
 */
const NO_DRIVER = { VK_DRIVER_FILES: '/nonexistent', VK_ICD_FILENAMES: '/nonexistent' };

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    env: process.env['NNC_TEST_DRIVER'] === 'system' ? {} : NO_DRIVER,
    // Dawn does not stand worker threads.
    pool: 'forks',
    // Two on a machine of two cores as well: much of a test is compiling, on one core.
    maxWorkers: Math.max(2, availableParallelism() - 1),
    // For what hangs; a slow machine is not an error.
    testTimeout: 180_000,
    hookTimeout: 180_000,
    reporters: process.env['CI'] ? ['default', ['json', { outputFile: 'test-report.json' }]] : ['default'],
  },
});
