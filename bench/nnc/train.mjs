import { readFileSync } from 'node:fs';
import { findDevice } from '../../src/cli/device.ts';
import { check, compile } from '../../src/compile.ts';
import { RunningModel } from '../../src/runtime/model.ts';
import { openData } from '../lib/data.mjs';
import { BATCHES, WORKLOADS } from '../lib/workloads.mjs';

/** More steps than are ever taken: where the run ends is said each time. */
const ENDLESS = 1_000_000;

/** A .nn program as a trainer; its time from text to device is part of the first step. */
export async function train(name, device) {
  const file = `${name}.nn`;
  const { model, diagnostics } = check({ name: file, text: readFileSync(new URL(`../programs/${file}`, import.meta.url), 'utf8') });
  if (!model) throw new Error(`${file}: ${diagnostics.map((d) => d.message).join('; ')}`);

  const { x, y, weights } = openData(name);
  // Consecutive rows without shuffling are the batches that everyone else goes through.
  const rows = name === 'A' || name === 'B_sampled' ? x.shape[0] : BATCHES * WORKLOADS[name].batch;
  const part = ({ shape, values }) => values.subarray(0, (values.length / shape[0]) * rows);

  const found = await findDevice(device);
  const { plan } = compile(model, { rows, adapter: found.adapter, devices: found.devices });
  const session = await found.open(plan);
  const running = await RunningModel.open(session, { seed: 1 });
  running.setData(part(x), part(y));
  if (!weights) return trainer(running);
  await running.setWeights(Object.fromEntries(Object.entries(weights).map(([key, { shape, values }]) => [key, { shape, data: values }])));
  return trainer(running);
}

function trainer(running) {
  return {
    async run(count) {
      const { lastLoss } = await running.train({ steps: ENDLESS, until: running.step + count });
      return lastLoss;
    },
  };
}
