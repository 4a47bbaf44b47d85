import type { Code } from './codes.ts';
import type { Diagnostic } from './diagnostics.ts';

/** Something is wrong with the user's program, data, files or call; carries all diagnostics. */
export class UserError extends Error {
  readonly diagnostics: readonly Diagnostic[];

  /** For diagnostics about a source text, use `userError`, whose message shows the places. */
  constructor(diagnostics: readonly Diagnostic[], message = diagnostics.map(brief).join('\n')) {
    super(message);
    this.name = 'UserError';
    this.diagnostics = diagnostics;
  }
}

/** A diagnostic without its place. */
const brief = ({ code, label, help }: Diagnostic): string => `${code}: ${label}${help === undefined ? '' : `\n  help: ${help}`}`;

/** Throws one diagnostic that has no place in a source text. */
export function fail(code: Code, label: string, more: Pick<Diagnostic, 'notes' | 'help'> = {}): never {
  throw new UserError([{ code, severity: 'error', label, ...more }]);
}

/** A broken invariant inside nnc. Never the user's fault; the text asks for a report. */
export class CompilerBug extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'CompilerBug';
  }
}

export function invariant(condition: unknown, message: string): asserts condition {
  if (!condition) throw new CompilerBug(message);
}

/** Array access that must succeed. */
export function at<T>(items: readonly T[], index: number, what = 'item'): T {
  const item = items[index];
  if (item === undefined) throw new CompilerBug(`no ${what} at ${index} of ${items.length}`);
  return item;
}

/** Lookup that must succeed. */
export function get<K, V>(map: ReadonlyMap<K, V>, key: K, what = 'entry'): V {
  const value = map.get(key);
  if (value === undefined) throw new CompilerBug(`no ${what} '${String(key)}'`);
  return value;
}

/** The message of anything that was thrown. */
export const messageOf = (e: unknown): string => (e instanceof Error ? e.message : String(e));

/** A model of sequences that cannot be computed one position at a time, and why. */
export class NotCausal extends Error {}
