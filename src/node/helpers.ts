import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import { MOST_THREADS } from '../plan.ts';
import type { Helpers } from '../runtime/wasm.ts';

/** The code of a helper thread: all of its work is in the module itself. */
const PROGRAM = `
const { workerData } = require('node:worker_threads');
const { module, memory, rank, threads } = workerData;
new WebAssembly.Instance(module, { env: { memory } }).exports.work(rank, threads);
`;

/** Worker threads, one for every processor but the caller's. They do not keep the process alive. */
export function nodeHelpers(threads = Math.min(MOST_THREADS, availableParallelism())): Helpers {
  return {
    count: threads - 1,
    start(module, memory) {
      const workers = Array.from({ length: threads - 1 }, (_, i) => {
        const worker = new Worker(PROGRAM, { eval: true, workerData: { module, memory, rank: i + 1, threads } });
        // If one cannot start, the others do its work.
        worker.on('error', () => undefined);
        worker.unref();
        return worker;
      });
      return () => workers.forEach((w) => void w.terminate());
    },
  };
}
