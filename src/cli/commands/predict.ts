import Papa from 'papaparse';
import { fail } from '../../base/errors.ts';
import { writeSafetensors } from '../../data/safetensors.ts';
import { RunningModel } from '../../runtime/model.ts';
import type { Prediction } from '../../runtime/api.ts';
import type { Model } from '../../sema/model.ts';
import { devicesFor } from '../../lower/backends.ts';
import { inMemory } from '../../data/values.ts';
import { refuseFiles } from '../companions.ts';
import { findDevice, type DeviceChoice } from '../device.ts';
import { mustBeWritable, writeOutput } from '../files.ts';
import { mustEndIn } from '../outputs.ts';
import { examplesIn, parseInput } from '../inputs.ts';
import { planFor } from '../plan-cache.ts';
import { lineOf, recordOf, toldOf } from '../predictions.ts';
import { learnedFor, noteTokens, openProgram, openWeights, readGiven, type OpenProgram, type SavedWeights } from '../program.ts';
import { print } from '../terminal.ts';

export interface PredictFlags {
  readonly weights: string;
  readonly input?: string;
  readonly data?: string;
  readonly out?: string;
  readonly logits?: boolean;
  readonly json?: boolean;
  readonly device: DeviceChoice;
  readonly opt: 0 | 1;
  readonly deterministic?: boolean;
  readonly subgroupMatrix?: boolean;
}

/** Runs a trained model: names and percentages for classes, numbers in the target's own unit else. */
export async function predict(path: string, flags: PredictFlags): Promise<void> {
  if ((flags.input === undefined) === (flags.data === undefined))
    fail('NN501', 'give the inputs with either --input or --data', { help: `nnc predict ${path} --weights ${flags.weights} --input 3.0` });
  const program = await openProgram(path);
  const { model } = program;
  const saved = await openWeights(flags.weights);
  const known = learnedFor(model, saved);
  if (flags.data === undefined) refuseFiles();
  const read = flags.data === undefined ? undefined : await inputsFrom(flags.data, program, saved);
  mustEndIn(flags.out, 'predictions are written as', ['csv', 'json', 'safetensors']);
  await mustBeWritable(flags.out);
  const device = await findDevice(flags.device, flags);
  const names = { learned: known, targets: targetColumns(model) };
  const options = {
    level: flags.opt,
    adapter: device.adapter,
    devices: devicesFor(model, device),
    predictions: read?.rows ?? examplesIn(flags.input ?? ''),
  };
  const plan = await planFor(program, { ...options, names });
  const typed = flags.input === undefined ? undefined : parseInput(flags.input, plan.about);
  const session = await device.open(plan);
  try {
    const running = await RunningModel.open(session, { weights: saved.weights, from: flags.weights });
    const prediction = typed ? await running.predict(typed) : await running.predict(...(read?.values ?? []));
    const told = toldOf(prediction, running.about, flags.logits === true);
    // Of several images, one wants to know which is which.
    const files = told.length > 1 ? read?.files : undefined;
    const records = (): Row[] =>
      told.map((t, i) => ({ ...(files ? { file: files[i] ?? '' } : {}), ...recordOf(t, running.about.targets) }));
    if (flags.out !== undefined) {
      await writeOutput(flags.out, fileOf(flags.out, prediction, records));
      print(`${told.length} predictions: ${flags.out}`);
    } else if (flags.json) print(JSON.stringify(records()));
    else told.forEach((t, i) => print(`${files ? `${files[i] ?? ''}: ` : ''}${lineOf(t)}`));
  } finally {
    session.destroy();
  }
}

/** The columns of the targets that the program names. */
const targetColumns = ({ data, targets }: Model): ReadonlyMap<string, readonly string[]> =>
  new Map(
    targets.flatMap((t) => {
      const names = data?.columns.get(targets.length === 1 ? 'y' : t.shown);
      return names ? [[t.shown, names] as const] : [];
    }),
  );

type Row = Readonly<Record<string, string | number>>;

function fileOf(path: string, { data, shape }: Prediction, rows: () => Row[]): string | Uint8Array {
  if (/\.safetensors$/i.test(path)) return writeSafetensors({ pred: { shape, data } });
  return /\.json$/i.test(path) ? `${JSON.stringify(rows(), null, 1)}\n` : `${Papa.unparse(rows(), { newline: '\n' })}\n`;
}

/** The inputs in a file, encoded as they were for the weights. */
async function inputsFrom(
  path: string,
  program: OpenProgram,
  saved: SavedWeights,
): Promise<{ readonly rows: number; readonly values: readonly ArrayLike<number>[]; readonly files: readonly string[] | undefined }> {
  const data = await readGiven(program, path, false, learnedFor(program.model, saved));
  noteTokens(data, saved);
  return { rows: data.rows, values: data.tensors.map(inMemory), files: data.files };
}
