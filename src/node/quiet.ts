import { closeSync, fstatSync, openSync } from 'node:fs';

const STDERR = 2;

/**
 * Runs `body` without its direct output to the terminal: while Dawn looks for adapters, it prints driver warnings with fprintf and offers
 * neither a callback nor a toggle. All of it is printed before `body` returns, so until then stderr goes nowhere. Node cannot duplicate a
 * descriptor, so the stream is opened again afterwards, which for a terminal or a pipe gives the same stream. A file would lose its
 * position, a socket cannot be opened, and not every system has /proc: there the warnings appear.
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

/** Another descriptor for stderr, if opening it by name is equivalent. */
function secondWay(): number | undefined {
  if (process.platform !== 'linux') return undefined;
  try {
    const stat = fstatSync(STDERR);
    return stat.isFIFO() || stat.isCharacterDevice() ? openSync(`/proc/self/fd/${STDERR}`, 'w') : undefined;
  } catch {
    return undefined;
  }
}

/** Opening takes the lowest free descriptor, which is this one since nothing else runs meanwhile. */
function redirect(path: string): void {
  closeSync(STDERR);
  openSync(path, 'w');
}
