// Writes grammar/nn.ebnf and grammar/railroad.html from the parser itself.
import { mkdirSync, writeFileSync } from 'node:fs';
import * as path from 'node:path';
import { pathToFileURL } from 'node:url';
import * as rr from '@prantlf/railroad-diagrams';
import { tokenLabel, tokenName, type ISerializedGast, type TokenType } from 'chevrotain';
import { NnParser } from '../src/parser/grammar.ts';
import { ALL_TOKENS } from '../src/parser/tokens.ts';

/** A rule's body as data: what the parser library records of it. */
interface Gast {
  readonly type: string;
  readonly name?: string;
  readonly nonTerminalName?: string;
  readonly terminalLabel?: string;
  readonly separator?: Gast;
  readonly definition?: readonly Gast[];
}

/** From the program down: statements first, then expressions. */
function rules(): readonly Gast[] {
  const all = new NnParser().getSerializedGastProductions() as unknown as (Gast & ISerializedGast)[];
  const first = all.findIndex((r) => r.name === 'program');
  return [...all.slice(first), ...all.slice(0, first)];
}
const byName = new Map<string, TokenType>(ALL_TOKENS.map((t) => [tokenName(t), t]));

/** `'->'` for signs and words, the token's name for classes such as Identifier. */
function terminal(name: string): string {
  if (name === 'EOF') return 'EOF';
  const token = byName.get(name);
  const label = token ? tokenLabel(token) : name;
  return label.startsWith("'") ? label : name;
}

function ebnf(g: Gast): string {
  const sequence = (parts: readonly Gast[] = []): string =>
    parts.map((p) => (p.type === 'Alternation' && parts.length > 1 ? `( ${ebnf(p)} )` : ebnf(p))).join(' ');
  const wrap = (parts: readonly Gast[] = []): string =>
    parts.length === 1 && parts[0]?.type !== 'Alternation' ? sequence(parts) : `(${sequence(parts)})`;
  switch (g.type) {
    case 'NonTerminal':
      return g.name ?? '';
    case 'Terminal':
      return terminal(g.name ?? '');
    case 'Alternation':
      return (g.definition ?? []).map(ebnf).join(' | ');
    case 'Option':
      return `[ ${sequence(g.definition)} ]`;
    case 'Repetition':
      return `{ ${sequence(g.definition)} }`;
    case 'RepetitionMandatory':
      return `${wrap(g.definition)} { ${sequence(g.definition)} }`;
    case 'RepetitionWithSeparator':
      return `[ ${sequence(g.definition)} { ${g.separator ? ebnf(g.separator) : ''} ${sequence(g.definition)} } ]`;
    case 'RepetitionMandatoryWithSeparator':
      return `${sequence(g.definition)} { ${g.separator ? ebnf(g.separator) : ''} ${sequence(g.definition)} }`;
    default:
      return sequence(g.definition);
  }
}

function lexicalRules(): string[] {
  return ALL_TOKENS.filter((t) => !tokenLabel(t).startsWith("'")).map(
    (t) => `${tokenName(t)} = ${t.PATTERN instanceof RegExp ? `/${t.PATTERN.source}/` : '?'} ;`,
  );
}

/** The whole grammar as EBNF (ISO 14977 with regular expressions for tokens). */
export function grammarText(): string {
  const lines = rules().map((r) => {
    const parts = r.definition ?? [];
    const only = parts.length === 1 ? parts[0] : undefined;
    const body =
      only?.type === 'Alternation' ? (only.definition ?? []).map(ebnf).join('\n  | ') : ebnf({ type: 'Flat', definition: parts });
    return `${r.name ?? ''} =\n    ${body}\n  ;`;
  });
  const head =
    '(* Written from the parser by `npm run grammar`; a test checks that it is fresh. A line end finishes a statement, but not\n   inside brackets, after an operator, or before a line that starts with ->. *)';
  return `${head}\n\n${lines.join('\n\n')}\n\n(* tokens *)\n${lexicalRules().join('\n')}\n`;
}

function diagram(g: Gast): rr.Node {
  const many = (parts: readonly Gast[] = []): rr.Node => new rr.Sequence(...parts.map(diagram));
  const separator = (): rr.Node => (g.separator ? diagram(g.separator) : new rr.Skip());
  switch (g.type) {
    case 'NonTerminal':
      return new rr.NonTerminal(g.name ?? '', { href: `#${g.name ?? ''}` });
    case 'Terminal':
      return new rr.Terminal(terminal(g.name ?? '').replace(/^'|'$/g, ''));
    case 'Alternation':
      return new rr.Choice(0, ...(g.definition ?? []).map(diagram));
    case 'Option':
      return new rr.Optional(many(g.definition));
    case 'Repetition':
      return new rr.ZeroOrMore(many(g.definition));
    case 'RepetitionMandatory':
      return new rr.OneOrMore(many(g.definition));
    case 'RepetitionWithSeparator':
      return new rr.ZeroOrMore(many(g.definition), separator());
    case 'RepetitionMandatoryWithSeparator':
      return new rr.OneOrMore(many(g.definition), separator());
    default:
      return many(g.definition);
  }
}

const STYLE = `body { font-family: system-ui, sans-serif; max-width: 70rem; margin: 2rem auto; padding: 0 1rem; }
svg path { stroke-width: 2; stroke: currentcolor; fill: none; }
svg text { font: 14px ui-monospace, monospace; text-anchor: middle; fill: currentcolor; }
svg rect { stroke-width: 2; stroke: currentcolor; fill: none; }
svg g.terminal rect { fill: #2a7de122; }`;

/** The grammar as a page of railroad diagrams. */
export function railroadPage(): string {
  const parts = rules().map(
    (r) =>
      `<h2 id="${r.name ?? ''}">${r.name ?? ''}</h2>\n${new rr.Diagram(diagram({ type: 'Flat', definition: r.definition ?? [] })).toString().trim()}`,
  );
  return `<!doctype html>\n<html lang="en">\n<meta charset="utf-8">\n<title>The grammar of .nn</title>\n<style>\n${STYLE}\n</style>\n<h1>The grammar of .nn</h1>\n${parts.join('\n')}\n</html>\n`;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const folder = path.join(import.meta.dirname, '..', 'grammar');
  mkdirSync(folder, { recursive: true });
  writeFileSync(path.join(folder, 'nn.ebnf'), grammarText());
  writeFileSync(path.join(folder, 'railroad.html'), railroadPage());
}
