import { readFileSync, realpathSync, statSync } from 'node:fs';
import { dirname, relative, sep } from 'node:path';
import { renderAll, userError } from '../base/diagnostics.ts';
import { UserError, fail } from '../base/errors.ts';
import type { RandomSource } from '../base/init.ts';
import type { Source } from '../base/source.ts';
import { check, type Reader } from '../compile.ts';
import type { Dataset } from '../data/needs.ts';
import { checkLabels } from '../data/labels.ts';
import { readMetadata, readSafetensors, type StoredTensor } from '../data/safetensors.ts';
import type { KnownLearned } from '../base/learned.ts';
import { learnedIn } from '../data/learned.ts';
import { drawData, nativeDraws } from '../draw.ts';
import { programText } from '../data/utf8.ts';
import { needsOf } from '../library/needs.ts';
import { prepare, type Prepared } from '../library/prepare.ts';
import type { Weights } from '../runtime/api.ts';
import type { Model, Script } from '../sema/model.ts';
import { companionsOfCall, companionsOfTest, refuseFiles, type OwnFiles } from './companions.ts';
import { beside, notAnAddress, readUserFile, shown, whyNot } from './files.ts';
import { readExamples } from './data-files.ts';
import { keepNamed, keepRead } from './outputs.ts';
import { note } from './terminal.ts';

/** A program named by the user, read and checked. */
export interface OpenProgram {
  readonly path: string;
  readonly source: Source;
  /** Everything that was read: the program and its imports. */
  readonly sources: readonly Source[];
  readonly model: Model;
  readonly script: Script;
}

/** Whether imports may come from outside of the program's folder: `--imports-anywhere`. */
let anywhere = false;
export function allowImportsAnywhere(): void {
  anywhere = true;
}

/**
 * Imports are relative to the folder of the importing file, and lie below that of the program: one that somebody else wrote reads no
 * other files.
 */
const readBelow =
  (program: string): Reader =>
  (path, from) => {
    const place = beside(from.name, path);
    try {
      const folder = realpathSync(dirname(program));
      if (!anywhere && relative(folder, realpathSync(place)).split(sep)[0] === '..')
        return `it is outside of the program's folder ${shown(folder)}; --imports-anywhere allows that`;
      // A pipe would keep the reader waiting for ever.
      if (!statSync(place).isFile()) return 'it is no file';
      keepRead(place);
      return { name: place, text: programText(place, readFileSync(place)) };
    } catch (e) {
      if (e instanceof UserError) throw e;
      return whyNot(e);
    }
  };

/** Reads and checks a program, which may consist of print lines only. Prints warnings and throws errors. */
export async function openScript(path: string): Promise<Omit<OpenProgram, 'model'> & { readonly model: Model | undefined }> {
  if (/\.(csv|tsv|jsonl?|npy|npz|safetensors|txt|gz)$/i.test(path))
    fail('NN501', `${path} is no program: a program is a .nn file`, {
      help: `write one for a table with: nnc new NAME --data ${path}; or give the data to a program: nnc train NAME.nn --data ${path}`,
    });
  const source: Source = { name: path, text: programText(path, await readUserFile(path)) };
  const sources = [source];
  const read = readBelow(path);
  const { model, script, diagnostics } = check(source, (name, from) => {
    const other = read(name, from);
    if (typeof other !== 'string') sources.push(other);
    return other;
  });
  if (!script) throw userError(diagnostics);
  if (diagnostics.length) note(`${renderAll(diagnostics)}\n`);
  for (const file of [model?.data?.path, model?.data?.test]) if (file !== undefined) keepNamed(besideProgram(path, file));
  return { path, source, sources, model, script };
}

/** The same program with another text. */
export function checkAgain(program: OpenProgram, text: string): OpenProgram {
  const source = { ...program.source, text };
  const { model, script, diagnostics } = check(source, readBelow(program.path));
  if (!model || !script) throw userError(diagnostics);
  return { ...program, source, sources: program.sources.map((s) => (s === program.source ? source : s)), model, script };
}

/** Reads and checks a program that must have a model. */
export async function openProgram(path: string): Promise<OpenProgram> {
  const program = await openScript(path);
  const model =
    program.model ??
    fail('NN207', `${path} has print lines and no model`, {
      help: `nnc run ${path} evaluates it; a model is a line such as: layer Linear(1, 1)`,
    });
  return { ...program, model };
}

/** The data file: from the call, or else from the program. */
export function dataPath({ path, model }: OpenProgram, given: string | undefined): string | undefined {
  const own = model.data?.path;
  if (given !== undefined || own === undefined) return given;
  notAnAddress(own, 'NN301', model.data?.span);
  return besideProgram(path, own);
}

/** Programs go from one system to another, and `/` is right on all of them. */
const besideProgram = (program: string, path: string): string => beside(program, path.replaceAll('\\', '/'));

/** Whether data is available: drawn, or in a file. */
export function hasData(program: OpenProgram, given: string | undefined, exists: (path: string) => boolean): boolean {
  const path = dataPath(program, given);
  if (given === undefined && program.model.data?.draw) return true;
  return path !== undefined && (given !== undefined || exists(path));
}

/** Reads or draws the training data; text is tokenized like that of the initial weights. Throws if there is no data. */
export async function openData(
  program: OpenProgram,
  given: string | undefined,
  random?: RandomSource,
  known?: KnownLearned,
): Promise<Prepared> {
  const all = await openAll(program, given, random, known);
  return prepare(program.model, all, given === undefined ? await testData(program, all, known) : undefined);
}

/** The held-out examples of `test="FILE"`, encoded as the training examples are. */
async function testData(program: OpenProgram, all: Dataset, known: KnownLearned | undefined): Promise<Dataset | undefined> {
  const { model } = program;
  if (model.data?.test === undefined) return undefined;
  const own = ownFiles(program);
  const path = own.test ?? model.data.test;
  const learned = known ?? (all.learned && { ...all.learned, from: dataPath(program, undefined) ?? 'the training data' });
  return readExamples(path, { ...needsOf(model, true, learned), companions: companionsOfTest(model, path, own) }, model.data.span);
}

/** The files that the program itself names. */
const ownFiles = ({ path, model: { data } }: OpenProgram): OwnFiles => ({
  data: data?.path === undefined ? undefined : besideProgram(path, data.path),
  test: data?.test === undefined ? undefined : besideProgram(path, data.test),
});

/** Reads a file that the call names with `--data`. */
export function readGiven(program: OpenProgram, path: string, withTargets: boolean, known: KnownLearned | undefined): Promise<Dataset> {
  const companions = companionsOfCall(program.model, path, ownFiles(program));
  return readExamples(path, { ...needsOf(program.model, withTargets, known), companions });
}

/** What held-out examples are read from: a file of their own, or a part of the data. */
export const holdoutPath = (program: OpenProgram): string | undefined => ownFiles(program).test ?? dataPath(program, undefined);

/** Reads or draws all examples, without splitting them. */
export async function openAll(
  program: OpenProgram,
  given: string | undefined,
  random?: RandomSource,
  known?: KnownLearned,
): Promise<Dataset> {
  const { model } = program;
  if (given !== undefined) return readGiven(program, given, true, known);
  refuseFiles();
  const draw = model.data?.draw;
  if (draw) {
    const names = [...model.inputs, ...model.targets].map((i) => i.name);
    const seed = draw.seed ?? model.train.seed;
    const drawn = { rows: draw.rows, tensors: drawData(draw, names, random ?? nativeDraws(seed), seed) };
    checkLabels('the data', drawn, { ...needsOf(model, true), ...(model.data ? { span: model.data.span } : {}) });
    return drawn;
  }
  const path =
    dataPath(program, undefined) ??
    fail('NN305', `${program.path} names no data`, { help: 'add a line such as: data "house.csv" x=sqft y=price, or give --data FILE' });
  return readExamples(path, needsOf(model, true, known), model.data?.span);
}

/** A file of weights. */
export interface SavedWeights {
  readonly path: string;
  readonly tensors: ReadonlyMap<string, StoredTensor>;
  /** By PyTorch's names. */
  readonly weights: Weights;
  /** What was learned from their training data: columns, classes, vocabulary. */
  readonly learned: KnownLearned | undefined;
}

export async function openWeights(path: string): Promise<SavedWeights> {
  if (/\.(pt|pth|bin|ckpt)$/i.test(path))
    fail('NN401', `${path} is a pickle of Python, which may run any code, so nnc does not read it`, {
      help: `write its tensors as safetensors, in Python: import torch; from safetensors.torch import save_file\n  save_file(torch.load("${path}", weights_only=True), "${path.replace(/\.\w+$/, '')}.safetensors")`,
    });
  return weightsIn(path, await readUserFile(path, 'NN401'));
}

/** The weights in the bytes of a file. */
export function weightsIn(path: string, bytes: Uint8Array): SavedWeights {
  const tensors = readSafetensors(bytes, path);
  return {
    path,
    tensors,
    weights: Object.fromEntries([...tensors].map(([name, t]) => [name, { shape: t.shape, data: t.data }])),
    learned: learnedIn(readMetadata(bytes), path),
  };
}

/** What the weights learned from their data, if the program has the same kind of tokens; an error if not. */
export function learnedFor({ data }: Model, saved: SavedWeights | undefined): KnownLearned | undefined {
  const known = saved?.learned;
  const tokens = known?.vocabulary?.tokens;
  const asked = data?.tokens?.endsWith('.json') ? 'bpe' : data?.tokens;
  if (!known || tokens === undefined || asked === undefined || asked === tokens) return known;
  return fail('NN402', `${known.from} was trained with tokens=${tokens}, and the program says tokens=${data?.tokens ?? ''}`, {
    help: `write tokens=${tokens}, or take other weights`,
  });
}

/** Warns if it is unknown whether a text uses the vocabulary of the weights. */
export function noteTokens({ learned }: Dataset, saved: SavedWeights | undefined): void {
  if (saved && !saved.learned?.vocabulary && learned?.vocabulary?.tokens === 'chars')
    note(`${saved.path} holds no vocabulary: characters are numbered by the text at hand, which may not be how they were in training`);
}
