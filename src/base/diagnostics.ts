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

/** Whether two diagnostics say the same about the same place. */
function same(a: Diagnostic, b: Diagnostic): boolean {
  const place = (d: Diagnostic): string => (d.span ? `${d.span.source.name}:${d.span.start}-${d.span.end}` : '');
  return a.code === b.code && a.severity === b.severity && a.label === b.label && place(a) === place(b);
}

/** Collects diagnostics, so that one run can report several. */
export class DiagnosticSink {
  readonly all: Diagnostic[] = [];

  error(code: Code, span: Span | undefined, label: string, more: Omit<Diagnostic, 'code' | 'severity' | 'span' | 'label'> = {}): void {
    this.all.push({ code, severity: 'error', label, ...(span ? { span } : {}), ...more });
  }

  warn(code: Code, span: Span | undefined, label: string, help?: string): void {
    this.all.push({ code, severity: 'warning', label, ...(span ? { span } : {}), ...(help ? { help } : {}) });
  }

  /** Adds the diagnostics of another sink, without duplicates. */
  add(others: readonly Diagnostic[]): void {
    for (const d of others) if (!this.all.some((known) => same(known, d))) this.all.push(d);
  }

  get errors(): readonly Diagnostic[] {
    return this.all.filter((d) => d.severity === 'error');
  }
}

/** Renders one diagnostic as the text a user reads, without a trailing newline. */
export function render(d: Diagnostic): string {
  const lines = [`${d.severity}[${d.code}]: ${CODES[d.code]}`];
  let gutter = ' ';
  if (d.span) {
    const { source, start, end } = d.span;
    const { line, column } = lineColumn(source, start);
    const text = (source.text.split('\n')[line - 1] ?? '').replace(/\r$/, '');
    const width = Math.max(1, Math.min(end - start, text.length - (column - 1)));
    // Tabs are kept in the caret line, so that the caret is aligned in any editor.
    const indent = text.slice(0, column - 1).replace(/[^\t]/g, ' ');
    gutter = ' '.repeat(String(line).length);
    lines.push(`${gutter}--> ${source.name}:${line}:${column}`, `${gutter} |`, `${line} | ${text}`);
    lines.push(`${gutter} | ${indent}${'^'.repeat(width)} ${d.label}`);
    if (d.notes?.length || d.help) lines.push(`${gutter} |`);
  } else lines.push(`${gutter} = ${d.label}`);
  for (const note of d.notes ?? []) lines.push(`${gutter} = ${note}`);
  if (d.help) lines.push(`${gutter} = help: ${d.help}`);
  return lines.join('\n');
}

/** An error about a source text; its message shows the places. */
export const userError = (diagnostics: readonly Diagnostic[]): UserError => new UserError(diagnostics, renderAll(diagnostics));

/** Renders diagnostics in source order, separated by empty lines. */
export function renderAll(diagnostics: readonly Diagnostic[]): string {
  const order = (d: Diagnostic): number => d.span?.start ?? -1;
  return [...diagnostics]
    .sort((a, b) => order(a) - order(b))
    .map(render)
    .join('\n\n');
}
