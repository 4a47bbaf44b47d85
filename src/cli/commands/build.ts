import { readdir, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { fail } from '../../base/errors.ts';
import { compile } from '../../compile.ts';
import { writeSafetensors, type StoredTensor } from '../../data/safetensors.ts';
import type { Dataset } from '../../data/needs.ts';
import type { Split } from '../../data/split.ts';
import { learnedMetadata } from '../../data/learned.ts';
import type { Devices } from '../../lower/backends.ts';
import type { Plan } from '../../plan.ts';
import { checkWeights } from '../../runtime/weights.ts';
import { inMemory } from '../../data/values.ts';
import { makeFolder } from '../../node/folders.ts';
import { mustBeWritable, writeFileSafely, writeOutput } from '../files.ts';
import { compileForText } from '../../library/text-plan.ts';
import { pageInfo, type BuiltPage } from '../../page/built.ts';
import { folderOf, singleFile } from '../page-files.ts';
import { hasData, noteTokens, openData, openProgram, openWeights, learnedFor } from '../program.ts';
import { print } from '../terminal.ts';

export interface BuildFlags {
  readonly out: string;
  readonly data?: string;
  readonly weights?: string;
  readonly devices: Devices;
  readonly opt: 0 | 1;
  readonly singleFile?: boolean;
}

export async function build(path: string, flags: BuildFlags): Promise<void> {
  const program = await openProgram(path);
  const { model, source } = program;
  const saved = flags.weights === undefined ? undefined : await openWeights(flags.weights);
  const known = learnedFor(model, saved);
  const data = hasData(program, flags.data, () => true) ? await openData(program, flags.data, undefined, known) : undefined;
  if (data) noteTokens(data, saved);
  const trainable = data !== undefined && model.training !== undefined && model.optim !== undefined;
  // Before the work.
  if (flags.singleFile) await mustBeWritable(flags.out);
  const options = {
    rows: trainable ? data.rows : undefined,
    holdout: trainable ? data.holdout?.rows : undefined,
    level: flags.opt,
    devices: flags.devices,
    statistics: data?.statistics,
    names: data?.names ?? { learned: known },
  };
  const speaks = options.names.learned?.vocabulary !== undefined;
  const plan = speaks ? compileForText(model, options) : compile(model, options).plan;
  const weights = saved?.weights;
  if (weights) await checkWeights(plan, weights, flags.weights ?? '');

  const page: BuiltPage = {
    info: pageInfo(plan, source.text, { rows: data?.rows ?? 0, weights: weights !== undefined }),
    plan,
    data: trainable ? writeSafetensors(dataTensors(data, plan)) : undefined,
    weights: weights && writeSafetensors(weights, learnedMetadata(data?.learned ?? known)),
  };
  if (flags.singleFile) return writePage(flags.out, await singleFile(page));
  const files = await folderOf(page);
  await writeFolder(flags.out, files);
  print(`${flags.out}: ${Object.keys(files).sort().join(', ')}`);
  print(`open it: npx http-server ${flags.out}, or any other web server`);
}

/** Writes the page as one file. */
async function writePage(out: string, html: string): Promise<void> {
  const there = await stat(resolve(out)).catch(() => undefined);
  if (there?.isDirectory()) fail('NN403', `${out} is a folder`, { help: 'give the name of a file: -o page.html' });
  await writeOutput(out, html);
  print(`${out}: ${(html.length / 1000).toFixed(0)} kB. Open it in a browser`);
}

/** The training data, by the names of the plan's tensors, and what is held out (`x@holdout`). */
function dataTensors(data: Split, plan: Plan): Record<string, StoredTensor> {
  const of = ({ rows, tensors }: Dataset, suffix: string): [string, StoredTensor][] =>
    (plan.data?.tensors ?? []).map((t, i) => [
      t.name + suffix,
      { shape: [rows, ...t.shape.slice(1)], data: tensors[i] ? inMemory(tensors[i]) : new Float32Array(0) },
    ]);
  const tensors = [...of(data, ''), ...(data.holdout ? of(data.holdout, '@holdout') : [])];
  return Object.fromEntries(tensors.filter(([, t]) => t.data.length > 0));
}

/** Files that only some folders have. */
const SOMETIMES = [
  ...['weights.safetensors', 'data.safetensors', 'model.wgsl', 'kernels.js'],
  ...['webgpu', 'wasm', 'js'].map((name) => `plan.${name}.json`),
];

/** Writes all files to a temporary folder first, so that a failure leaves the old ones intact. */
async function writeFolder(given: string, files: Readonly<Record<string, string | Uint8Array>>): Promise<void> {
  const out = resolve(given);
  const there = await stat(out).catch(() => undefined);
  if (there && !there.isDirectory()) fail('NN403', `${out} is a file`, { help: 'give the name of a folder' });
  if (there && (await readdir(out)).some((f) => !Object.hasOwn(files, f) && !SOMETIMES.includes(f))) {
    fail('NN403', `${out} holds other files, and building would take them away`, {
      help: 'give an empty folder, or one that nnc build made',
    });
  }
  const beside = join(dirname(out), `.${basename(out)}.${process.pid}.part`);
  try {
    for (const [name, content] of Object.entries(files)) await writeFileSafely(join(beside, name), content);
    // All files are complete now; each is renamed into place.
    await makeFolder(out).catch(() => fail('NN403', `${given} cannot be written`));
    for (const name of Object.keys(files)) await rename(join(beside, name), join(out, name));
    for (const stale of SOMETIMES) if (!Object.hasOwn(files, stale)) await rm(join(out, stale), { force: true });
  } finally {
    // Already gone on success; on failure, an error here must not hide the first one.
    await rm(beside, { recursive: true, force: true }).catch(() => undefined);
  }
}
