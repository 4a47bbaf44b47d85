import { readFileSync } from 'node:fs';
import { open, stat } from 'node:fs/promises';
import type { Span } from '../base/source.ts';
import { fail } from '../base/errors.ts';
import { canBeLarge, loadDataset, loadTable, readLargeDataset } from '../data/dataset.ts';
import { isImage, readImages } from '../data/images.ts';
import { reject } from '../data/labels.ts';
import type { Dataset, Needs } from '../data/needs.ts';
import type { Table } from '../data/table.ts';
import { checkImageTarget } from '../library/image-target.ts';
import { OpenFile, ScratchFile } from '../node/scratch.ts';
import { beside, notAnAddress, readUserFile, whyNot } from './files.ts';
import { imagesIn } from './image-folders.ts';
import { keepRead } from './outputs.ts';
import { note, showBytes } from './terminal.ts';

/** Bytes from which on a table is not held in memory, and the most bytes of a file that is. */
const LARGE = 2 ** 27;
const LARGEST = 2 ** 31 - 1;
/** Bytes of a large table that are enough to know its columns. */
const HEAD = 2 ** 22;

/** Reads examples from a file of any kind and size, or from a folder of images; notes are printed. */
export async function readExamples(path: string, needs: Needs, span?: Span): Promise<Dataset> {
  return remarked(await found(path, { ...needs, ...(span ? { span } : {}) }, span));
}

async function found(path: string, needs: Needs, span: Span | undefined): Promise<Dataset> {
  notAnAddress(path, 'NN301', span);
  const there = await stat(path).catch(() => undefined);
  keepRead(path);
  if (there?.isDirectory()) {
    checkImageTarget(path, needs);
    return readFolder(path, needs);
  }
  // One image has no folder that names its class.
  if (there && isImage(path)) return readImages(path, [{ name: path, label: '', read: () => readFileSync(path) }], needs);
  const size = there?.size ?? 0;
  if (size > LARGE && canBeLarge(path)) return readLarge(path, needs);
  if (size > LARGEST)
    return reject(
      needs,
      'NN301',
      `${path} has ${showBytes(size)}, and files of its kind are held in memory`,
      'a .csv or .tsv file may have any size',
    );
  return loadDataset(path, await readUserFile(path, 'NN301', span), needs, companion(path));
}

function readFolder(path: string, needs: Needs): Dataset {
  const { files, remarks } = imagesIn(path, needs);
  const data = readImages(path, files, needs);
  return { ...data, remarks: [...(data.remarks ?? []), ...remarks] };
}

function readLarge(path: string, needs: Needs): Dataset {
  const file = new OpenFile(path);
  try {
    return readLargeDataset(file, needs, new ScratchFile());
  } finally {
    file.close();
  }
}

/** The table of a file, or the first rows of a large one. */
export async function readColumns(path: string, needs: Needs): Promise<Table> {
  const size = (await stat(path).catch(() => undefined))?.size ?? 0;
  if (size <= LARGE || !canBeLarge(path)) return loadTable(path, await readUserFile(path, 'NN301'), needs);
  const file = await open(path);
  try {
    const bytes = new Uint8Array(HEAD);
    const { bytesRead } = await file.read(bytes, 0, HEAD, 0);
    return await loadTable(path, bytes.subarray(0, bytes.lastIndexOf(10, bytesRead - 1) + 1), needs);
  } finally {
    await file.close();
  }
}

/** Prints the notes about how values were converted, each once. */
function remarked(data: Dataset): Dataset {
  for (const remark of data.remarks ?? []) if (!told.has(remark)) note(remark);
  for (const remark of data.remarks ?? []) told.add(remark);
  return data;
}

/** What was printed: several parts of a run may read the same data. */
const told = new Set<string>();

/** Reads files next to a data file. */
function companion(path: string): (other: string) => Uint8Array {
  return (other) => {
    const place = beside(path, other);
    try {
      keepRead(place);
      return readFileSync(place);
    } catch (e) {
      return fail('NN301', `${place} cannot be read: ${whyNot(e)}`, {
        help: `${other} is looked for beside ${path}, in its folder`,
      });
    }
  };
}
