import { existsSync } from 'node:fs';
import { compile } from '../../compile.ts';
import type { Compiled, CompileOptions } from '../../planning/options.ts';
import { ANY_ADAPTER } from '../../codegen/backend.ts';
import { showShape, showType } from '../../base/types.ts';
import type { Model } from '../../sema/model.ts';
import { planBytes, BYTES } from '../../plan.ts';
import { timesOf } from '../../sections.ts';
import type { Devices } from '../../lower/backends.ts';
import { trainedOf } from '../../data/split.ts';
import { dataPath, hasData, openData, openProgram, type OpenProgram } from '../program.ts';
import { columns } from '../../base/show.ts';
import { print, showBytes } from '../terminal.ts';

export interface CheckFlags {
  readonly data?: string;
  readonly batch?: number;
  /** Bytes. */
  readonly maxMemory?: number;
  readonly opt: 0 | 1;
  readonly devices?: Devices;
}

/** The number of examples to assume if there is no data. */
export const ASSUMED_ROWS = 32;

/** What a program needs to train, and lacks. */
function missing({ loss, optim }: Model): string {
  if (loss === undefined) return optim === undefined ? 'a loss and an optimizer are' : 'a loss is';
  return 'an optimizer is';
}

/** Compiles for the data if it exists, else for an assumed number of examples; only predicts if nothing can be trained. */
export async function compileFor(
  program: OpenProgram,
  flags: CheckFlags,
  options: Pick<CompileOptions, 'adapter' | 'devices'> = {},
): Promise<Compiled & { readonly rows: number | undefined; readonly assumed: boolean }> {
  const there = hasData(program, flags.data, existsSync);
  const trainable = program.model.training !== undefined && program.model.optim !== undefined;
  const data = trainable && there ? await sizesOf(program, flags.data) : undefined;
  const rows = !trainable ? undefined : (data?.rows ?? flags.batch ?? program.model.train.batch ?? ASSUMED_ROWS);
  return {
    ...compile(program.model, {
      ...options,
      rows,
      holdout: data?.holdout,
      batch: flags.batch,
      level: flags.opt,
      maxMemory: flags.maxMemory,
    }),
    rows,
    assumed: !there,
  };
}

/** What is not there: the file that the program names, or any. */
function lacking(program: OpenProgram, given: string | undefined): string {
  const path = dataPath(program, given);
  return path === undefined ? 'there is no data' : `${path} does not exist`;
}

/** How many examples are trained on and held out. Those that a program draws need not be drawn to be counted. */
async function sizesOf(
  program: OpenProgram,
  given: string | undefined,
): Promise<{ readonly rows: number; readonly holdout: number | undefined }> {
  const { draw, split = 1 } = program.model.data ?? {};
  if (given !== undefined || !draw) {
    const { rows, holdout } = await openData(program, given);
    return { rows, holdout: holdout?.rows };
  }
  if (split >= 1 || draw.rows < 2) return { rows: draw.rows, holdout: undefined };
  const rows = trainedOf(draw.rows, split);
  return { rows, holdout: draw.rows - rows };
}

/** Parameters outside the table's stages: those that the program declares itself, and those of layers with several results. */
function besides(model: Model): string[][] {
  const staged = model.stages.filter((s) => s.params > 0);
  const rows = new Map<string, { readonly text: string; readonly shape: string; readonly size: number }>();
  for (const p of model.params) {
    if (staged.some((s) => p.name.startsWith(`${s.path}.`))) continue;
    const own = p.layer === 'param';
    const path = own ? p.name : p.name.slice(0, Math.max(0, p.name.lastIndexOf('.')));
    const row = rows.get(path) ?? { text: p.layer, shape: own ? showShape(p.shape) : '', size: 0 };
    rows.set(path, { ...row, size: row.size + sizeOf(p.shape) });
  }
  return [...rows].map(([path, r]) => [path, r.text, r.shape, number(r.size), '0']);
}

const sizeOf = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1);

const number = (n: number): string => n.toLocaleString('en-US');

const count = (n: number, one: string, many: string): string => `${n} ${n === 1 ? one : many}`;

export async function check(path: string, flags: CheckFlags): Promise<void> {
  const program = await openProgram(path);
  const { model } = program;
  const parameters = model.params.reduce((n, p) => n + sizeOf(p.shape), 0);
  const inputs = model.inputs.map((i) => (model.inputs.length === 1 ? '' : `${i.name} `) + showType(i.type)).join(', ');
  print(`${model.name}: ${inputs} -> ${showType(model.output)}, ${number(parameters)} parameters`);
  print();
  const table = model.stages.map((s) => [`${s.path}`, s.text, showShape(s.output), number(s.params), number(s.flops)]);
  print(
    columns([
      ['stage', 'layer', 'output', 'parameters', 'FLOPs'],
      ...table,
      ...besides(model),
      ['', 'total', '', number(parameters), number(model.stages.reduce((n, s) => n + s.flops, 0))],
    ]),
  );
  print();
  // Only GPUs store f16 in two bytes. The table stands above what may be too large to compile.
  const half = model.precision === 'f16';
  const { plan, programs, rows, assumed } = await compileFor(
    program,
    flags,
    half && flags.devices !== 'cpu' ? { adapter: { ...ANY_ADAPTER, half }, devices: 'gpu' } : { devices: flags.devices },
  );
  if (plan.train && rows !== undefined) {
    const step = plan.programs['train'];
    const dispatches = (plan.backends.webgpu ?? plan.backends.js)?.programs['train'] ?? [];
    print(
      `trains ${plan.train.loss} with ${plan.train.optimizer}: ${number(rows)} examples${assumed ? ` (assumed; ${lacking(program, flags.data)})` : ''}, batch ${number(plan.train.batch)}, ${number(plan.train.steps)} steps${plan.holdout ? `, ${number(plan.holdout.rows)} held out` : ''}`,
    );
    print(
      `per step: ${count(
        dispatches.reduce((n, d) => n + timesOf(d), 0),
        'dispatch',
        'dispatches',
      )}, ${number(step?.flops ?? 0)} FLOPs; one ${plan.backends.webgpu?.loops['train'] ? 'dispatch' : 'submit'} for up to ${plan.chunk} steps`,
    );
  } else print(`predicts only: ${missing(model)} needed to train`);
  const memory = planBytes(plan);
  print(`device memory${half ? ' on a GPU with shader-f16' : ''}: ${number(memory.total)} bytes (${showBytes(memory.total)})`);
  const transients = plan.arenas.filter((a) => a.kind === 'work').reduce((n, a) => n + a.words, 0);
  const least = memory.arenas + (Math.max(...programs.map((p) => p.least)) - transients) * BYTES;
  print(
    `arenas: ${number(memory.arenas)} bytes; what lives longer than a step and the largest set alive within one are ${number(least)}, so this is ${(memory.arenas / Math.max(1, least)).toFixed(2)} times the least`,
  );
  const parts = [
    ...plan.arenas.map((a) => [`  ${a.name}`, number(a.words * BYTES)]),
    ['  uniforms', number(memory.uniforms)],
    ['  readback', number(memory.readback)],
    ...(memory.places > 0 ? [['  places of loops', number(memory.places)]] : []),
  ];
  print(columns(parts));
}
