/** Measures how long programs take to compile, each in a process of its own, with cold caches of the engine: `npm run build` first. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { COMPILE_RESULTS, PAGE, writeFormatted, writeJson } from './lib/files.mjs';
import { alignedTable } from './lib/format.mjs';
import { describeMachine } from './lib/machine.mjs';
import { compileCells, compileSection, withSection } from './lib/page.mjs';
import { spread } from './lib/statistics.mjs';

const { values } = parseArgs({
  options: { rounds: { type: 'string', default: '3' }, write: { type: 'boolean', default: false }, only: { type: 'string', default: '' } },
});

const GPT2 = '../examples/large/gpt2.nn';
const CASES = [
  ['C, small CNN', 'programs/C.nn', 64],
  ['D, small GPT', 'programs/D.nn', 16],
  ['GPT-2 small, 12 layers', GPT2, 1],
  ['the same with 24 layers', GPT2, 1, { repeats: 24 }],
  ['ResNet-18', '../examples/large/resnet18.nn', 4],
  ['U-Net', '../examples/large/unet.nn', 4],
  ['LSTM, 100 places', 'lib/lstm.nn', 16, { places: 100 }],
  ['LSTM, 300 places', 'lib/lstm.nn', 16, { places: 300 }],
  ['LSTM, 1,000 places', 'lib/lstm.nn', 16, { places: 1000 }],
].filter(([name]) => name.includes(values.only));
const DEVICES = ['gpu', 'cpu', 'all'];
const at = (path) => fileURLToPath(new URL(path, import.meta.url));

function compileOnce([, file, rows, { repeats = 0, places = 0 } = {}], devices) {
  const args = [at('lib/compile-child.mjs'), at(file), devices, rows, repeats, places].map(String);
  return JSON.parse(execFileSync(process.execPath, args, { encoding: 'utf8' }));
}

const found = new Map();
for (let round = 0; round < Number(values.rounds); round++) {
  for (const one of CASES) {
    for (const devices of DEVICES) {
      const result = compileOnce(one, devices);
      console.error(`round ${round} ${one[0]}, ${devices}: ${(result.milliseconds / 1000).toFixed(2)} s`);
      const key = `${one[0]}\n${devices}`;
      found.set(key, [...(found.get(key) ?? []), result]);
    }
  }
}
const rows = CASES.map(([name]) => ({
  name,
  ...Object.fromEntries(
    DEVICES.map((devices) => {
      const list = found.get(`${name}\n${devices}`);
      return [
        devices,
        {
          time: spread(list.map((r) => r.milliseconds)),
          cpu: spread(list.map((r) => r.cpu)),
          resident: spread(list.map((r) => r.resident)),
        },
      ];
    }),
  ),
}));
const results = { date: new Date().toISOString(), machine: describeMachine(), rounds: Number(values.rounds), rows };
await writeJson(COMPILE_RESULTS, results);
console.log(`\n${alignedTable(compileCells(results))}`);
if (values.write) {
  await writeFormatted(PAGE, withSection(readFileSync(PAGE, 'utf8'), compileSection(results)));
  console.log('\nwritten: docs/performance.md');
}
