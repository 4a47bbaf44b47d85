import { userError } from '../base/diagnostics.ts';
import { open, readFile, realpath, rename, rm, stat, writeFile } from 'node:fs/promises';
import { basename, dirname, isAbsolute, join, relative, resolve } from 'node:path';
import { fail, messageOf } from '../base/errors.ts';
import { makeFolder } from '../node/folders.ts';
import type { Span } from '../base/source.ts';
import type { Code } from '../base/codes.ts';
import { claimOutput, keepRead, mustNotBeRead } from './outputs.ts';

/** Why a file could not be read or written, for messages. */
export const whyNot = (e: unknown): string => {
  const { code } = e as { code?: string };
  const known: Readonly<Record<string, string>> = {
    ENOENT: 'it does not exist',
    EISDIR: 'it is a folder',
    EACCES: 'you may not read it',
    ENOTDIR: 'a part of its path is no folder',
    EEXIST: 'a part of its path is no folder',
    ENOSPC: 'the disk is full',
    EROFS: 'the disk is read-only',
  };
  return known[code ?? ''] ?? messageOf(e);
};

/** Refuses an address on the web where a file is needed. */
export function notAnAddress(path: string, code: Code, span?: Span): void {
  if (!/^[a-z][a-z+.-]+:\/\//i.test(path)) return;
  throw userError([
    {
      code,
      severity: 'error',
      label: `${path} is an address on the web, and nnc reads files`,
      help: `download it first: curl -LO ${path}`,
      ...(span ? { span } : {}),
    },
  ]);
}

/** Node reads no larger file in one call, and no more bytes at once. */
const WHOLE = 2 ** 31 - 1;
const PIECE = 2 ** 30;

/** The size of a file; for what is none, what it is. A pipe could keep the reader waiting for ever. */
async function regular(path: string): Promise<{ readonly size: number; readonly kind: string | undefined }> {
  const found = await stat(path);
  const kind = found.isFIFO()
    ? 'pipe'
    : found.isCharacterDevice() || found.isBlockDevice()
      ? 'device'
      : found.isSocket()
        ? 'socket'
        : undefined;
  return { size: found.size, kind };
}

async function readInPieces(path: string, size: number): Promise<Uint8Array> {
  const out = new Uint8Array(size);
  const file = await open(path, 'r');
  try {
    for (let at = 0; at < size;) {
      const { bytesRead } = await file.read(out, at, Math.min(PIECE, size - at), at);
      if (bytesRead === 0) throw new Error('it became shorter while it was read');
      at += bytesRead;
    }
  } finally {
    await file.close();
  }
  return out;
}

/** Reads a file named in the call or at a place in the program; a missing file is the user's error. */
export async function readUserFile(path: string, code: Code = 'NN502', span?: Span): Promise<Uint8Array> {
  notAnAddress(path, code, span);
  try {
    const { size, kind } = await regular(path);
    if (kind !== undefined) throw new Error(`it is a ${kind}, and nnc reads files`);
    keepRead(path);
    return size > WHOLE ? await readInPieces(path, size) : await readFile(path);
  } catch (e) {
    throw userError([{ code, severity: 'error', label: `${path} cannot be read: ${whyNot(e)}`, ...(span ? { span } : {}) }]);
  }
}

/** Writes a file that the call names: every output but those that nnc itself reads again, such as checkpoints, goes through here. */
export async function writeOutput(path: string, content: string | Uint8Array): Promise<void> {
  mustNotBeRead(path);
  await writeFileSafely(path, content);
}

/** Writes to a temporary file and renames it, so that readers never see half a file and a failure keeps the old one. */
export async function writeFileSafely(path: string, content: string | Uint8Array, beforeRename?: () => Promise<void>): Promise<void> {
  // Links are followed; devices and pipes are written directly.
  const target = await realpath(path).catch(() => path);
  const there = await stat(target).catch(() => undefined);
  const special = there !== undefined && !there.isFile() && !there.isDirectory();
  const part = join(dirname(target), `.${basename(target)}.${process.pid}.part`);
  try {
    if (special) return await writeFile(target, content);
    await makeFolder(dirname(target));
    await writeDurably(part, content, there?.mode);
    await beforeRename?.();
    await rename(part, target);
    await syncFolder(dirname(target));
  } catch (e) {
    // Removing the partial file may fail for the same reason; report the first one.
    await rm(part, { force: true }).catch(() => undefined);
    fail('NN403', `${path} cannot be written: ${whyNot(e)}`);
  }
}

/** Writes a file and waits until it is on the disk; `mode` is that of the file whose place it takes. */
async function writeDurably(path: string, content: string | Uint8Array, mode: number | undefined): Promise<void> {
  const file = await open(path, 'w', mode === undefined ? 0o666 : mode & 0o777);
  try {
    await file.writeFile(content);
    if (mode !== undefined) await file.chmod(mode & 0o777);
    await file.sync();
  } finally {
    await file.close();
  }
}

/** Waits until a folder's names are on the disk, where the system can do that. */
async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r').catch(() => undefined);
  // Windows opens no folders, and some file systems sync none.
  await folder?.sync().catch(() => undefined);
  await folder?.close();
}

/** Finds out before the work whether the result can be saved, and takes the place of nothing; leaves nothing behind but the folder. */
export async function mustBeWritable(path: string | undefined): Promise<void> {
  if (path === undefined) return;
  claimOutput(path);
  const there = await stat(path).catch(() => undefined);
  if (there?.isDirectory()) fail('NN403', `${path} is a folder`, { help: 'give the name of a file' });
  // Devices and pipes are written directly.
  if (there && !there.isFile()) return;
  const probe = join(dirname(path), `.${basename(path)}.${process.pid}.probe`);
  await writeFileSafely(probe, '').catch(() => fail('NN403', `${path} cannot be written`, { help: 'choose another place' }));
  await rm(probe, { force: true });
}

/** A path as the user would type it in the current folder. */
export function shown(path: string): string {
  const short = relative(process.cwd(), path);
  return short.startsWith('..') && isAbsolute(path) ? path : short || '.';
}

/** Resolves a path in a program relative to the program's folder. */
export function beside(program: string, path: string): string {
  return isAbsolute(path) ? path : shown(resolve(dirname(program), path));
}
