import type { IToken, TokenType } from 'chevrotain';
import type { Source } from '../base/source.ts';
import * as T from './tokens.ts';

/**
 * Formats a program: one space around operators, none inside brackets, two before a trailing comment; the lines of chains and bodies are
 * indented. Line breaks stay where the author put them, and runs of empty lines become one. Formatting is idempotent.
 */
export function format(source: Source): string {
  const { tokens, groups } = T.nnLexer.tokenize(source.text);
  const all = [...tokens.filter((t) => t.tokenType !== T.Newline), ...(groups['comments'] ?? [])].sort(
    (a, b) => a.startOffset - b.startOffset,
  );
  const lines = new Map<number, IToken[]>();
  for (const t of all) lines.set(t.startLine ?? 1, [...(lines.get(t.startLine ?? 1) ?? []), t]);
  const last = Math.max(0, ...lines.keys());
  const out: string[] = [];
  const open: TokenType[] = [];
  let goesOn = false;
  for (let n = 1; n <= last; n++) {
    const line = lines.get(n);
    if (!line) {
      if (out.length > 0 && out.at(-1) !== '') out.push('');
      continue;
    }
    const [first] = line;
    const code = line.filter((t) => t.tokenType !== T.Comment);
    const comment = line.find((t) => t.tokenType === T.Comment);
    // A closing bracket at the start of a line is indented like the line of its opening bracket.
    let leading = 0;
    while (CLOSERS.has(code[leading]?.tokenType ?? T.Comma)) leading++;
    const depth = Math.max(0, open.length - leading);
    const continued = code.length > 0 && leading === 0 && (goesOn || first?.tokenType === T.Arrow);
    const indent = ' '.repeat(2 * depth + (continued && !open.some((t) => t !== T.LBrace) ? 3 : 0));
    for (const t of code) {
      if (OPENERS.has(t.tokenType)) open.push(t.tokenType);
      else if (CLOSERS.has(t.tokenType)) open.pop();
    }
    const text = joined(code);
    const remark = comment?.image.trimEnd() ?? '';
    out.push((indent + text + (text && remark ? '  ' : '') + remark).trimEnd());
    const end = code.at(-1)?.tokenType;
    if (end !== undefined) goesOn = GOES_ON.has(end);
  }
  while (out.at(-1) === '') out.pop();
  return out.length ? `${out.join('\n')}\n` : '';
}

const OPENERS = new Set<TokenType>([T.LParen, T.LSquare, T.LBrace]);
const CLOSERS = new Set<TokenType>([T.RParen, T.RSquare, T.RBrace]);
const BINARY = new Set<TokenType>([T.Plus, T.Minus, T.EqualTo, T.NotEqual, T.Less, T.LessEqual, T.Greater, T.GreaterEqual, T.Arrow, T.At]);
/** No spaces around these, as in `2*x`, unless the author put some; never around a power. */
const CLOSE = new Set<TokenType>([T.Star, T.Slash, T.Percent, T.Caret]);
/** A line that ends in one of these continues. */
const GOES_ON = new Set<TokenType>([...BINARY, ...CLOSE, T.Equals, T.Colon]);
const WORDS = new Set<TokenType>(Object.values(T.KEYWORDS));

/** Statement words padded to the length of `layer`, so that what follows is aligned. */
const PADDED: Readonly<Record<string, string>> = { data: 'data ', loss: 'loss ' };

function joined(code: readonly IToken[]): string {
  let text = '';
  const inside: TokenType[] = [];
  let settings = false;
  code.forEach((t, i) => {
    const previous = code[i - 1];
    const before = code[i - 2];
    const startsStatement = previous === undefined || previous.tokenType === T.Semicolon || previous.tokenType === T.LBrace;
    if (startsStatement && inside.at(-1) === T.LBrace) settings = false;
    else if (startsStatement && inside.length === 0) settings = !['let', 'fn', 'param'].includes(t.image);
    text += separator(t, previous, before, inside.length > 0 && inside.at(-1) !== T.LBrace, settings) + t.image;
    const opensData = code[i + 1]?.tokenType === T.StringLiteral || isName(code[i + 1]?.tokenType);
    if (previous === undefined && WORDS.has(t.tokenType) && opensData && Object.hasOwn(PADDED, t.image))
      text += (PADDED[t.image] ?? '').slice(t.image.length);
    if (OPENERS.has(t.tokenType)) inside.push(t.tokenType);
    else if (CLOSERS.has(t.tokenType)) inside.pop();
  });
  return text;
}

function isName(t: TokenType | undefined): boolean {
  return t !== undefined && (t === T.Identifier || t === T.Repeat || t.CATEGORIES?.includes(T.Identifier) === true);
}

/** Whether a sign is a prefix and not a binary operator. */
function isPrefix(previous: IToken | undefined): boolean {
  if (!previous) return true;
  const type = previous.tokenType;
  return (
    BINARY.has(type) || CLOSE.has(type) || OPENERS.has(type) || type === T.Comma || type === T.Equals || type === T.Colon || WORDS.has(type)
  );
}

/** Whether a member may follow: after a name, a closing bracket, or a numeric part of a name. */
function endsOperand(previous: IToken): boolean {
  const { tokenType, image } = previous;
  if (tokenType === T.NumberLiteral) return image.startsWith('.');
  return (isName(tokenType) && !WORDS.has(tokenType)) || tokenType === T.RParen || tokenType === T.RSquare;
}

function separator(t: IToken, previous: IToken | undefined, before: IToken | undefined, bracketed: boolean, settings: boolean): string {
  if (!previous) return '';
  const [type, last] = [t.tokenType, previous.tokenType];
  if (type === T.Comma || type === T.Semicolon || type === T.Colon || type === T.Dot || last === T.Dot) return '';
  // `.1` after a name or a bracket is a part of a weight's name, as in `blocks.0.1.weight`.
  if (type === T.NumberLiteral && t.image.startsWith('.') && endsOperand(previous)) return '';
  if (type === T.RParen || type === T.RSquare) return '';
  if (last === T.LParen || last === T.LSquare) return '';
  if (last === T.LBrace || type === T.RBrace || type === T.LBrace) return ' ';
  if (type === T.LParen)
    return isName(last) && last !== T.Repeat && !WORDS.has(last)
      ? ''
      : CLOSE.has(last) && !(before && roomy(previous, before))
        ? ''
        : last === T.Equals && bracketed
          ? ''
          : afterSign(previous, before, settings, bracketed);
  if (type === T.LSquare && (isName(last) || last === T.RParen || last === T.RSquare) && !WORDS.has(last)) return '';
  if (CLOSE.has(type)) return roomy(t, previous) ? ' ' : '';
  if (CLOSE.has(last)) return before && roomy(previous, before) ? ' ' : '';
  // `1:3` in an index, `name: stage` elsewhere.
  if (last === T.Colon) return bracketed && !isName(before?.tokenType) ? '' : ' ';
  // No spaces around `=` in settings and named arguments, but in definitions.
  if (type === T.Equals || last === T.Equals) return bracketed || settings ? '' : ' ';
  return afterSign(previous, before, settings, bracketed);
}

/** Whether the author put a space before an operator; the one after it is made to match. */
function roomy(operator: IToken, previous: IToken): boolean {
  return operator.tokenType !== T.Caret && operator.startOffset > previous.startOffset + previous.image.length;
}

/** No space between a prefix sign and its operand. */
function afterSign(previous: IToken, before: IToken | undefined, settings: boolean, bracketed: boolean): string {
  if (previous.tokenType === T.Equals) return bracketed || settings ? '' : ' ';
  return (previous.tokenType === T.Minus || previous.tokenType === T.Plus) && isPrefix(before) ? '' : ' ';
}
