import { closeSync, fstatSync, openSync } from 'node:fs';

const STDERR = 2;

/**
 * Runs what would speak to the terminal past everybody: while Dawn looks for adapters it prints warnings about their drivers with
 * fprintf, for which it has neither a callback nor a toggle. They are printed before `body` returns, so that long the error stream leads
 * nowhere. Node cannot duplicate a descriptor; the stream is opened anew afterwards, which for a terminal or a pipe is the same stream.
 * A file would lose its place, a socket cannot be opened, and not every system has /proc: there the words are heard.
 */
export function withoutNativeWords<T>(body: () => T): T {
  const kept = process.env['NNC_DEBUG'] ? undefined : secondWay();
  if (kept === undefined) return body();
  redirect('/dev/null');
  try {
    return body();
  } finally {
    redirect(`/proc/self/fd/${kept}`);
    closeSync(kept);
  }
}

/** Another descriptor of the error stream, where one that is opened by its name is as good. */
function secondWay(): number | undefined {
  if (process.platform !== 'linux') return undefined;
  try {
    const stat = fstatSync(STDERR);
    return stat.isFIFO() || stat.isCharacterDevice() ? openSync(`/proc/self/fd/${STDERR}`, 'w') : undefined;
  } catch {
    return undefined;
  }
}

/** What is opened takes the lowest number that is free, and nothing else runs here meanwhile. */
function redirect(path: string): void {
  closeSync(STDERR);
  openSync(path, 'w');
}
