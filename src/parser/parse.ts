import { EOF, type IRecognitionException, type IToken } from 'chevrotain';
import type { Code } from '../base/codes.ts';
import type { DiagnosticSink } from '../base/diagnostics.ts';
import { lineColumn, type Source, type Span } from '../base/source.ts';
import { closest } from '../base/suggest.ts';
import type { Program } from './ast.ts';
import { unknownCharacter } from './characters.ts';
import { NnParser } from './grammar.ts';
import { layout } from './layout.ts';
import { tooDeep } from './nesting.ts';
import { meant, type Line } from './mistakes.ts';
import * as T from './tokens.ts';

const parser = new NnParser();

/** A comment with its place, for tools that print programs. */
export interface Comment {
  readonly text: string;
  readonly span: Span;
}

export interface Parsed {
  readonly program: Program;
  readonly comments: readonly Comment[];
}

/** Parses a text. Errors go to the sink; the tree then holds what could be understood. */
export function parse(source: Source, sink: DiagnosticSink): Parsed {
  const lexed = T.nnLexer.tokenize(source.text);
  // Report only the first error of a line; the others are mostly consequences.
  const seen = new Set<number>();
  for (const e of lexed.errors) {
    if (seen.has(e.line ?? 0)) continue;
    seen.add(e.line ?? 0);
    const span = { source, start: e.offset, end: e.offset + e.length };
    const text = source.text.slice(e.offset, e.offset + e.length);
    if (text.startsWith('"'))
      sink.error('NN102', span, 'the string that starts here does not end on its line', { help: 'close it with "' });
    else {
      const said = unknownCharacter(text);
      const help = meant('NN101', lineAt(source, span.start)) ?? said.help;
      sink.error('NN101', span, said.label, help ? { help } : {});
    }
  }
  const tokens = layout(lexed.tokens);
  const deep = tooDeep(tokens);
  if (deep) sink.error('NN216', spanOf(source, deep.token), deep.what, { help: 'give names to parts of it with let' });
  parser.open(source, deep ? [] : tokens);
  const program = parser.program();
  for (const e of parser.errors) {
    const diagnostic = explain(source, e);
    const line = lineColumn(source, diagnostic.span.start).line;
    if (!seen.has(line)) sink.error(diagnostic.code, diagnostic.span, diagnostic.label, diagnostic.help ? { help: diagnostic.help } : {});
    seen.add(line);
  }
  const comments = (lexed.groups['comments'] ?? []).map((t) => ({ text: t.image, span: spanOf(source, t) }));
  return { program, comments };
}

/** Characters of a line on each side of an error that are looked at. */
const AROUND = 160;

/** The line around a place, in two parts. */
function lineAt({ text }: Source, offset: number): Line {
  const before = text.slice(Math.max(0, offset - AROUND), offset);
  const rest = text.slice(offset, offset + AROUND);
  return { before: before.slice(before.lastIndexOf('\n') + 1), rest: /^.*/.exec(rest)?.[0] ?? '' };
}

function spanOf(source: Source, token: IToken): Span {
  return { source, start: token.startOffset, end: token.startOffset + token.image.length };
}

interface Explained {
  readonly code: Code;
  readonly span: Span;
  readonly label: string;
  readonly help?: string;
}

/** Where the brace is that a missing one would close. */
function unclosed({ text }: Source, e: IRecognitionException): string | undefined {
  if (!e.message.startsWith("expected '}'")) return undefined;
  // Comments and strings may hold braces that count for nothing.
  const open = text
    .slice(0, e.token.tokenType === EOF ? text.length : e.token.startOffset)
    .replace(/#[^\n]*|"[^"\n]*"/g, (m) => ' '.repeat(m.length))
    .lastIndexOf('{');
  return open < 0 ? undefined : `the { of line ${text.slice(0, open).split('\n').length} is not closed`;
}

function explain(source: Source, e: IRecognitionException): Explained {
  const { token } = e;
  const previous = (e as { previousToken?: IToken }).previousToken;
  // At a line end the caret points after the last token, where the missing piece belongs.
  const atEnd = token.tokenType === EOF || token.tokenType === T.Newline;
  const end = source.text.trimEnd().length;
  const behind = previous && !Number.isNaN(previous.startOffset) ? previous.startOffset + previous.image.length : end;
  const span = atEnd ? { source, start: Math.min(behind, end), end: Math.min(behind, end) + 1 } : spanOf(source, token);
  const atStatement = e.context.ruleStack.length <= 1 || e.name === 'NotAllInputParsedException';
  if (atStatement) {
    const known = Object.keys(T.KEYWORDS);
    const match = closest(token.image, known);
    const other = match ? `did you mean '${match}'?` : `statements start with ${known.join(', ')}`;
    const help = meant('NN104', lineAt(source, span.start)) ?? other;
    return { code: 'NN104', span, label: `expected a statement, found '${token.image}'`, help };
  }
  const bracket = e.message.startsWith("expected ')'") || e.message.startsWith("expected ']'");
  const code = bracket ? 'NN105' : 'NN103';
  const help = meant(code, lineAt(source, span.start)) ?? unclosed(source, e);
  return { code, span, label: e.message, ...(help && { help }) };
}
