import { isRecord, mustBe } from './calls.ts';
import { CODES, type Code } from './codes.ts';
import { UserError } from './errors.ts';
import { lineColumn, type Span } from './source.ts';

/** A message about the user's program, data, files or call. */
export interface Diagnostic {
  readonly code: Code;
  readonly severity: 'error' | 'warning';
  /** Where it is; missing if it is not about a source text (such as a missing file). */
  readonly span?: Span;
  /** What is wrong at the caret, in one sentence. */
  readonly label: string;
  /** How it came about. */
  readonly notes?: readonly string[];
  /** What to do about it. */
  readonly help?: string;
}

/** What a diagnostic says, and about which place. */
const keyOf = ({ code, severity, label, span }: Diagnostic): string =>
  [code, severity, label, ...(span ? [span.source.name, span.start, span.end] : [])].join('\n');

/** Collects diagnostics, so that one run can report several. */
export class DiagnosticSink {
  readonly all: Diagnostic[] = [];
  private readonly places = new Set<string>();

  /** Whether this was said of the place already. */
  said(code: Code, { source, start }: Span): boolean {
    return this.places.has(`${code} ${source.name}:${start}`);
  }

  error(code: Code, span: Span | undefined, label: string, more: Omit<Diagnostic, 'code' | 'severity' | 'span' | 'label'> = {}): void {
    if (span) this.places.add(`${code} ${span.source.name}:${span.start}`);
    this.all.push({ code, severity: 'error', label, ...(span ? { span } : {}), ...more });
  }

  warn(code: Code, span: Span | undefined, label: string, help?: string): void {
    if (span) this.places.add(`${code} ${span.source.name}:${span.start}`);
    this.all.push({ code, severity: 'warning', label, ...(span ? { span } : {}), ...(help ? { help } : {}) });
  }

  /** Adds the diagnostics of another sink, without duplicates. */
  add(others: readonly Diagnostic[]): void {
    const known = new Set(this.all.map(keyOf));
    for (const d of others) {
      if (known.has(keyOf(d))) continue;
      known.add(keyOf(d));
      this.all.push(d);
    }
  }

  get errors(): readonly Diagnostic[] {
    return this.all.filter((d) => d.severity === 'error');
  }
}

/** Renders one diagnostic as the text a user reads, without a trailing newline. */
export function render(d: Diagnostic): string {
  mustBe(isRecord(d) && typeof d.label === 'string', 'render takes one of the diagnostics of a program', d);
  const lines = [`${d.severity}[${d.code}]: ${CODES[d.code]}`];
  let gutter = ' ';
  if (d.span) {
    const { source, start, end } = d.span;
    const { line, column } = lineColumn(source, start);
    const text = (source.text.split('\n')[line - 1] ?? '').replace(/\r$/, '');
    const { shown, before } = windowOf(text, column - 1);
    const width = Math.max(1, Math.min(end - start, shown.length - before));
    // Tabs are kept in the caret line, so that the caret is aligned in any editor.
    const indent = shown.slice(0, before).replace(/[^\t]/g, ' ');
    gutter = ' '.repeat(String(line).length);
    lines.push(`${gutter}--> ${source.name}:${line}:${column}`, `${gutter} |`, `${line} | ${shown}`);
    lines.push(`${gutter} | ${indent}${'^'.repeat(width)} ${short(d.label)}`);
    if (d.notes?.length || d.help) lines.push(`${gutter} |`);
  } else lines.push(`${gutter} = ${short(d.label)}`);
  for (const note of d.notes ?? []) lines.push(`${gutter} = ${short(note)}`);
  if (d.help) lines.push(`${gutter} = help: ${short(d.help)}`);
  return lines.join('\n');
}

/** Characters of a source line, and of a sentence, that are shown. */
const LINE = 200;
const SENTENCE = 1000;

/** A long line is shown around the place in it. */
function windowOf(text: string, column: number): { readonly shown: string; readonly before: number } {
  if (text.length <= LINE) return { shown: text, before: column };
  const from = Math.max(0, Math.min(column - LINE / 2, text.length - LINE));
  const [left, right] = [from > 0 ? '…' : '', from + LINE < text.length ? '…' : ''];
  return { shown: `${left}${text.slice(from, from + LINE)}${right}`, before: column - from + left.length };
}

/** A sentence may hold a name or a text of any length. */
const short = (text: string): string =>
  text.length <= SENTENCE ? text : `${text.slice(0, SENTENCE / 2)}…${text.slice(text.length - SENTENCE / 2)}`;

/** An error about a source text; its message shows the places. */
export const userError = (diagnostics: readonly Diagnostic[]): UserError => new UserError(diagnostics, renderAll(diagnostics));

/** Nobody reads more at once, and most of the rest follows from the first. */
const MOST_SHOWN = 20;

/** Renders diagnostics in source order, separated by empty lines; errors go before warnings where there are too many. */
export function renderAll(diagnostics: readonly Diagnostic[]): string {
  mustBe(Array.isArray(diagnostics), 'renderAll takes the diagnostics of a program', diagnostics);
  const order = (d: Diagnostic): number => d.span?.start ?? -1;
  const inOrder = (all: readonly Diagnostic[]): Diagnostic[] => [...all].sort((a, b) => order(a) - order(b));
  const sorted = inOrder(diagnostics);
  const weight = (d: Diagnostic): number => (d.severity === 'error' ? 0 : 1);
  const shown = inOrder([...sorted].sort((a, b) => weight(a) - weight(b)).slice(0, MOST_SHOWN)).map(render);
  const more = sorted.length - shown.length;
  return [...shown, ...(more > 0 ? [`and ${more} more like these`] : [])].join('\n\n');
}
