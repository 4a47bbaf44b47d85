import { chmod, lstat } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { makeFolder } from './folders.ts';

/** Where cached results are, if the folder can be used. */
export function cachePath(): string {
  return process.env['NNC_CACHE'] ?? join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'nnc');
}

/**
 * A folder inside the cache, made if it is missing; undefined if it cannot be used: everything works without a cache, only slower. What
 * is loaded from there runs, so nobody else may write to it: a folder of another user is not used, and one of this user is closed to
 * others.
 */
export async function cacheFolder(name: string): Promise<string | undefined> {
  try {
    for (const folder of [cachePath(), join(cachePath(), name)]) {
      await makeFolder(folder, 0o700);
      if (!(await isOwn(folder))) return undefined;
    }
    return join(cachePath(), name);
  } catch (e) {
    if (typeof (e as { code?: unknown }).code === 'string') return undefined;
    throw e;
  }
}

/** Bits of a mode by which group and others may write. */
const OTHERS_WRITE = 0o022;

async function isOwn(folder: string): Promise<boolean> {
  const { uid, mode } = await lstat(folder);
  // Windows has no such users; its profile folders are private.
  const user = process.getuid?.();
  if (user === undefined) return true;
  if (uid !== user) return false;
  if (mode & OTHERS_WRITE) await chmod(folder, mode & 0o777 & ~OTHERS_WRITE);
  return true;
}
