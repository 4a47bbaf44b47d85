import { fail } from '../../base/errors.ts';
import { formatText } from '../../library/format-text.ts';
import { readUserFile, writeFileSafely } from '../files.ts';
import { print } from '../terminal.ts';

export interface FmtFlags {
  readonly check?: boolean;
}

/** Formats programs in place. With --check it only lists those that need it, and fails if there are any. */
export async function fmt(paths: readonly string[], flags: FmtFlags): Promise<void> {
  const changed: string[] = [];
  for (const path of paths) {
    const before = decoded(path, await readUserFile(path));
    // A program with errors is not changed. Line ends stay as they are.
    const text = formatText(before.replace(/\r\n?/g, '\n'), path).replaceAll('\n', endOf(before));
    if (text === before) continue;
    changed.push(path);
    if (!flags.check) await writeFileSafely(path, text);
  }
  if (flags.check && changed.length > 0)
    fail('NN704', `not formatted: ${changed.join(', ')}`, { help: `run nnc fmt ${changed.join(' ')}` });
  print(flags.check ? `${paths.length} formatted` : `${changed.length} of ${paths.length} changed`);
}

/** The text of a program; bytes that are no UTF-8 would be lost. */
function decoded(path: string, bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return fail('NN502', `${path} is no text in UTF-8`, { help: 'save it as UTF-8 in your editor' });
  }
}

/** The line end that most lines of a text have. */
function endOf(text: string): string {
  const all = text.match(/\r\n|\r|\n/g) ?? [];
  const count = (end: string): number => all.filter((e) => e === end).length;
  return ['\n', '\r\n', '\r'].reduce((a, b) => (count(b) > count(a) ? b : a));
}
