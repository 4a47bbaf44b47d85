// Writes docs/numerics.md: how exact the functions of each backend are, and how far devices drift apart in a training.
import { writeFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import { check, compile } from '../src/compile.ts';
import { drawData, nativeDraws } from '../src/draw.ts';
import { openSession } from '../src/cli/device.ts';
import { releaseGpu } from '../src/node/gpu.ts';
import { GraphBuilder } from '../src/ir/graph/builder.ts';
import { POINTWISE, type PointwiseOp } from '../src/ir/graph/pointwise.ts';
import { RunningModel } from '../src/runtime/model.ts';
import type { Graph } from '../src/ir/graph/types.ts';
import { winograd } from '../src/passes/graph/winograd.ts';
import { schemesFor } from '../src/passes/graph/winograd-schemes.ts';
import { count } from '../src/base/types.ts';
import { evaluate } from '../src/reference/evaluate.ts';
import { distance, planGraph, runGraph, type GraphInputs } from '../src/verify/run-graph.ts';
import { uniformAt } from '../src/base/random.ts';

export const FUNCTIONS = ['exp', 'log', 'log1p', 'expm1', 'sqrt', 'sin', 'cos', 'atan', 'tanh', 'sigmoid', 'erf'] as const;
export type MathFunction = (typeof FUNCTIONS)[number] & PointwiseOp;
export const DEVICES = ['gpu', 'cpu'] as const;

/** The worst error of a function, in units of the last place of the right result, and where it is. */
export interface Worst {
  readonly ulps: number;
  readonly at: number;
  /** Numbers whose result should be infinite, 0 or no number, and is another one. */
  readonly special: number;
}

const SMALLEST = 2 ** -126;
const LARGEST = 3.4028234663852886e38;

/** Numbers of every exponent and both signs, `n` in all, spread evenly over the bit patterns of float32. */
function everyKind(n: number): Float64Array {
  const bits = new Uint32Array(1);
  const number = new Float32Array(bits.buffer);
  const step = 2 ** 32 / n;
  return Float64Array.from({ length: n }, (_, i) => {
    bits[0] = Math.floor(i * step + uniformAt(1, 7, 0, i) * step);
    const v = number[0] ?? 0;
    return Number.isNaN(v) ? 1 : v;
  });
}

/** Devices may take numbers below the smallest normal one for 0, before and after. */
const normal = (v: number): number => (Math.abs(v) < SMALLEST ? 0 : v);

export async function worstOf(op: MathFunction, device: (typeof DEVICES)[number], n: number): Promise<Worst> {
  const x = everyKind(n);
  const b = new GraphBuilder('numerics');
  b.outputs['y'] = b.op(op, b.add('input', [], { name: 'x' }, { dtype: 'f32', shape: [n] }));
  const planned = planGraph(b.graph(), 1, { devices: device });
  const session = await openSession(planned.plan, device);
  const { outputs } = await runGraph(planned, session, { inputs: new Map([['x', x]]), state: new Map() });
  session.destroy();
  const got = outputs.get('y') ?? new Float32Array(0);
  const f = POINTWISE[op] as (x: number) => number;
  let worst: Worst = { ulps: 0, at: 0, special: 0 };
  let special = 0;
  x.forEach((v, i) => {
    const g = got[i] ?? NaN;
    const errors = [f(v), f(normal(v))].map((want) => {
      if (Number.isNaN(want)) return Number.isNaN(g) ? 0 : Infinity;
      if (Math.abs(want) > LARGEST) return Math.abs(g) >= LARGEST && Math.sign(g) === Math.sign(want) ? 0 : Infinity;
      // Where results are subnormal, their last place is that of the smallest normal number.
      const ulp = 2 ** (Math.floor(Math.log2(Math.max(SMALLEST, Math.abs(want)))) - 23);
      if (Number.isNaN(g)) return Infinity;
      return Math.min(Math.abs(g - want), Math.abs(want) < SMALLEST ? Math.abs(g) / 2 ** 23 : Infinity) / ulp;
    });
    const ulps = Math.min(...errors);
    if (!Number.isFinite(ulps)) special++;
    else if (ulps > worst.ulps) worst = { ulps, at: v, special: 0 };
  });
  return { ...worst, special };
}

/** Trainings from a smooth to a chaotic one; they draw their data. */
const TRAININGS = [
  {
    what: 'a line, SGD',
    text: 'data n=64 seed=1 { x = uniform(); y = 3*x + 1 }\nlayer Linear(1, 1)\nloss mse\noptim sgd lr=0.1\ntrain steps=500 batch=16 shuffle',
  },
  {
    what: 'a net of tanh, Adam',
    text: 'data n=64 seed=1 { x = uniform(-1, 1); y = sin(5*x) }\nlayer Linear(1, 16) -> tanh -> Linear(16, 1)\nloss mse\noptim adam lr=0.01\ntrain steps=500 batch=16 shuffle',
  },
  {
    what: 'four layers of relu and LayerNorm, Adam',
    text: `data n=64 seed=1 { x = uniform(-1, 1); y = sin(5*x) }\nlayer Linear(1, 24) -> ${'LayerNorm(24) -> relu -> Linear(24, 24) -> '.repeat(3)}relu -> Linear(24, 1)\nloss mse\noptim adam lr=0.01\ntrain steps=500 batch=16 shuffle`,
  },
] as const;

/** The losses of a training on a device. */
async function lossesOf(text: string, device: (typeof DEVICES)[number]): Promise<number[]> {
  const { model } = check({ name: 'drift.nn', text });
  const draw = model?.data?.draw;
  if (!model || !draw) throw new Error('a program of the drift table is wrong');
  const seed = draw.seed ?? model.train.seed;
  const data = drawData(
    draw,
    [...model.inputs, ...model.targets].map((i) => i.name),
    nativeDraws(seed),
    seed,
  );
  const { plan } = compile(model, { rows: draw.rows, devices: device });
  const running = await RunningModel.open(await openSession(plan, device));
  const losses: number[] = [];
  running.setData(...data);
  await running.train({ onLosses: (_first, l) => losses.push(...l) });
  running.destroy();
  return losses;
}

/** How far the losses of two devices are apart after 10, 100 and 500 steps, relative to the larger of the losses around. */
async function driftText(): Promise<string> {
  const rows: string[] = [];
  for (const { what, text } of TRAININGS) {
    const [gpu = [], cpu = []] = await Promise.all(DEVICES.map((d) => lossesOf(text, d)));
    const apart = [10, 100, 500].map((to) => {
      const last = Array.from({ length: 10 }, (_, k) => to - 10 + k);
      const scale = Math.max(...last.map((i) => Math.abs(cpu[i] ?? 0)));
      return Math.max(...last.map((i) => Math.abs((gpu[i] ?? NaN) - (cpu[i] ?? NaN)))) / scale;
    });
    rows.push(`| ${what} | ${apart.map((v) => v.toExponential(1)).join(' | ')} |`);
  }
  return rows.join('\n');
}

/** A convolution, or the gradient of its weights. */
function convolutionOf(channels: number, size: number, gradient: boolean): Graph {
  const b = new GraphBuilder('convolution');
  const input = (name: string, shape: readonly number[]): number => b.add('input', [], { name }, { dtype: 'f32', shape });
  const windows = [2, 3].reduce(
    (x, axis) => b.add('window', [x], { axis, size, stride: 1, dilation: 1 }),
    input('x', [4, channels, 13 + size, 13 + size]),
  );
  b.outputs['y'] = gradient
    ? b.contract('nohw,nchwyx->ocyx', input('y', [4, channels, 14, 14]), windows)
    : b.contract('nchwyx,ocyx->nohw', windows, input('y', [channels, channels, size, size]));
  return b.graph();
}

/** The largest error of a graph on the processor, relative to the largest result. */
async function errorOf(graph: Graph, given: GraphInputs, want: Float64Array): Promise<number> {
  const planned = planGraph(graph, 1, { devices: 'cpu' });
  const session = await openSession(planned.plan, 'cpu');
  const { outputs } = await runGraph(planned, session, given);
  session.destroy();
  return distance(outputs.get('y') ?? [], want);
}

/** The largest errors of a convolution of numbers from `low` to 1: by whole windows, and by tiles of each size. */
export async function tileErrors(channels: number, size: number, gradient: boolean, low: number): Promise<readonly number[]> {
  const graph = convolutionOf(channels, size, gradient);
  const draw = (stream: number, n: number) => Float32Array.from({ length: n }, (_, i) => low + (1 - low) * uniformAt(1, stream, 0, i));
  const sizes = graph.nodes.flatMap((n) => (n.op === 'input' ? [[n.attrs.name, count(n.type.shape)] as const] : []));
  const given = { inputs: new Map(sizes.map(([name, n], i) => [name, draw(i, n)])), state: new Map() };
  const want = evaluate(graph, { ...given, scalars: { step: 0, seed: 0, total: 1 } })(graph.outputs['y'] ?? -1).data;
  return Promise.all([graph, ...schemesFor(size, 2).map((f) => winograd(graph, () => f))].map((g) => errorOf(g, given, want)));
}

async function tilesText(): Promise<string> {
  const rows: string[] = [];
  for (const gradient of [false, true])
    for (const [size, channels] of [
      [3, 64],
      [3, 256],
      [5, 64],
    ] as const)
      for (const low of [-1, 0]) {
        const errors = await tileErrors(channels, size, gradient, low);
        const what = `${size} x ${size}, ${gradient ? 'gradient of weights' : 'convolution'}, ${channels} channels, from ${low} to 1`;
        rows.push(`| ${[what, ...errors.map((e) => e.toExponential(1)), ...Array<string>(3 - errors.length).fill('')].join(' | ')} |`);
      }
  return rows.join('\n');
}

export async function numericsText(n: number): Promise<string> {
  const rows: string[] = [];
  for (const op of FUNCTIONS) {
    const found = await Promise.all(DEVICES.map((d) => worstOf(op, d, n)));
    rows.push(`| \`${op}\` | ${found.map((w) => `${w.ulps.toFixed(2)} at ${Number(w.at.toPrecision(4))} | ${w.special}`).join(' | ')} |`);
  }
  return rows.join('\n');
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const n = 2 ** 20;
  const table = await numericsText(n);
  const drift = await driftText();
  const tiles = await tilesText();
  writeFileSync(
    'docs/numerics.md',
    `# How exact the numbers are

Written by \`npm run numerics\`. Results are compared with float64, at ${n.toLocaleString('en-US')} numbers for each function, of every exponent and both signs,
from the smallest float32 to the largest. An error of 0.5 ULP is the best that rounding can do; \`special\` counts results that should be
infinite or no number and are not, or the other way round. Numbers below the smallest normal one (1.2e-38) may count as 0.

The GPU here is SwiftShader, a software driver that computes \`exp\`, \`log\`, \`sin\` and the others as WGSL allows it to. What nnc writes itself
for every GPU (\`log1p\`, \`expm1\`, \`tanh\`, \`sigmoid\`, \`erf\`, \`atan\`, and the reduction of large angles for \`sin\` and \`cos\`) is the same elsewhere,
but stands on the driver's functions. The CPU is WebAssembly, and the same bits everywhere.

| function | GPU (SwiftShader), worst ULP | special | CPU (WebAssembly), worst ULP | special |
| --- | --- | --- | --- | --- |
${table}

\`sin\` and \`cos\` have their worst relative error next to their zeros; everywhere their absolute error is below 1e-6
(test/codegen/prelude.test.ts). \`npm test\` measures all functions again at fewer numbers, and holds them to this table.

## Convolutions by tiles

On the processor, convolutions of 3 x 3 and 5 x 5 with many channels are computed by tiles (Winograd's F(2x2, 3x3), F(4x4, 3x3) and F(2x2, 5x5),
\`src/passes/graph/winograd.ts\`): fewer products, of sums of numbers. The largest error on random numbers, relative to the largest result:

| what | by whole windows | tiles of 2 x 2 | tiles of 4 x 4 |
| --- | --- | --- | --- |
${tiles}

Whole windows have sums that are nine or 25 times as long, and tiles have sums before and after the products: both round about as much, tiles up to three
times where numbers of both signs cancel. The points of tiles of six numbers are 0, 5/8, -5/8, 3/2 and -3/2; with the usual 0, 1, -1, 2 and -2 they
would round two to four times as much as they do.

Where a number is infinite or not a number, so are all results of its tiles, and not only those whose windows hold it; and numbers beyond about 1e37
may overflow on the way, since tiles add them up before weights make them small.

## How far devices drift apart

The same program with the same seed on both devices: the largest difference between their losses in ten steps, relative to the loss there.
Rounding differs in the last place of single numbers; what training makes of that depends on the net.

| training | steps 1 to 10 | to 100 | to 500 |
| --- | --- | --- | --- |
${drift}
`,
  );
  releaseGpu();
}
