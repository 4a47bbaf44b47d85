import { existsSync } from 'node:fs';
import { CompilerBug, fail } from '../../base/errors.ts';
import type { Graph } from '../../ir/graph/types.ts';
import type { Level } from '../../passes/schedule/types.ts';
import type { Adapter } from '../../codegen/backend.ts';
import { profileOf } from '../../node/profile.ts';
import { openSession } from '../device.ts';
import { findAdapter } from '../../node/gpu.ts';
import { planGraph, randomInputs, runGraph, type GraphInputs, type GraphPlan } from '../../verify/run-graph.ts';
import { proveKernels, type ProgramProof } from '../../verify/prove-kernels.ts';
import { storedErrors, type StoredError } from '../../verify/stored-errors.ts';
import { dataPath, hasData, openData, openProgram, type OpenProgram } from '../program.ts';
import type { Prepared } from '../../library/prepare.ts';
import { inMemory } from '../../data/values.ts';
import { readTunings } from '../tunings.ts';
import { columns } from '../../base/show.ts';
import { note, print, showNumber } from '../terminal.ts';
import { writeOutput } from '../files.ts';
import { proofPage, WRONG, type ProofPart } from '../proof-page.ts';
import { printKernel } from '../../ir/kernel/print.ts';
import { printGraph } from '../../ir/graph/print.ts';
import type { Compiled } from '../../planning/options.ts';
import { compileFor } from './check.ts';

export interface VerifyFlags {
  readonly data?: string;
  readonly batch?: number;
  readonly seed?: number;
  readonly device: 'auto' | 'gpu' | 'cpu';
  /** A page with every number. */
  readonly report?: string;
}

/**
 * Relative to the largest value of a kernel's result: float32 sums of a few thousand terms stay well below, and so does binary16, which
 * rounds by up to 0.05 %, possibly twice.
 */
const TOLERANCE = { f32: 1e-3, f16: 4e-3 } as const;

/**
 * Runs the kernels of every program, fused and unfused, on every device, and compares each result with the reference's for the same inputs
 * of the kernel.
 */
export async function verify(path: string, flags: VerifyFlags): Promise<void> {
  const program = await openProgram(path);
  const seed = flags.seed ?? 1;
  const { found } = await findAdapter();
  if (!found && flags.device === 'gpu') fail('NN601', 'no WebGPU adapter was found, so that there is no GPU to verify');
  const there = found ? (['gpu', 'cpu'] as const) : (['cpu'] as const);
  const devices = there.filter((d) => flags.device === 'auto' || flags.device === d);
  const adapter = found && { ...profileOf(found), tuned: await readTunings(found.adapter) };
  if (!found && flags.device === 'auto') note('no WebGPU adapter was found: only the CPU device is verified');
  // Plans for the processor alone have graphs of their own.
  const compiled = await Promise.all(
    devices.map(async (device) => ({ device, ...(await compileFor(program, { ...flags, opt: 1 }, { devices: device })) })),
  );
  const tolerance = TOLERANCE[program.model.precision];
  const data = hasData(program, flags.data, existsSync) ? await openData(program, flags.data) : undefined;
  print(sayData(program, flags, data));
  const classes = new Map(program.model.targets.map((t) => [t.name, t.classes]));
  const rows = [['program', 'level', 'device', 'kernels', 'values', 'worst error', 'allowed', 'of', 'at']];
  const wrong: string[] = [];
  const parts: ProofPart[] = [];
  const proved = { kernels: 0, accesses: 0, enumerated: 0 };
  for (const { name, graph, on } of graphsOf(compiled)) {
    const random = randomInputs(graph, (input) => classes.get(input), seed);
    const given = data ? withData(random, program, name === 'holdout' ? (data.holdout ?? data) : data, data.statistics) : random;
    const steps = stepsOf(name, compiled[0]?.plan.train?.stepsPerEpoch ?? 1);
    for (const { step, level, device, results, proof, kernels } of await compareAll(
      graph,
      steps,
      { devices: on, adapter },
      { ...given, seed },
    )) {
      if (step === steps[0]) for (const key of ['kernels', 'accesses', 'enumerated'] as const) proved[key] += proof[key];
      const shown = step === steps[0] ? name : `${name}, step ${step}`;
      const worst = results.reduce<StoredError | undefined>((a, r) => (a && a.error >= r.error ? a : r), undefined);
      const values = results.reduce((n, r) => n + r.elements, 0);
      const bound = [tolerance.toExponential(0), worst?.scale.toPrecision(3) ?? '', worst?.what.replace(/ \(.*/, '') ?? ''];
      rows.push([shown, `-O ${level}`, device, `${results.length}`, `${values}`, (worst?.error ?? 0).toExponential(1), ...bound]);
      parts.push(
        partOf({ title: `${shown}, -O ${level}, on the ${device}`, results, tolerance, kernels: step === steps[0] ? kernels : [] }),
      );
      for (const r of results) if (!(r.error <= tolerance)) wrong.push(`${shown} -O ${level} on the ${device}: ${tell(r, tolerance)}`);
    }
  }
  print(columns(rows));
  if (flags.report !== undefined) {
    const facts = [
      ['kernels', `${proved.kernels}`],
      ['reads and writes proved', `${proved.accesses}`],
      ['values beyond their bound', `${wrong.length}`],
      ['allowed error', `${tolerance}`],
    ] as const;
    await writeOutput(flags.report, proofPage({ kind: 'nnc verify', title: program.model.name, facts, parts, source: program.source }));
    print(`report: ${flags.report}, open it in a browser`);
  }
  if (wrong.length) throw new CompilerBug(`kernels disagree with the float64 reference:\n  ${wrong.join('\n  ')}`);
  print(`every kernel agrees with the float64 reference to ${tolerance} of what errors are measured by: the largest element, or`);
  print('what it is made of where that cancels');
  const one = proved.enumerated > 0 ? `, for ${proved.enumerated} of them by going through every thread` : '';
  print(
    `and it is proved of all ${proved.kernels} kernels${one}: each of their ${proved.accesses} reads and writes is inside its buffer, ` +
      'no two threads write one element, and none reads what another writes',
  );
}

/** The graph of every program, with the devices that run it. */
function graphsOf(
  compiled: readonly (Pick<Compiled, 'programs'> & { readonly device: Run['device'] })[],
): { readonly name: string; readonly graph: Graph; readonly on: readonly Run['device'][] }[] {
  const names = compiled[0]?.programs.map((p) => p.name) ?? [];
  return names.flatMap((name) => {
    const found = new Map<string, { readonly graph: Graph; readonly on: Run['device'][] }>();
    for (const { device, programs } of compiled) {
      const graph = programs.find((p) => p.name === name)?.schedule.source;
      if (!graph) continue;
      const text = printGraph(graph);
      const same = found.get(text) ?? { graph, on: [] };
      same.on.push(device);
      found.set(text, same);
    }
    return [...found.values()].map((f) => ({ name, ...f }));
  });
}

/** The steps to run: optimizers act differently in the first one, and the last batch of an epoch has its own number of rows. */
const stepsOf = (name: string, stepsPerEpoch: number): readonly number[] =>
  name === 'train' ? [0, 1] : name === 'tail' ? [stepsPerEpoch - 1] : [0];

interface Run {
  readonly step: number;
  readonly level: Level;
  readonly device: 'gpu' | 'cpu';
  readonly results: readonly StoredError[];
  readonly proof: ProgramProof;
  /** The text of each kernel, by its name. */
  readonly kernels: readonly (readonly [string, string])[];
}

/** Describes a wrong value precisely enough to look for it. */
const tell = (r: StoredError, tolerance: number): string =>
  `${r.what} is ${showNumber(r.got)} at element ${r.element} of ${r.elements}, and should be ${showNumber(r.want)}: ` +
  `off by ${Math.abs(r.got - r.want).toExponential(1)}, and ${(tolerance * r.scale).toExponential(1)} is allowed ` +
  `(${tolerance} of ${showNumber(r.scale)}, ${r.why})`;

function sayData(program: OpenProgram, flags: VerifyFlags, data: Prepared | undefined): string {
  const path = dataPath(program, flags.data);
  if (!data) return path === undefined ? 'data: random numbers' : `data: random numbers, as there is no ${path}`;
  const drawn = flags.data === undefined && program.model.data?.draw !== undefined;
  return `data: ${data.rows} examples ${drawn ? 'drawn as the program says' : `of ${path ?? ''}`}`;
}

/** The kernels as they run: WGSL, or the kernel IR of what becomes WebAssembly. */
function textsOf({ plan, lowered }: GraphPlan): [string, string][] {
  const { webgpu } = plan.backends;
  if (webgpu) return webgpu.kernels.map((k) => [k.name, k.wgsl]);
  return (lowered.kernels['wasm'] ?? []).map((k) => [k.name, printKernel(k)]);
}

/** A table of all compared values of a program: the worst element of each, what it should be, and what is allowed. */
function partOf(p: {
  readonly title: string;
  readonly results: readonly StoredError[];
  readonly tolerance: number;
  readonly kernels: readonly (readonly [string, string])[];
}): ProofPart {
  const number = (v: number): string => v.toPrecision(9);
  const rows = p.results.map((r) => [
    r.what,
    `${r.elements}`,
    `${r.element}`,
    number(r.got),
    number(r.want),
    Math.abs(r.got - r.want).toExponential(1),
    (p.tolerance * r.scale).toExponential(1),
    r.why,
    r.error <= p.tolerance ? 'right' : WRONG,
  ]);
  return {
    title: p.title,
    text: 'Each value that a kernel stores, at the element that is farthest from the float64 reference for the same inputs of the kernel.',
    rows: [['value', 'elements', 'worst at', 'kernel', 'reference', 'off by', 'allowed', `${p.tolerance} of`, ''], ...rows],
    texts: p.kernels,
  };
}

/** Replaces random examples by the given ones, repeated if the program takes more, with what is known of them. */
export function withData(
  random: GraphInputs,
  { model }: Pick<OpenProgram, 'model'>,
  data: Pick<Prepared, 'tensors'>,
  statistics: Prepared['statistics'],
): GraphInputs {
  const inputs = new Map(random.inputs);
  [...model.inputs, ...model.targets]
    .map((i) => i.name)
    .forEach((name, i) => {
      const [values, wanted] = [data.tensors[i], inputs.get(name)];
      const tensor = values && inMemory(values);
      if (tensor?.length && wanted)
        inputs.set(
          name,
          Float64Array.from(wanted, (_, k) => tensor[k % tensor.length] ?? NaN),
        );
    });
  const state = new Map(random.state);
  for (const [name, values] of statistics) if (state.has(name)) state.set(name, Float64Array.from(values));
  return { inputs, state };
}

/** Runs a program at some steps, fused and unfused on every device; ordered by step. */
async function compareAll(
  graph: Graph,
  steps: readonly number[],
  { devices, adapter }: { readonly devices: readonly Run['device'][]; readonly adapter: Adapter | undefined },
  given: GraphInputs,
): Promise<Run[]> {
  const runs: Run[] = [];
  for (const level of [0, 1] as const)
    for (const device of devices) {
      const planned = planGraph(graph, level, { keepAll: true, adapter, devices: device });
      const proof = proveKernels(planned.lowered, 1);
      if (proof.problems.length) throw new CompilerBug(`accesses are not proved:\n  ${proof.problems.join('\n  ')}`);
      const session = await openSession(planned.plan, device);
      try {
        for (const step of steps) {
          const at = { ...given, step };
          runs.push({
            step,
            level,
            device,
            proof,
            kernels: textsOf(planned),
            results: storedErrors(graph, at, await runGraph(planned, session, at)),
          });
        }
      } finally {
        session.destroy();
      }
    }
  return runs.sort((a, b) => a.step - b.step);
}
