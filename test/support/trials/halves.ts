import { at } from '../../../src/base/errors.ts';
import { compile } from '../../../src/compile.ts';
import type { Graph } from '../../../src/ir/graph/types.ts';
import { planGraph, runGraph, type GraphInputs } from '../../../src/verify/run-graph.ts';
import { storedErrors } from '../../../src/verify/stored-errors.ts';
import { adapterOfHalves, openHalves, openSession } from '../run-graph.ts';
import { inputsOf, modelOf, ROWS, type Trial } from './trial.ts';

/** Everything that a device stores, held against what the reference makes of what was read. */
export async function worstStored(graph: Graph, level: 0 | 1, device: 'gpu' | 'cpu', given: GraphInputs, software = true): Promise<number> {
  const adapter = await adapterOfHalves(software);
  const planned = planGraph(graph, level, { keepAll: true, adapter, devices: device });
  const session = device === 'gpu' ? await openHalves(planned.plan) : await openSession(planned.plan, 'cpu');
  try {
    const errors = storedErrors(graph, given, await runGraph(planned, session, given));
    return errors.reduce((w, e) => (e.error > w || Number.isNaN(e.error) ? e.error : w), 0);
  } finally {
    session.destroy();
  }
}

/** The same programs with products of two-byte numbers. */
export const halves: Trial = {
  about: 'precision f16 on both devices against the reference',
  async run(program, seed) {
    const text = /^precision/m.test(program) ? program : `${program}precision f16\n`;
    const { source: graph } = at(compile(modelOf(text), { rows: ROWS, devices: 'gpu' }).programs, 0).schedule;
    const error = await worstStored(
      graph,
      seed % 7 === 0 ? 0 : 1,
      seed % 3 === 2 ? 'cpu' : 'gpu',
      { ...inputsOf(graph, seed), step: 1, seed },
      seed % 2 === 0,
    );
    return error < 4e-3 ? undefined : `off by ${error}`;
  },
};
