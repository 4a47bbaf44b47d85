import { fail } from '../../base/errors.ts';
import { GraphBuilder } from '../../ir/graph/builder.ts';
import type { Graph } from '../../ir/graph/types.ts';
import { wordsOfCalls } from '../../codegen-wasm/backend.ts';
import type { Compiled } from '../../planning/options.ts';
import { timesOf, type Dispatch } from '../../sections.ts';
import { stepUniforms, type Session } from '../../runtime/session.ts';
import type { Device } from '../device.ts';
import { writeOutput } from '../files.ts';
import { planGraph } from '../../verify/run-graph.ts';
import { columns } from '../../base/show.ts';
import { print } from '../terminal.ts';

/** Repetitions; the shortest time of each dispatch counts. */
const RUNS = 7;
/** Rows and columns of the matrix product, and elements of the sum, that measure the device's peak. */
const PROBE_MATRIX = 512;
const PROBE_VECTOR = 1 << 22;
/** The most rows in the table. */
const SHOWN = 20;

/** The device's measured peak, on a large product and on a large sum. */
interface Roof {
  readonly flops: number;
  readonly bytes: number;
}

/**
 * Times each dispatch of a training step and prints a table: time, work, and share of the device's measured peak. The steps run on the
 * session's own state, which is not needed any more. `made` compiles the program again: a plan for the processor does not say what its
 * kernels are.
 */
export async function profile(session: Session, device: Device, made: () => Compiled, tracePath: string | undefined): Promise<void> {
  const { plan } = session;
  const onCpu = session.device.kind === 'cpu';
  if (!session.profile)
    return fail('NN501', `--profile times the kernels of a GPU or of WebAssembly, and this ran on ${session.device.name}`, {
      help: 'use --device gpu',
    });
  const train = onCpu ? made().programs.find((p) => p.name === 'train') : undefined;
  const dispatches = (train ? wordsOfCalls(train) : plan.backends.webgpu?.programs['train']) ?? [];
  const what = onCpu ? 'kernels' : 'dispatches';
  const roof = await measureRoof(device, onCpu);
  const times = await shortest(session, 'train');
  const total = times.reduce((a, b) => a + b, 0);
  const rows = dispatches
    // A coarse clock may measure 0 for the shortest dispatches.
    .map((d, i) => ({ ...d, flops: d.flops * timesOf(d), bytes: d.bytes * timesOf(d), seconds: Math.max(times[i] ?? NaN, 1e-9) }))
    .sort((a, b) => b.seconds - a.seconds)
    .map(({ name, seconds, flops, bytes, about }) => [
      name.replace(/^train_/, '').slice(0, 40),
      (seconds * 1e3).toFixed(3),
      `${((100 * seconds) / total).toFixed(1)}%`,
      (flops / 1e6).toFixed(2),
      (flops / seconds / 1e9).toFixed(2),
      (bytes / 1e6).toFixed(2),
      (bytes / seconds / 1e9).toFixed(2),
      `${(100 * Math.max(flops / seconds / roof.flops, bytes / seconds / roof.bytes)).toFixed(0)}%`,
      placeOf(about),
    ]);
  print(columns([['kernel', 'ms', 'share', 'MFLOP', 'GFLOP/s', 'MB', 'GB/s', 'of roof', 'where'], ...rows.slice(0, SHOWN)]));
  if (rows.length > SHOWN) print(`... and ${rows.length - SHOWN} ${what} more`);
  print(
    `a step: ${dispatches.reduce((n, d) => n + timesOf(d), 0)} ${what}, ${(total * 1e3).toFixed(2)} ms ${onCpu ? 'on one thread, with no other at work' : 'when each is waited for'}; roof: ${(roof.flops / 1e9).toFixed(1)} GFLOP/s, ${(roof.bytes / 1e9).toFixed(1)} GB/s`,
  );
  if (onCpu) print(`training itself ran on ${session.device.name}; more than 100% of the roof is data that lies in caches`);
  else if (plan.backends.webgpu?.loops['train'])
    print('training itself runs the step as a loop of one workgroup, which this does not show');
  if (tracePath !== undefined) {
    await writeOutput(tracePath, chromeTrace(dispatches, times));
    print(`trace: ${tracePath}, for chrome://tracing or ui.perfetto.dev`);
  }
}

/** The places in the program that a dispatch comes from. */
function placeOf(about: readonly string[]): string {
  const found = about.flatMap((line) => /\(([^()]*:\d+:\d+)\)/.exec(line)?.[1] ?? []);
  return [...new Set(found)].slice(0, 2).join(' ');
}

/** The shortest time of each dispatch of a program, in seconds. */
export async function shortest(session: Session, program: string): Promise<number[]> {
  const uniforms = stepUniforms(session.plan, 0, 1, { seed: 0, total: 1 });
  let best: number[] = [];
  for (let i = 0; i < RUNS; i++) {
    const times = (await session.profile?.(program, uniforms)) ?? [];
    best = times.map((t, k) => Math.min(t, best[k] ?? Infinity));
  }
  return best;
}

async function measureRoof(device: Device, onCpu: boolean): Promise<Roof> {
  const run = async (graph: Graph): Promise<number> => {
    const { plan } = planGraph(graph, 1, { adapter: device.adapter, devices: onCpu ? 'cpu' : 'gpu' });
    // A separate session on the same device.
    const session = await device.open(plan, 1);
    try {
      const [seconds = NaN] = await shortest(session, 'main');
      return seconds;
    } finally {
      session.destroy();
    }
  };
  const product = new GraphBuilder('product');
  const square = { dtype: 'f32', shape: [PROBE_MATRIX, PROBE_MATRIX] } as const;
  product.outputs['y'] = product.contract(
    'mk,kn->mn',
    product.add('input', [], { name: 'a' }, square),
    product.add('input', [], { name: 'b' }, square),
  );
  const sum = new GraphBuilder('sum');
  const x = sum.add('input', [], { name: 'x' }, { dtype: 'f32', shape: [PROBE_VECTOR] });
  sum.outputs['y'] = sum.op('add', x, sum.like(1, x));
  const [flops, bytes] = [2 * PROBE_MATRIX ** 3, 2 * 4 * PROBE_VECTOR];
  return { flops: flops / (await run(product.graph())), bytes: bytes / (await run(sum.graph())) };
}

/** One step in the Chrome trace format: times in microseconds, one dispatch after the other. */
function chromeTrace(dispatches: readonly Dispatch[], times: readonly number[]): string {
  let start = 0;
  const events = dispatches.map((d, i) => {
    const duration = (times[i] ?? 0) * 1e6;
    const event = {
      name: d.name,
      cat: 'kernel',
      ph: 'X',
      ts: start,
      dur: duration,
      pid: 1,
      tid: 1,
      args: { flops: d.flops, bytes: d.bytes, about: d.about },
    };
    start += duration;
    return event;
  });
  return JSON.stringify({ traceEvents: events, displayTimeUnit: 'ms' });
}
