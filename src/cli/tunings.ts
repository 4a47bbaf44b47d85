import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fail } from '../base/errors.ts';
import { hash } from '../base/hash.ts';
import { cacheFolder } from '../node/cache.ts';
import { readUserFile, writeFileSafely } from './files.ts';
import { version } from './package.ts';

/** The results of `nnc tune` on an adapter, one file per adapter. */
interface Table {
  readonly adapter: string;
  /** The version of nnc, since another one may generate other kernels. */
  readonly version: string;
  readonly tilings: Readonly<Record<string, string>>;
}

const nameOf = ({ info }: GPUAdapter): string => [info.vendor, info.architecture, info.device, info.description].join(' | ');
/** The file with an adapter's tilings. */
export const tuningsPath = (adapter: GPUAdapter): string => join(cacheFolder(), 'tunings', `${hash(nameOf(adapter))}.json`);

const isTable = (found: unknown): found is Table => {
  const { version: made, tilings } = (found ?? {}) as Partial<Table>;
  return typeof made === 'string' && typeof tilings === 'object' && Object.values(tilings).every((t) => typeof t === 'string');
};

/** The measured tilings of an adapter; empty if there are none. */
export async function readTunings(adapter: GPUAdapter): Promise<ReadonlyMap<string, string>> {
  const path = tuningsPath(adapter);
  if (!existsSync(path)) return new Map();
  let found: unknown;
  try {
    found = JSON.parse(new TextDecoder().decode(await readUserFile(path)));
  } catch (e) {
    if (!(e instanceof SyntaxError)) throw e;
  }
  if (!isTable(found)) fail('NN502', `${path} holds no tilings`, { help: 'remove it, and run nnc tune again' });
  return new Map(found.version === version() ? Object.entries(found.tilings) : []);
}

/** Adds tilings to those of an adapter, and returns the file's path. */
export async function addTunings(adapter: GPUAdapter, found: ReadonlyMap<string, string>): Promise<string> {
  const tilings = Object.fromEntries([...(await readTunings(adapter)), ...found]);
  const table: Table = { adapter: nameOf(adapter), version: version(), tilings };
  await writeFileSafely(tuningsPath(adapter), `${JSON.stringify(table, undefined, 2)}\n`);
  return tuningsPath(adapter);
}
