import { at } from '../../../src/base/errors.ts';
import { compile } from '../../../src/compile.ts';
import { evaluate } from '../../../src/reference/evaluate.ts';
import { distance, planGraph, runGraph, type GraphResult } from '../../../src/verify/run-graph.ts';
import { everyWay } from '../every-way.ts';
import { adapterAtHand, openSession } from '../run-graph.ts';
import { inputsOf, modelOf, ROWS, type Trial } from './trial.ts';

/** Every program on every device. */
const ALL = process.env['NNC_FUZZ'] !== undefined || process.env['NNC_WAYS'] !== undefined;
/** Characters of a kernel that takes a software driver too long to compile: of ways that are chosen at random, some are. */
const LONG = 12_000;
const TOLERANCE = 1e-3;

/**
 * A whole step of training, or another program of the plan (the shorter last step, a prediction, held-out examples): the kernels of both
 * levels on both devices against the float64 reference.
 */
export const kernels: Trial = {
  about: 'kernels on every device against the reference',
  async run(text, seed) {
    // An update that takes several batches needs whole ones, and what looks at a batch more than one row.
    const batch = seed % 2 === 0 || text.includes('accumulate') ? undefined : ROWS;
    const rows = batch === undefined ? ROWS : ROWS + 2;
    const { programs } = compile(modelOf(text), { rows, batch, holdout: 2, devices: 'gpu' });
    const { name, schedule } = at(programs, seed % 3 === 0 ? seed % programs.length : 0);
    const { source: graph } = schedule;
    // Of an epoch of two steps the second one is the shorter.
    const step = batch === undefined || name === 'tail' ? 1 : 2;
    const given = inputsOf(graph, seed);
    const want = evaluate(graph, { ...given, scalars: { step, seed, total: 10 } });
    const off = ({ outputs, state }: GraphResult): string | undefined => {
      for (const [name, id] of [...Object.entries(graph.outputs), ...graph.writes.map((w) => [w.state, w.value] as const)]) {
        const error = distance(outputs.get(name) ?? state.get(name) ?? [], want(id).data);
        if (!(error < TOLERANCE)) return `${name} is off by ${error}`;
      }
      return undefined;
    };
    if (process.env['NNC_WAYS'] !== undefined)
      for (const way of await everyWay(graph, { ...given, step, seed }, seed)) {
        const wrong = off(way.result);
        if (wrong) return `${wrong} by way ${way.name}`;
      }
    for (const level of [0, 1] as const) {
      // Kernels for software adapters are small; those for hardware are tried too.
      const adapter = await adapterAtHand(seed % 5 !== 1);
      // Without being asked for more, every fourth program is enough for a GPU (some with a tiling of its own), and every twentieth unfused.
      const onGpu = (ALL || seed % 4 === Math.floor(seed / 4) % 4) && (level > 0 || seed % 5 === 0);
      const devices = onGpu ? 'all' : 'cpu';
      // Of the ways to write each kernel, the one that is chosen, or in every other program any one.
      const odd = planGraph(graph, level, { tiling: seed % 2 === 0 ? undefined : seed, adapter, devices });
      const long = odd.plan.backends.webgpu?.kernels.some((k) => k.wgsl.length > LONG) ?? false;
      const planned = long ? planGraph(graph, level, { adapter, devices }) : odd;
      for (const device of onGpu ? (['gpu', 'cpu'] as const) : (['cpu'] as const)) {
        const session = await openSession(planned.plan, device);
        const got = await runGraph(planned, session, { ...given, step, seed });
        session.destroy();
        const wrong = off(got);
        if (wrong) return `${wrong} on the ${device} at -O ${level}`;
      }
    }
    return undefined;
  },
};
