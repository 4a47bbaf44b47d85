import { readFileSync } from 'node:fs';
import { renderAll } from '../base/diagnostics.ts';
import { UserError, fail } from '../base/errors.ts';
import type { RandomSource } from '../base/init.ts';
import { shuffleAt } from '../base/random.ts';
import type { Source } from '../base/source.ts';
import { check, type Reader } from '../compile.ts';
import { readDataset, type Dataset, type Needs, type Values } from '../data/dataset.ts';
import { readMetadata, readSafetensors, type StoredTensor } from '../data/safetensors.ts';
import { vocabularyIn, type KnownVocabulary } from '../data/vocabulary.ts';
import { drawData, nativeDraws } from '../draw.ts';
import type { Weights } from '../runtime/api.ts';
import type { Model, Script } from '../sema/model.ts';
import { beside, readUserFile, whyNot } from './files.ts';
import { note } from './terminal.ts';

/** A program that the user named, read and checked. */
export interface OpenProgram {
  readonly path: string;
  readonly source: Source;
  /** Everything that was read: the program and what it imports. */
  readonly texts: readonly string[];
  readonly model: Model;
  readonly script: Script;
}

/** Imports are meant from the folder of the file that names them. */
const readBeside: Reader = (path, from) => {
  const place = beside(from.name, path);
  try {
    return { name: place, text: readFileSync(place, 'utf8') };
  } catch (e) {
    return whyNot(e);
  }
};

/** Reads and checks a program, which may have print lines alone; prints warnings, throws everything else. */
export async function openScript(path: string): Promise<Omit<OpenProgram, 'model'> & { readonly model: Model | undefined }> {
  const source: Source = { name: path, text: new TextDecoder().decode(await readUserFile(path)) };
  const texts = [path, source.text];
  const { model, script, diagnostics } = check(source, (name, from) => {
    const other = readBeside(name, from);
    texts.push(name, typeof other === 'string' ? other : other.text);
    return other;
  });
  if (!script) throw new UserError(diagnostics);
  if (diagnostics.length) note(`${renderAll(diagnostics)}\n`);
  return { path, source, texts, model, script };
}

/** Reads and checks a program that has a model. */
export async function openProgram(path: string): Promise<OpenProgram> {
  const program = await openScript(path);
  const model =
    program.model ??
    fail('NN207', `${path} has print lines and no model`, {
      help: `nnc run ${path} evaluates it; a model is a line such as: layer Linear(1, 1)`,
    });
  return { ...program, model };
}

/** The data file: the one of the call, else the program's own. */
export function dataPath({ path, model }: OpenProgram, given: string | undefined): string | undefined {
  return given ?? (model.data?.path === undefined ? undefined : beside(path, model.data.path));
}

/** Whether there is data to be had: drawn, or in a file. */
export function hasData(program: OpenProgram, given: string | undefined, exists: (path: string) => boolean): boolean {
  const path = dataPath(program, given);
  if (given === undefined && program.model.data?.draw) return true;
  return path !== undefined && (given !== undefined || exists(path));
}

export function needsOf(model: Model, withTarget: boolean, vocabulary?: KnownVocabulary): Needs {
  const { data } = model;
  return {
    vocabulary,
    inputs: model.inputs,
    targets: withTarget ? model.targets : [],
    ...(data ? { columns: data.columns, tokens: data.tokens, context: data.context } : {}),
  };
}

/** Training data, what is held out of it, and what it says about itself. */
export interface OpenData extends Dataset {
  readonly held: Dataset | undefined;
  readonly statistics: ReadonlyMap<string, readonly number[]>;
}

/** Reads or draws the training data, its text in the tokens of the weights that training begins with; an error if there is none. */
export async function openData(
  program: OpenProgram,
  given: string | undefined,
  random?: RandomSource,
  vocabulary?: KnownVocabulary,
): Promise<OpenData> {
  const { model } = program;
  const all = await allData(program, given, random, vocabulary);
  const split = splitData(all, model.data?.split ?? 1, model);
  return { ...all, ...split, statistics: model.data?.normalize ? statisticsOf(model, split) : new Map() };
}

async function allData(
  program: OpenProgram,
  given: string | undefined,
  random: RandomSource | undefined,
  vocabulary: KnownVocabulary | undefined,
): Promise<Dataset> {
  const { model } = program;
  const draw = given === undefined ? model.data?.draw : undefined;
  if (draw) {
    const names = [...model.inputs, ...model.targets].map((i) => i.name);
    const seed = draw.seed ?? model.train.seed;
    return { rows: draw.rows, tensors: drawData(draw, names, random ?? nativeDraws(seed), seed) };
  }
  const path =
    dataPath(program, given) ??
    fail('NN305', `${program.path} names no data`, { help: 'add a line such as: data "house.csv" x=sqft y=price, or give --data FILE' });
  // The place in the program is shown only for data that the program itself names.
  const span = given === undefined ? model.data?.span : undefined;
  const needs = { ...needsOf(model, true, vocabulary), ...(span ? { span } : {}) };
  return remarked(readDataset(path, await readUserFile(path, 'NN301', span), needs, companion(path)));
}

/** Says what was done with the values that were read. */
export function remarked(data: Dataset): Dataset {
  for (const remark of data.remarks ?? []) note(remark);
  return data;
}

/** Reads a file that a data file needs beside it. */
export function companion(path: string): (other: string) => Uint8Array {
  return (other) => {
    const place = beside(path, other);
    try {
      return readFileSync(place);
    } catch (e) {
      return fail('NN301', `${place} cannot be read: ${whyNot(e)}`);
    }
  };
}

/** The first part of a seeded order is trained on, the rest is held out. */
function splitData(all: Dataset, share: number, model: Model): Dataset & { readonly held: Dataset | undefined } {
  if (share >= 1) return { ...all, held: undefined };
  const train = Math.max(1, Math.min(all.rows - 1, Math.round(all.rows * share)));
  if (all.rows < 2) return fail('NN304', 'one example cannot be split', { help: 'take split away' });
  const order = Array.from({ length: all.rows }, (_, i) => shuffleAt(i, all.rows, model.train.seed, 0));
  const pick = (rows: readonly number[]): Dataset => ({
    rows: rows.length,
    tensors: all.tensors.map((t): Values => {
      const width = t.length / all.rows;
      const out = t instanceof Float32Array ? new Float32Array(rows.length * width) : new Int32Array(rows.length * width);
      rows.forEach((row, i) => out.set(t.subarray(row * width, (row + 1) * width), i * width));
      return out;
    }),
  });
  return { ...pick(order.slice(0, train)), held: pick(order.slice(train)) };
}

/** Mean and deviation of each input of the examples to train on: of each feature, or of a whole image. */
function statisticsOf(model: Model, data: Dataset): Map<string, readonly number[]> {
  const found = new Map<string, readonly number[]>();
  model.inputs.forEach((input, k) => {
    const stem = model.inputs.length === 1 ? 'normalize' : `normalize.${input.name}`;
    const state = model.states.find((s) => s.name === `${stem}.mean`);
    const values = data.tensors[k];
    if (!state || !values) return;
    const features = state.shape[0] ?? 1;
    const [sum, square] = [new Float64Array(features), new Float64Array(features)];
    values.forEach((v, i) => {
      sum[i % features] = (sum[i % features] ?? 0) + v;
    });
    const n = values.length / features;
    const mean = Array.from(sum, (s) => s / n);
    values.forEach((v, i) => {
      square[i % features] = (square[i % features] ?? 0) + (v - (mean[i % features] ?? 0)) ** 2;
    });
    found.set(`${stem}.mean`, mean);
    // What never changes is left as it is.
    found.set(
      `${stem}.std`,
      Array.from(square, (s) => Math.sqrt(s / n) || 1),
    );
  });
  return found;
}

/** A file of weights. */
export interface SavedWeights {
  readonly path: string;
  readonly tensors: ReadonlyMap<string, StoredTensor>;
  /** By PyTorch's names. */
  readonly weights: Weights;
  /** The tokens that they were trained with. */
  readonly vocabulary: KnownVocabulary | undefined;
}

export async function openWeights(path: string): Promise<SavedWeights> {
  const bytes = await readUserFile(path, 'NN401');
  const tensors = readSafetensors(bytes, path);
  return {
    path,
    tensors,
    weights: Object.fromEntries([...tensors].map(([name, t]) => [name, { shape: t.shape, data: t.data }])),
    vocabulary: vocabularyIn(readMetadata(bytes), path),
  };
}

/** The tokens that weights were trained with, if the text of the program is cut as theirs was; an error if it is not. */
export function vocabularyFor({ data }: Model, saved: SavedWeights | undefined): KnownVocabulary | undefined {
  const known = saved?.vocabulary;
  if (!known || data?.tokens === undefined || data.tokens === known.tokens) return known;
  return fail('NN402', `${known.from} was trained with tokens=${known.tokens}, and the program says tokens=${data.tokens}`, {
    help: `write tokens=${known.tokens}, or take other weights`,
  });
}

/** Says where nobody knows whether a text has the tokens that the weights were trained with. */
export function noteTokens({ vocabulary }: Dataset, saved: SavedWeights | undefined): void {
  if (saved && !saved.vocabulary && vocabulary?.tokens === 'chars')
    note(`${saved.path} holds no vocabulary: characters are numbered by the text at hand, which may not be how they were in training`);
}
