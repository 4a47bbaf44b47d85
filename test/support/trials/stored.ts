import { at } from '../../../src/base/errors.ts';
import { compile } from '../../../src/compile.ts';
import { planGraph, runGraph } from '../../../src/verify/run-graph.ts';
import { storedErrors } from '../../../src/verify/stored-errors.ts';
import { adapterAtHand, openSession } from '../run-graph.ts';
import { inputsOf, modelOf, ROWS, type Trial } from './trial.ts';

/** Characters of a kernel that takes a software driver minutes and gigabytes to compile. */
const LONG = 12_000;

/** Every value that the kernels of a program store, against the reference, from what the kernels themselves read. */
export const stored: Trial = {
  about: 'every value that kernels store, as nnc verify sees it',
  async run(text, seed) {
    // Now and then so many examples that values are computed again, and rows lie in lanes.
    const rows = seed % 5 === 0 ? 64 : ROWS;
    const { source: graph } = at(compile(modelOf(text), { rows, devices: 'gpu' }).programs, 0).schedule;
    const given = { ...inputsOf(graph, seed), step: 1, seed };
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
        if (wrong) return `on the ${device} at -O ${level}: ${JSON.stringify(wrong)}`;
      } finally {
        session.destroy();
      }
    }
    return undefined;
  },
};
