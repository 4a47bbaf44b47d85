import { at, get, invariant } from '../../base/errors.ts';
import { uniformAt } from '../../base/random.ts';
import { PER_WORD } from '../../base/types.ts';
import type { Lowered } from '../../lower/program.ts';
import { gpuTarget } from '../../codegen-wgsl/targets.ts';
import { ArenaBuilder, type Placed } from '../../passes/memory/layout.ts';
import { optionsFor, type Option } from '../../passes/schedule/lower.ts';
import { tilingKey } from '../../passes/schedule/tiling.ts';
import { stepUniforms, type Session, type Words } from '../../runtime/session.ts';
import { findDevice, type Device } from '../device.ts';
import { readElements, toWords } from '../../verify/elements.ts';
import { distance, planPrograms } from '../../verify/run-graph.ts';
import { openProgram } from '../program.ts';
import { columns } from '../../base/show.ts';
import { note, print } from '../terminal.ts';
import { addTunings } from '../tunings.ts';
import { compileFor } from './check.ts';
import { shortest } from './profile.ts';

export interface TuneFlags {
  readonly data?: string;
  readonly batch?: number;
}

/** The most variants of a kernel to measure, those first that should be fastest. */
const MOST_OPTIONS = 8;
/** Repetitions, of which the shortest counts if the device has no clock. */
const RUNS = 7;
/** Relative to the largest value of a result: sums in another order differ by less. */
const TOLERANCE = 2e-3;
/** A variant is used if its time is below this share of the default's. */
const WORTHWHILE = 0.95;

/**
 * Measures variants of each kernel of a step on this GPU, after checking their results, and stores the fastest for later runs on this
 * adapter.
 */
export async function tune(path: string, flags: TuneFlags): Promise<void> {
  const program = await openProgram(path);
  const { model } = program;
  const device = await findDevice('gpu', { deterministic: true });
  invariant(device.found, 'a GPU was asked for and there is none');
  const { programs } = await compileFor(program, { ...flags, opt: 1 }, { adapter: device.adapter, devices: 'gpu' });
  const step = at(programs, 0);
  note(`tuning ${model.name} on ${device.found.adapter.info.description || device.found.adapter.info.device}`);

  const table: string[][] = [];
  const found = new Map<string, string>();
  const seen = new Set<string>();
  for (const [i, group] of step.schedule.groups.entries()) {
    const { key, plain, options } = optionsFor(step.schedule, group, i, gpuTarget(device.adapter));
    if (options.length < 2 || seen.has(key)) continue;
    seen.add(key);
    const best = await fastest(device, step, plain, options.slice(0, MOST_OPTIONS));
    const [usual = NaN] = best.seconds;
    const gain = best.time <= usual * WORTHWHILE;
    if (gain) found.set(key, tilingKey(best.option.how));
    const shown = gain ? best : { option: at(options, 0), time: usual };
    const name = shown.option.kernel.name.slice(0, 48);
    table.push([name, milliseconds(usual), milliseconds(shown.time), `${(usual / shown.time).toFixed(2)}x`, tilingKey(shown.option.how)]);
    if (best.wrong.length > 0) note(`${name}: left out because its results differ: ${best.wrong.join('; ')}`);
  }
  print(columns([['kernel', 'ms', 'tuned', 'gain', 'tile'], ...table]));
  if (found.size === 0) {
    print('nothing is faster than what is chosen without measuring');
    return;
  }
  print(`${found.size} of ${table.length} kernels are faster tuned: ${await addTunings(device.found.adapter, found)}`);
}

const milliseconds = (seconds: number): string => (seconds * 1e3).toFixed(3);

interface Fastest {
  readonly option: Option;
  /** Seconds. */
  readonly time: number;
  /** One for each option; NaN if its results are wrong. */
  readonly seconds: readonly number[];
  readonly wrong: readonly string[];
}

/** Runs every option on the same random numbers, compares it with the plain one, and times it. */
async function fastest(device: Device, step: Lowered, plain: Option, options: readonly Option[]): Promise<Fastest> {
  const arenas = new ArenaBuilder();
  const placed = new Map<string, Placed>();
  for (const b of plain.kernel.buffers) {
    const t = get(step.schedule.tensors, b.tensor, 'tensor');
    placed.set(b.tensor, arenas.place('work', b.tensor, t.dtype, t.size));
  }
  const programs = [plain, ...options].map(({ kernel }, i): Lowered => ({
    ...step,
    name: `way${i}`,
    kernels: { webgpu: [kernel] },
    batches: [[0]],
    loops: kernel.places === undefined ? [] : [{ first: 0, count: 1, times: kernel.places }],
    placed,
  }));
  const plan = planPrograms('tune', 1, programs, arenas);
  const session = await device.open(plan);
  try {
    const uniforms = stepUniforms(plan, 0, 1, { seed: 0, total: 1 });
    const outputs = plain.kernel.buffers.filter((b) => b.access !== 'read');
    const results = async (program: string): Promise<Words[]> => {
      fill(session);
      await session.run([program], uniforms);
      return Promise.all(
        outputs.map((b) => {
          const { arena, offset } = get(placed, b.tensor, 'place');
          return readElements(session, arena, offset + b.offset, b.size);
        }),
      );
    };
    const want = await results('way0');
    const wrong: string[] = [];
    const seconds: number[] = [];
    for (const [i, option] of options.entries()) {
      const name = `way${i + 1}`;
      const errors = (await results(name)).map((got, k) => distance(got, at(want, k)));
      const right = errors.every((e) => e <= TOLERANCE);
      if (!right) wrong.push(`${tilingKey(option.how)} by ${Math.max(...errors).toExponential(1)}`);
      seconds.push(right ? await secondsOf(session, name, uniforms) : NaN);
    }
    const best = seconds.reduce((b, s, i) => (s < (seconds[b] ?? NaN) || Number.isNaN(seconds[b]) ? i : b), 0);
    return { option: at(options, best), time: seconds[best] ?? NaN, seconds, wrong };
  } finally {
    session.destroy();
  }
}

/** The same positive random numbers every time: positive, because second moments are. */
function fill(session: Session): void {
  for (const { name, dtype, words } of session.plan.arenas) {
    const length = words * PER_WORD[dtype];
    session.write(
      name,
      0,
      toWords(dtype === 'i32' ? new Int32Array(length) : Float32Array.from({ length }, (_, i) => 0.1 + uniformAt(1, 0, 0, i)), dtype),
    );
  }
}

/** Measured with the device's own clock if it has one. */
async function secondsOf(session: Session, program: string, uniforms: ReturnType<typeof stepUniforms>): Promise<number> {
  if (session.profile) return (await shortest(session, program))[0] ?? NaN;
  let best = Infinity;
  for (let i = 0; i < RUNS; i++) {
    const begin = performance.now();
    await session.run([program], uniforms);
    best = Math.min(best, (performance.now() - begin) / 1000);
  }
  return best;
}
