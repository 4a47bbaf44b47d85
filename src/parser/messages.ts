import { EOF, tokenLabel, type IParserErrorMessageProvider, type IToken, type TokenType } from 'chevrotain';
import * as T from './tokens.ts';

/** The name of a token in an error message. */
export function describe(token: IToken): string {
  if (token.tokenType === EOF) return 'the end of the file';
  if (token.tokenType === T.Newline) return 'the end of the line';
  return `'${token.image}'`;
}

function alternatives(paths: readonly TokenType[][]): string {
  // All tokens that can start an expression are summarised as one.
  if (paths.some((path) => path[0] === T.NumberLiteral)) return 'a value';
  const labels = [
    ...new Set(
      paths
        .map((path) => path[0])
        .filter((t): t is TokenType => t !== undefined)
        .map(label),
    ),
  ];
  const last = labels.pop() ?? 'something else';
  return labels.length ? `${labels.join(', ')} or ${last}` : last;
}

function label(type: TokenType): string {
  return type === EOF ? 'the end of the file' : tokenLabel(type);
}

/** The parser's error messages: what was expected, what was found. */
export const parserMessages: IParserErrorMessageProvider = {
  buildMismatchTokenMessage: ({ expected, actual }) => `expected ${label(expected)}, found ${describe(actual)}`,
  buildNotAllInputParsedMessage: ({ firstRedundant }) => `expected a statement, found ${describe(firstRedundant)}`,
  buildNoViableAltMessage: ({ expectedPathsPerAlt, actual, customUserDescription }) =>
    `expected ${customUserDescription ?? alternatives(expectedPathsPerAlt.flat())}, found ${describe(actual[0] as IToken)}`,
  buildEarlyExitMessage: ({ expectedIterationPaths, actual }) =>
    `expected ${alternatives(expectedIterationPaths)}, found ${describe(actual[0] as IToken)}`,
};
