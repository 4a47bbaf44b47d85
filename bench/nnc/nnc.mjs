import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { countWebGpu } from '../lib/webgpu-counters.mjs';
import { kernel } from './kernel.mjs';
import { train } from './train.mjs';

/** nnc from its sources, on the GPU or the CPU: what is measured is always the tree as it stands. */
export async function start(device) {
  // The compiler's own copy of Dawn, whose objects are not those of the copy that the peers use.
  const { globals } = await import(createRequire(new URL('../../src/node/gpu.ts', import.meta.url)).resolve('webgpu'));
  const counters = countWebGpu(globals);
  return {
    version: `nnc ${revision()} (${device})`,
    counters: device === 'gpu' ? counters : undefined,
    train: (name) => train(name, device),
    kernel: (name, inputs) => kernel(name, inputs, device),
  };
}

/** Version and commit, with a + for changes that are not committed. */
function revision() {
  const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'));
  try {
    const git = (...args) => execFileSync('git', args, { cwd: fileURLToPath(new URL('../../', import.meta.url)), encoding: 'utf8' }).trim();
    return `${version} ${git('rev-parse', '--short', 'HEAD')}${git('status', '--porcelain', 'src') ? '+' : ''}`;
  } catch {
    return version;
  }
}
