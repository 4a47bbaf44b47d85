import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';

/**
 * WGSL runs on the software driver that an npm package carries, whatever GPU the machine has, so that a test means the same
 * everywhere. `NNC_TEST_DRIVER=system` tries the machine's own.
 */
const NO_DRIVER = { VK_DRIVER_FILES: '/nonexistent', VK_ICD_FILENAMES: '/nonexistent' };

/** Tests of what `npm run build` makes, and files that take more than some six seconds: most compile hundreds of shaders. */
const SLOW = Object.entries({
  '{cli,examples,package,site,standalone}': ['*'],
  codegen: ['accesses', 'bounds', 'matrix', 'wasm', 'wgsl'],
  golden: ['dumps'],
  gradcheck: ['breaks', 'random'],
  ir: ['kernel-text'],
  parity: ['catalogue', 'optimizers', 'programs', 'torch'],
  passes: ['compared', 'differential', 'kernels', 'laws', 'precision', 'staging', 'tilings'],
  runtime: ['generate', 'loop', 'model', 'optimizers', 'parity', 'survival', 'training'],
  sema: ['attention', 'catalogue', 'dropout', 'language', 'misuse', 'programs', 'steps', 'verify'],
})
  .flatMap(([folder, names]) => names.map((name) => `test/${folder}/${name}.test.ts`))
  .concat('test/mutation.test.ts');

export default defineConfig({
  test: {
    projects: [
      // Quick tests share one process a worker, since loading the compiler takes longer than most of them.
      { extends: true, test: { name: 'quick', include: ['test/**/*.test.ts'], exclude: SLOW, isolate: false } },
      { extends: true, test: { name: 'slow', include: SLOW } },
    ],
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
