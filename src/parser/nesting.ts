import type { IToken, TokenType } from 'chevrotain';
import * as T from './tokens.ts';

/** Brackets in brackets, and operators of one expression: what reads programs calls itself for each, and no stack is endless. */
export const MAX_BRACKETS = 100;
export const MAX_OPERATORS = 1000;

const OPENING = new Set<TokenType>([T.LParen, T.LSquare, T.LBrace]);
const CLOSING = new Set<TokenType>([T.RParen, T.RSquare, T.RBrace]);
/** What begins another expression in the same brackets. */
const BETWEEN = new Set<TokenType>([T.Comma, T.Semicolon, T.Newline, T.Equals, T.Colon, T.Arrow]);
/** How deep each nests: `a ^ b ^ c` is `a ^ (b ^ c)`, and each step of it takes a few calls. */
const OPERATORS = new Map<TokenType, number>([
  ...[T.Plus, T.Minus, T.Star, T.Slash, T.Percent, T.At].map((t) => [t, 1] as const),
  ...[T.EqualTo, T.NotEqual, T.LessEqual, T.GreaterEqual, T.Less, T.Greater].map((t) => [t, 1] as const),
  [T.Caret, 4],
]);

/** The first token that nests too deeply. */
export function tooDeep(tokens: readonly IToken[]): IToken | undefined {
  const open: number[] = [0];
  // Operators of the expressions around this one, and of this one.
  let operators = 0;
  for (const token of tokens) {
    const { tokenType } = token;
    const last = open.length - 1;
    if (OPENING.has(tokenType)) open.push(0);
    else if (CLOSING.has(tokenType) && last > 0) operators -= open.pop() ?? 0;
    else if (BETWEEN.has(tokenType)) {
      operators -= open[last] ?? 0;
      open[last] = 0;
    } else {
      const deeper = OPERATORS.get(tokenType) ?? 0;
      operators += deeper;
      open[last] = (open[last] ?? 0) + deeper;
    }
    if (open.length > MAX_BRACKETS + 1 || operators > MAX_OPERATORS) return token;
  }
  return undefined;
}
