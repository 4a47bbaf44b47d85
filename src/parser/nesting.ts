import type { IToken, TokenType } from 'chevrotain';
import * as T from './tokens.ts';

/** Brackets in brackets, and operators of one expression: what reads programs calls itself for each, and no stack is endless. */
const MAX_BRACKETS = 100;
const MAX_OPERATORS = 1000;
/** What nests to the right takes more calls for each: `a ^ b ^ c` is `a ^ (b ^ c)`, and `repeat 2 repeat 2 F` is one in the other. */
const RIGHT = 4;

const OPENING = new Set<TokenType>([T.LParen, T.LSquare, T.LBrace]);
const CLOSING = new Set<TokenType>([T.RParen, T.RSquare, T.RBrace]);
/** What begins another expression in the same brackets. */
const BETWEEN = new Set<TokenType>([T.Comma, T.Semicolon, T.Newline, T.Equals, T.Arrow]);
const OPERATORS = new Set<TokenType>([
  ...[T.Plus, T.Minus, T.Star, T.Slash, T.Percent, T.At],
  ...[T.EqualTo, T.NotEqual, T.LessEqual, T.GreaterEqual, T.Less, T.Greater],
]);
const RIGHTWARD = new Set<TokenType>([T.Repeat, T.Colon, T.Dot]);

/** The first token that nests too deeply, and what of. `tokens` are without line ends that mean nothing. */
export function tooDeep(tokens: readonly IToken[]): { readonly token: IToken; readonly what: string } | undefined {
  // For each open bracket what the expression in it counts.
  const open: number[] = [0];
  // What all expressions around this one count, and this one.
  let operators = 0;
  // Whether the last operator of this expression was a power, whose exponent may be another one.
  let power = false;
  const count = (n: number): void => {
    operators += n;
    open.push((open.pop() ?? 0) + n);
  };
  for (const [i, token] of tokens.entries()) {
    const { tokenType } = token;
    if (OPENING.has(tokenType)) {
      // Brackets behind a value are an index or a call, and each is around the one before.
      if (tokenType === T.LSquare && CLOSING.has(tokens[i - 1]?.tokenType ?? T.Comma)) count(RIGHT);
      open.push(0);
    } else if (CLOSING.has(tokenType) && open.length > 1) operators -= open.pop() ?? 0;
    else if (BETWEEN.has(tokenType)) count(-(open.at(-1) ?? 0));
    else if (tokenType === T.Caret) count(power ? RIGHT : 1);
    else if (OPERATORS.has(tokenType)) count(1);
    else if (RIGHTWARD.has(tokenType)) count(RIGHT);
    // A sign before an exponent is part of it.
    if (tokenType === T.Caret) power = true;
    else if (tokenType !== T.Minus || !power) power = power && !OPERATORS.has(tokenType) && !BETWEEN.has(tokenType);
    if (open.length > MAX_BRACKETS + 1) return { token, what: `more than ${MAX_BRACKETS} brackets stand in one another here` };
    if (operators > MAX_OPERATORS) return { token, what: `more than ${MAX_OPERATORS} operators stand in one expression here` };
  }
  return undefined;
}
