import { mkdir, stat } from 'node:fs/promises';
import { dirname } from 'node:path';

/**
 * Makes a folder and its parents. Node's recursive mkdir is not used, because it never ends if part of the path can neither be found nor
 * made, as under /proc.
 */
export async function makeFolder(path: string, mode = 0o777): Promise<void> {
  if ((await stat(path).catch(() => undefined))?.isDirectory()) return;
  if (dirname(path) !== path) await makeFolder(dirname(path), mode);
  await mkdir(path, { mode }).catch((e: unknown) => {
    // Another process may have created it meanwhile.
    if ((e as { code?: string }).code !== 'EEXIST') throw e;
  });
}
