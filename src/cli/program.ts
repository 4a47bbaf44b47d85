import { renderAll } from '../base/diagnostics.ts';
import { UserError, fail } from '../base/errors.ts';
import type { Source } from '../base/source.ts';
import { check } from '../compile.ts';
import { readDataset, type Dataset, type Needs } from '../data/dataset.ts';
import { readSafetensors } from '../data/safetensors.ts';
import type { Weights } from '../runtime/api.ts';
import type { Model } from '../sema/model.ts';
import { beside, readUserFile } from './files.ts';
import { note } from './terminal.ts';

/** A program that the user named, read and checked. */
export interface OpenProgram {
  readonly path: string;
  readonly source: Source;
  readonly model: Model;
}

/** Reads and checks a program; prints warnings, throws everything else. */
export async function openProgram(path: string): Promise<OpenProgram> {
  const source: Source = { name: path, text: new TextDecoder().decode(await readUserFile(path)) };
  const { model, diagnostics } = check(source);
  if (!model) throw new UserError(diagnostics);
  if (diagnostics.length) note(`${renderAll(diagnostics)}\n`);
  return { path, source, model };
}

/** The data file: the one of the call, else the program's own. */
export function dataPath({ path, model }: OpenProgram, given: string | undefined): string | undefined {
  return given ?? (model.data && beside(path, model.data.path));
}

export function needsOf(model: Model, withTarget: boolean): Needs {
  return { input: model.input, target: withTarget ? model.target : undefined, spec: model.data };
}

/** Reads the training data; an error if there is none. */
export async function openData(program: OpenProgram, given: string | undefined): Promise<Dataset> {
  const path =
    dataPath(program, given) ??
    fail('NN305', `${program.path} names no data`, { help: 'add a line such as: data "house.csv" x=sqft y=price, or give --data FILE' });
  // The place in the program is shown only for data that the program itself names.
  const span = given === undefined ? program.model.data?.span : undefined;
  const needs = needsOf(program.model, true);
  return readDataset(path, await readUserFile(path, 'NN301', span), { ...needs, spec: { x: needs.spec?.x, y: needs.spec?.y, span } });
}

/** Reads weights by PyTorch's names. */
export async function openWeights(path: string): Promise<Weights> {
  const tensors = readSafetensors(await readUserFile(path, 'NN401'), path);
  return Object.fromEntries([...tensors].map(([name, t]) => [name, { shape: t.shape, data: Float32Array.from(t.data) }]));
}
