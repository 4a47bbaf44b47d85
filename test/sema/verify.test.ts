import { describe, expect, it } from 'vitest';
import { at } from '../../src/base/errors.ts';
import { planGraph, randomInputs, runGraph } from '../../src/verify/run-graph.ts';
import { storedErrors } from '../../src/verify/stored-errors.ts';
import { compile } from '../../src/compile.ts';
import { model } from '../support/programs.ts';
import { randomProgram } from '../support/random-program.ts';
import { adapterAtHand, openSession } from '../support/run-graph.ts';

/** Every value that the kernels of random programs store; `NNC_FUZZ=5000 npx vitest run test/sema/verify.test.ts` tries more. */
const TRIES = Number(process.env['NNC_FUZZ'] ?? 40);
const FROM = Number(process.env['NNC_FROM'] ?? 0);
const PER_TEST = 10;
/** Characters of a kernel that takes a software driver minutes and gigabytes to compile. */
const LONG = 12_000;

async function trial(seed: number): Promise<string | undefined> {
  const text = randomProgram(seed);
  // Now and then so many examples that values are computed again, and rows lie in lanes.
  const rows = seed % 5 === 0 ? 64 : 3;
  const { graph } = at(compile(model(text).model, { rows, devices: 'gpu' }).programs, 0).schedule;
  const given = { ...randomInputs(graph, () => undefined, seed), step: 1, seed };
  for (const [device, level] of seed % 3 === 0
    ? ([['gpu', 1]] as const)
    : ([
        ['cpu', 1],
        ['cpu', 0],
      ] as const)) {
    const planned = planGraph(graph, level, { keepAll: true, adapter: await adapterAtHand(seed % 2 === 0), devices: device });
    if (planned.plan.backends.webgpu?.kernels.some((k) => k.wgsl.length > LONG)) continue;
    const session = await openSession(planned.plan, device);
    try {
      const wrong = storedErrors(graph, given, await runGraph(planned, session, given)).find((e) => !(e.error < 1e-3));
      if (wrong) return `seed ${seed} on the ${device} at -O ${level}: ${JSON.stringify(wrong)}\n${text}`;
    } finally {
      session.destroy();
    }
  }
  return undefined;
}

describe('kernels of random programs', () => {
  it.each(Array.from({ length: Math.ceil(TRIES / PER_TEST) }, (_, i) => FROM + i * PER_TEST))(
    'from seed %i on store what the reference does',
    async (first) => {
      const found: string[] = [];
      for (let seed = first; seed < first + PER_TEST; seed++) {
        const wrong = await trial(seed);
        if (wrong !== undefined) found.push(wrong);
      }
      expect(found.join('\n')).toBe('');
    },
  );
});
