import { readFileSync, readdirSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { distance } from '../../src/verify/run-graph.ts';
import { compile } from '../../src/compile.ts';
import { lossesOf, model, running } from '../support/programs.ts';

/** Whole programs beside PyTorch: `scripts/parity/programs.py` trains the same networks and stores every loss. */
interface Stored {
  readonly shape: readonly number[];
  readonly data: readonly number[];
}
interface Run {
  readonly data: Readonly<Record<string, Stored>>;
  readonly weights: Readonly<Record<string, Stored>>;
  readonly losses: readonly number[];
  /** Weights and states afterwards, where the first loss does not tell of all of them. */
  readonly final?: Readonly<Record<string, Stored>>;
}

const FOLDER = 'test/parity/programs';
const names = readdirSync(FOLDER)
  .filter((f) => f.endsWith('.nn'))
  .map((f) => f.replace(/\.nn$/, ''));

describe.each(names)('%s', (name) => {
  const run = JSON.parse(readFileSync(`${FOLDER}/${name}.json`, 'utf8')) as Run;
  const { model: m } = model(readFileSync(`${FOLDER}/${name}.nn`, 'utf8'), `${name}.nn`);
  const [rows = 0] = Object.values(run.data)[0]?.shape ?? [];

  it.each(['gpu', 'cpu'] as const)('has the losses of PyTorch on the %s', async (device) => {
    const { plan } = compile(m, { rows, devices: device });
    const arrays = (plan.data?.tensors ?? []).map((t) => run.data[t.name]?.data ?? []);
    const { losses, weights } = await running(plan, device, async (trained) => {
      await trained.setWeights(
        Object.fromEntries(Object.entries(run.weights).map(([k, w]) => [k, { shape: w.shape, data: Float32Array.from(w.data) }])),
      );
      trained.setData(...arrays);
      return { losses: await lossesOf(trained), weights: await trained.weights() };
    });
    for (const [key, want] of Object.entries(run.final ?? {}))
      expect(distance(weights[key]?.data ?? [], want.data), key).toBeLessThan(1e-3);
    expect(losses).toHaveLength(run.losses.length);
    losses.forEach((l, i) => expect(Math.abs(l - (run.losses[i] ?? NaN)) / Math.abs(run.losses[i] ?? 1), `step ${i}`).toBeLessThan(1e-4));
  });
});
