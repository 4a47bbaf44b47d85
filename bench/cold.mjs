/** Measures how long `nnc train` takes from the start of its process to its first loss, with and without cached shaders. */
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { coldStart } from './lib/cold-start.mjs';
import { generateData } from './lib/data.mjs';
import { NO_SHADER_CACHE } from './lib/environment.mjs';
import { COLD_RESULTS, writeJson } from './lib/files.mjs';
import { alignedTable } from './lib/format.mjs';
import { describeMachine } from './lib/machine.mjs';
import { coldCells } from './lib/page.mjs';
import { spread } from './lib/statistics.mjs';

const { values } = parseArgs({
  options: {
    workloads: { type: 'string', default: 'A,D' },
    rounds: { type: 'string', default: '5' },
    device: { type: 'string', default: 'gpu' },
  },
});
// Without caches, nnc's own of plans is new as well.
const CACHES = { off: () => ({ ...NO_SHADER_CACHE, NNC_CACHE: mkdtempSync(join(tmpdir(), 'nnc-cold-')) }), on: () => ({}) };

generateData();
const times = new Map();
// One round more than is counted: the first fills the driver's cache, and the system's cache of files.
for (let round = 0; round <= Number(values.rounds); round++) {
  for (const workload of values.workloads.split(',')) {
    for (const [cache, settings] of Object.entries(CACHES)) {
      const time = await coldStart(workload, values.device, { ...process.env, ...settings() });
      console.error(`round ${round} ${workload}, shader cache ${cache}: ${(time / 1000).toFixed(2)} s${round ? '' : ' (not counted)'}`);
      const key = `${workload} ${cache}`;
      if (round > 0) times.set(key, [...(times.get(key) ?? []), time]);
    }
  }
}
const rows = [...times].map(([key, list]) => {
  const [workload, cache] = key.split(' ');
  return { workload, cache, time: spread(list) };
});
const results = { date: new Date().toISOString(), machine: describeMachine(), device: values.device, rounds: Number(values.rounds), rows };
await writeJson(COLD_RESULTS, results);
console.log(`\n${alignedTable(coldCells(results))}`);
