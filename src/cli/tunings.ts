import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fail } from '../base/errors.ts';
import { hash } from '../base/hash.ts';
import { cacheFolder, cachePath } from '../node/cache.ts';
import { writeFileSafely } from './files.ts';
import { version } from './package.ts';
import { note } from './terminal.ts';

/** The results of `nnc tune` on an adapter, one file per adapter. */
interface Table {
  readonly adapter: string;
  /** The version of nnc, since another one may generate other kernels. */
  readonly version: string;
  readonly tilings: Readonly<Record<string, string>>;
}

const nameOf = ({ info }: GPUAdapter): string => [info.vendor, info.architecture, info.device, info.description].join(' | ');
/** The name of the file with an adapter's tilings. */
export const tuningsFile = (adapter: GPUAdapter): string => `${hash(nameOf(adapter))}.json`;

const isTable = (found: unknown): found is Table => {
  const { version: made, tilings } = (found ?? {}) as Partial<Table>;
  return typeof made === 'string' && typeof tilings === 'object' && Object.values(tilings).every((t) => typeof t === 'string');
};

/** The measured tilings of an adapter; empty if there are none. What is damaged is left aside, as everything in the cache. */
export async function readTunings(adapter: GPUAdapter): Promise<ReadonlyMap<string, string>> {
  const folder = await cacheFolder('tunings');
  const path = join(folder ?? '', tuningsFile(adapter));
  const text = folder === undefined ? undefined : await readFile(path, 'utf8').catch(() => undefined);
  if (text === undefined) return new Map();
  let found: unknown;
  try {
    found = JSON.parse(text);
  } catch (e) {
    if (!(e instanceof SyntaxError)) throw e;
  }
  if (!isTable(found)) {
    note(`${path} is damaged and left aside; nnc tune writes it anew`);
    return new Map();
  }
  return new Map(found.version === version() ? Object.entries(found.tilings) : []);
}

/** Adds tilings to those of an adapter, and returns the file's path. */
export async function addTunings(adapter: GPUAdapter, found: ReadonlyMap<string, string>): Promise<string> {
  const tilings = Object.fromEntries([...(await readTunings(adapter)), ...found]);
  const table: Table = { adapter: nameOf(adapter), version: version(), tilings };
  const folder =
    (await cacheFolder('tunings')) ??
    fail('NN403', `the cache ${cachePath()} cannot be used to keep tilings`, {
      help: 'it must belong to you and be writable; NNC_CACHE names another folder',
    });
  const path = join(folder, tuningsFile(adapter));
  await writeFileSafely(path, `${JSON.stringify(table, undefined, 2)}\n`);
  return path;
}
