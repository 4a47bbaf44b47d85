import { describe, expect, it } from 'vitest';
import { at } from '../../src/base/errors.ts';
import { renderAll } from '../../src/base/diagnostics.ts';
import { uniformAt } from '../../src/base/random.ts';
import { count } from '../../src/base/types.ts';
import { everyWay } from '../support/every-way.ts';
import { distance, planGraph, runGraph, type GraphResult } from '../../src/verify/run-graph.ts';
import { check, compile } from '../../src/compile.ts';
import type { Graph } from '../../src/ir/graph/types.ts';
import { evaluate } from '../../src/reference/evaluate.ts';
import { randomProgram } from '../support/random-program.ts';
import { adapterAtHand, openSession } from '../support/run-graph.ts';

/**
 * Random well-typed programs, a whole step of training each: the kernels of both levels on both devices against the float64
 * reference. `NNC_FUZZ=5000 npx vitest run test/sema/programs.test.ts` tries as many as one asks for, `NNC_WAYS=1000` every way to
 * write their kernels.
 */
const TRIES = Number(process.env['NNC_FUZZ'] ?? 120);
/** Every program on every device. */
const ALL = process.env['NNC_FUZZ'] !== undefined || process.env['NNC_WAYS'] !== undefined;
const FROM = Number(process.env['NNC_FROM'] ?? 0);
const PER_TEST = 20;
const ROWS = 3;
/** Characters of a kernel that takes a software driver too long to compile: of ways that are chosen at random, some are. */
const LONG = 16_000;

function inputsOf(graph: Graph, seed: number): { inputs: Map<string, Float64Array>; state: Map<string, Float64Array> } {
  const inputs = new Map<string, Float64Array>();
  const state = new Map<string, Float64Array>();
  for (const node of graph.nodes) {
    if (node.op !== 'input' && node.op !== 'state') continue;
    const { name } = node.attrs;
    const values = Float64Array.from({ length: count(node.type.shape) }, (_, i) => {
      const u = uniformAt(seed, 400 + node.id, 0, i);
      if (node.type.dtype === 'i32') return Math.floor(u * 2);
      return Math.fround(/(_sq|square_avg|var)$/.test(name) ? u : 1.6 * u - 0.8);
    });
    (node.op === 'input' ? inputs : state).set(name, values);
  }
  return { inputs, state };
}

/** What is wrong with a program; undefined if nothing is. */
async function trial(seed: number): Promise<string | undefined> {
  const text = randomProgram(seed);
  const { model, diagnostics } = check({ name: `random${seed}.nn`, text });
  if (!model) return `seed ${seed} does not compile:\n${text}\n${renderAll(diagnostics)}`;
  const { programs } = compile(model, { rows: ROWS, devices: 'gpu' });
  const { graph } = at(programs, 0).schedule;
  const given = inputsOf(graph, seed);
  const want = evaluate(graph, { ...given, scalars: { step: 1, seed, total: 10 } });
  const off = ({ outputs, state }: GraphResult): string | undefined => {
    for (const [name, id] of [...Object.entries(graph.outputs), ...graph.writes.map((w) => [w.state, w.value] as const)]) {
      const error = distance(outputs.get(name) ?? state.get(name) ?? [], want(id).data);
      if (!(error < 1e-3)) return `seed ${seed}, ${name} is off by ${error}`;
    }
    return undefined;
  };
  if (process.env['NNC_WAYS'] !== undefined)
    for (const way of await everyWay(graph, { ...given, step: 1, seed }, seed)) {
      const wrong = off(way.result);
      if (wrong) return `${wrong} by way ${way.name}:\n${text}`;
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
      const got = await runGraph(planned, session, { ...given, step: 1, seed });
      session.destroy();
      const wrong = off(got);
      if (wrong) return `${wrong} on the ${device} at -O ${level}:\n${text}`;
    }
  }
  return undefined;
}

describe('random programs', () => {
  it.each(Array.from({ length: Math.ceil(TRIES / PER_TEST) }, (_, i) => FROM + i * PER_TEST))(
    'from seed %i on agree with the reference on every device at every level',
    async (first) => {
      for (let seed = first; seed < Math.min(FROM + TRIES, first + PER_TEST); seed++) expect(await trial(seed)).toBeUndefined();
    },
    process.env['NNC_WAYS'] === undefined ? undefined : 3_600_000,
  );
});
