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
    const before = new TextDecoder().decode(await readUserFile(path));
    // A program with errors is not changed.
    const text = formatText(before, path);
    if (text === before) continue;
    changed.push(path);
    if (!flags.check) await writeFileSafely(path, text);
  }
  if (flags.check && changed.length > 0)
    fail('NN503', `not formatted: ${changed.join(', ')}`, { help: `run nnc fmt ${changed.join(' ')}` });
  print(flags.check ? `${paths.length} formatted` : `${changed.length} of ${paths.length} changed`);
}
