import { fail } from '../../base/errors.ts';
import { formatText } from '../../library/format-text.ts';
import { programText } from '../../data/utf8.ts';
import { readUserFile, writeFileSafely } from '../files.ts';
import { print } from '../terminal.ts';

export interface FmtFlags {
  readonly check?: boolean;
}

/** Formats programs in place. With --check it only lists those that need it, and fails if there are any. */
export async function fmt(paths: readonly string[], flags: FmtFlags): Promise<void> {
  const changed: string[] = [];
  for (const path of paths) {
    const bytes = await readUserFile(path);
    programText(path, bytes);
    // With the mark at its beginning, which the file keeps.
    const before = new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes);
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

/** The line end that most lines of a text have. */
function endOf(text: string): string {
  const all = text.match(/\r\n|\r|\n/g) ?? [];
  const count = (end: string): number => all.filter((e) => e === end).length;
  return ['\n', '\r\n', '\r'].reduce((a, b) => (count(b) > count(a) ? b : a));
}
