/**
 * Measures how much faster many nets of workload A train at once than in turn, on the adapter of the system, and checks that the
 * losses of each are those of its run alone, bit for bit. In turn they share one session, so that nothing but training counts.
 */
import { parseArgs } from 'node:util';
import { readFileSync } from 'node:fs';
import { register } from 'tsx/esm/api';
import { generateData, openData } from './lib/data.mjs';
import { POPULATION_RESULTS, writeJson } from './lib/files.mjs';
import { describeMachine } from './lib/machine.mjs';
import { alignedTable } from './lib/format.mjs';
import { populationCells } from './lib/page.mjs';
import { spread } from './lib/statistics.mjs';

register();
const { findDevice } = await import('../src/cli/device.ts');
const { check, compile } = await import('../src/compile.ts');
const { RunningModel } = await import('../src/runtime/model.ts');
const { Population } = await import('../src/runtime/population.ts');

const { values } = parseArgs({ options: { nets: { type: 'string', default: '256' }, rounds: { type: 'string', default: '3' } } });
const count = Number(values.nets);
generateData();
const { x, y } = openData('A');
const { model } = check({ name: 'A.nn', text: readFileSync(new URL('programs/A.nn', import.meta.url), 'utf8') });

/** One session for so many nets. */
async function open(nets) {
  const device = await findDevice('gpu');
  const { plan } = compile(model, { rows: x.shape[0], adapter: device.adapter, devices: device.devices });
  return { plan, session: await device.open(plan, nets) };
}

const many = await open(count);
const one = await open(1);
const rows = [];
for (let round = 0; round <= Number(values.rounds); round++) {
  const nets = Array.from({ length: count }, (_, i) => ({ label: `${i}`, seed: i, plan: many.plan }));
  let begin = performance.now();
  const population = await Population.open(many.session, nets);
  population.setData(x.values, y.values);
  const together = await population.train();
  const atOnce = performance.now() - begin;

  begin = performance.now();
  const alone = [];
  for (let seed = 0; seed < count; seed++) {
    const trained = await RunningModel.open(one.session, { seed: seed });
    trained.setData(x.values, y.values);
    const losses = new Float32Array(one.plan.train.steps);
    await trained.train({ seed, onLosses: (from, chunk) => losses.set(chunk, from) });
    alone.push(losses);
  }
  const inTurn = performance.now() - begin;
  const equal = together.every(({ losses }, i) => losses.every((l, k) => Object.is(l, alone[i][k])));
  console.error(`round ${round}: ${atOnce.toFixed(0)} ms at once, ${inTurn.toFixed(0)} ms in turn, losses ${equal ? 'equal' : 'DIFFER'}`);
  if (!equal) process.exitCode = 1;
  // The first round compiles.
  if (round > 0) rows.push({ atOnce, inTurn, ratio: inTurn / atOnce });
}
const column = (key) => spread(rows.map((r) => r[key]));
const results = {
  date: new Date().toISOString(),
  machine: describeMachine(),
  nets: count,
  steps: one.plan.train.steps,
  rounds: rows.length,
  atOnce: column('atOnce'),
  inTurn: column('inTurn'),
  ratio: column('ratio'),
};
await writeJson(POPULATION_RESULTS, results);
console.log(`\n${alignedTable(populationCells(results))}`);
process.exit();
