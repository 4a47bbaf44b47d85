import type { IToken, TokenType } from 'chevrotain';
import * as T from './tokens.ts';

const OPENERS = new Set<TokenType>([T.LParen, T.LSquare]);
const CLOSERS = new Set<TokenType>([T.RParen, T.RSquare]);
/** A line never ends after one of these. */
const CONTINUES_AFTER = new Set<TokenType>([
  T.Arrow,
  T.Plus,
  T.Minus,
  T.Star,
  T.Slash,
  T.Percent,
  T.Caret,
  T.At,
  T.Less,
  T.LessEqual,
  T.Greater,
  T.GreaterEqual,
  T.EqualTo,
  T.NotEqual,
  T.Equals,
  T.Colon,
  T.Comma,
]);
const STATEMENT_WORDS = new Set<TokenType>(Object.values(T.KEYWORDS));

/**
 * Decides which line breaks end a statement: not those inside brackets, after an operator, or before a line that starts with `->`. A
 * statement word and an operand at the start of a line close forgotten brackets, so that one missing ')' is one error. Returns the tokens
 * without the insignificant line breaks.
 */
export function layout(tokens: readonly IToken[]): IToken[] {
  const out: IToken[] = [];
  const following = wordsAfter(tokens);
  let depth = 0;
  tokens.forEach((token, i) => {
    if (token.tokenType === T.Newline) {
      const at = following[i] ?? tokens.length;
      const next = tokens[at];
      const previous = out.at(-1);
      const startsStatement = next !== undefined && STATEMENT_WORDS.has(next.tokenType) && opensStatement(tokens[at + 1]);
      if (startsStatement) depth = 0;
      const goesOn =
        depth > 0 || next?.tokenType === T.Arrow || (!startsStatement && previous !== undefined && CONTINUES_AFTER.has(previous.tokenType));
      if (!goesOn) out.push(token);
      return;
    }
    if (OPENERS.has(token.tokenType)) depth++;
    if (CLOSERS.has(token.tokenType)) depth = Math.max(0, depth - 1);
    out.push(token);
  });
  return out;
}

/** Statement words are keywords only before a name or a string: `target - pred` and `f(data=1)` use them as names. */
function opensStatement(next: IToken | undefined): boolean {
  const after = next?.tokenType;
  return after !== undefined && (after === T.StringLiteral || after === T.Identifier || after.CATEGORIES?.includes(T.Identifier) === true);
}

/** For each token, the place of the first one after it that is no line break. */
function wordsAfter(tokens: readonly IToken[]): Int32Array {
  const places = new Int32Array(tokens.length);
  let next = tokens.length;
  for (let i = tokens.length - 1; i >= 0; i--) {
    places[i] = next;
    if (tokens[i]?.tokenType !== T.Newline) next = i;
  }
  return places;
}
