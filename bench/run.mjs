/** Measures nnc and its peers in turn on the same adapter, checks that they compute the same, and prints ratios. */
import { existsSync, readFileSync } from 'node:fs';
import { generateData } from './lib/data.mjs';
import { environmentFor } from './lib/environment.mjs';
import { COLD_RESULTS, COMPILE_RESULTS, PAGE, POPULATION_RESULTS, RESULTS, writeFormatted, writeJson } from './lib/files.mjs';
import { describeMachine } from './lib/machine.mjs';
import { available, measure } from './lib/measure.mjs';
import { readOptions, USAGE } from './lib/options.mjs';
import { pageOf, terminalText } from './lib/page.mjs';
import { runsWorkload } from './lib/programs.mjs';
import { median } from './lib/statistics.mjs';
import { problemOf } from './lib/validate.mjs';

const args = process.argv.slice(2);
try {
  const options = readOptions(args);
  if (options.help) console.log(USAGE);
  else await main(options);
} catch (e) {
  console.error(`${e.message}\n\n${USAGE}`);
  process.exitCode = 2;
}

async function main(options) {
  const results = options.from ? JSON.parse(readFileSync(options.from, 'utf8')) : await measureAll(options);
  console.log(`\n${terminalText(results)}`);
  if (results.measurements.some((m) => problemOf(m.workload, m.result) !== undefined)) process.exitCode = 1;
  if (!options.write) return;
  const cold = existsSync(COLD_RESULTS) ? JSON.parse(readFileSync(COLD_RESULTS, 'utf8')) : undefined;
  const population = existsSync(POPULATION_RESULTS) ? JSON.parse(readFileSync(POPULATION_RESULTS, 'utf8')) : undefined;
  const compiled = existsSync(COMPILE_RESULTS) ? JSON.parse(readFileSync(COMPILE_RESULTS, 'utf8')) : undefined;
  await writeFormatted(PAGE, pageOf(results, cold, population, compiled));
  console.log('\nwritten: docs/performance.md');
}

async function measureAll(options) {
  const { workloads, rounds, quick, adapter } = options;
  const { programs, missing } = available(options.programs);
  for (const [program, reason] of Object.entries(missing)) console.error(`left out: ${program} (${reason})`);
  generateData();
  const environment = environmentFor(adapter);
  const date = new Date().toISOString();
  const command = ['node bench/run.mjs', ...args].join(' ');
  const results = { date, command, machine: describeMachine(), adapter, rounds, quick, workloads, programs, measurements: [] };
  const file = `${RESULTS}${date.slice(0, 19).replaceAll(':', '-')}.json`;
  // Rounds outside, programs inside: whatever else the machine does in a minute hits everyone.
  for (let round = 1; round <= rounds; round++) {
    for (const workload of workloads) {
      for (const program of programs.filter((p) => runsWorkload(p, workload))) {
        const result = await measure(program, workload, { quick, environment });
        results.measurements.push({ round, workload, program, result });
        console.error(`round ${round} ${workload} ${program}: ${outcome(workload, result)}`);
        // Kept after each one: a long run that is broken off has not been for nothing.
        await writeJson(file, results);
      }
    }
  }
  return results;
}

function outcome(workload, result) {
  const time = result.windows ? `${median(result.windows).toPrecision(4)} ms, first step ${(result.firstStep / 1000).toFixed(2)} s` : '';
  const problem = problemOf(workload, result);
  return [time, problem && `NOT VALID: ${problem}`].filter(Boolean).join(', ');
}
