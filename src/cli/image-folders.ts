import { readFileSync, readdirSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fail } from '../base/errors.ts';
import { isImage, type ImageFile } from '../data/images.ts';
import { reject } from '../data/labels.ts';
import type { Needs } from '../data/needs.ts';
import { whyNot } from './files.ts';

/** The images of a folder, and what is said about what else is in it. */
export interface ImageFolder {
  readonly files: readonly ImageFile[];
  readonly remarks: readonly string[];
}

type ImageNeeds = Pick<Needs, 'targets' | 'known' | 'span'>;

/** What systems and notebooks leave behind: `.ipynb_checkpoints`, `._a.png`, `__MACOSX`. */
const JUNK = /^(\..*|__MACOSX|Thumbs\.db|desktop\.ini)$/i;

interface Listing {
  readonly images: readonly string[];
  readonly folders: readonly string[];
  readonly others: readonly string[];
}

function listing(folder: string): Listing {
  const found: Record<keyof Listing, string[]> = { images: [], folders: [], others: [] };
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    if (JUNK.test(entry.name)) continue;
    const path = join(folder, entry.name);
    // A link to a folder is one.
    const isFolder = entry.isSymbolicLink() ? statSync(path, { throwIfNoEntry: false })?.isDirectory() : entry.isDirectory();
    found[isFolder ? 'folders' : isImage(path) ? 'images' : 'others'].push(path);
  }
  for (const paths of Object.values(found)) paths.sort();
  return found;
}

/** The images of a folder: those in a folder of it are of the class with the folder's name. If there are none, its own, of no known class. */
export function imagesIn(path: string, needs: ImageNeeds): ImageFolder {
  try {
    const top = listing(path);
    const classes = top.folders.map((folder) => ({ folder, label: basename(folder), ...listing(folder) }));
    const found = classes.flatMap(({ label, images }) => images.map((name) => imageOf(name, label)));
    if (found.length === 0) return { files: top.images.map((name) => imageOf(name, '')), remarks: [] };
    const empty = classes.filter(({ images }) => images.length === 0);
    const [first] = empty;
    // A folder without images would be a class that the model never hears of; of weights, it may know it.
    if (first && needs.targets.length > 0 && !needs.known) refuseEmpty(first.folder, first, needs);
    return {
      files: found,
      remarks: [
        ...empty.map(({ folder, ...rest }) => `${folder} has no .png or .jpg file${besides(rest)}`),
        ...classes.filter(({ images }) => images.length > 0).flatMap(({ folder, ...rest }) => unread(folder, rest)),
        ...beside(path, top),
      ],
    };
  } catch (e) {
    if (e instanceof Error && 'code' in e) return fail('NN301', `${path} cannot be read: ${whyNot(e)}`);
    throw e;
  }
}

const imageOf = (name: string, label: string): ImageFile => ({ name, label, read: () => readFileSync(name) });

/** `10 files of other kinds and 2 folders` */
function restOf({ others, folders }: Pick<Listing, 'others' | 'folders'>): string {
  const count = (n: number, one: string, many: string): string[] => (n === 0 ? [] : [`${n} ${n === 1 ? one : many}`]);
  return [
    ...count(others.length, 'file of another kind', 'files of other kinds'),
    ...count(folders.length, 'folder of its own', 'folders of its own'),
  ].join(' and ');
}

const besides = (rest: Pick<Listing, 'others' | 'folders'>): string => (restOf(rest) === '' ? '' : `, and ${restOf(rest)}`);

function unread(folder: string, rest: Pick<Listing, 'others' | 'folders'>): string[] {
  const [example] = [...rest.others, ...rest.folders];
  return example === undefined ? [] : [`not read in ${folder}: ${restOf(rest)}, such as ${example}`];
}

function beside(folder: string, { images, others }: Listing): string[] {
  const [example] = [...images, ...others];
  const n = images.length + others.length;
  return example === undefined
    ? []
    : [`not read in ${folder}: ${n} file${n === 1 ? '' : 's'} beside the folders of classes, such as ${example}`];
}

const refuseEmpty = (folder: string, rest: Listing, needs: ImageNeeds): never =>
  reject(
    needs,
    'NN301',
    `${folder} is the folder of a class, and has no .png or .jpg file${besides(rest)}`,
    rest.folders.length > 0
      ? 'put the images into it, not into folders of it, or take the folder away'
      : 'save its images as .png or .jpg, or take the folder away',
  );
