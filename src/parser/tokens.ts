import { createToken, Lexer, type TokenType } from 'chevrotain';

/** Every token of the language. Order matters: the lexer takes the first that matches. */
export const Comment = createToken({ name: 'Comment', pattern: /#[^\n]*/, group: 'comments' });
export const Blank = createToken({ name: 'Blank', pattern: /[ \t\r]+/, group: Lexer.SKIPPED });
export const Newline = createToken({ name: 'Newline', pattern: /\n/, line_breaks: true, label: 'the end of the line' });
export const Semicolon = createToken({ name: 'Semicolon', pattern: /;/, label: "';'" });

export const Identifier = createToken({ name: 'Identifier', pattern: /[A-Za-z_][A-Za-z0-9_]*/, label: 'a name' });

const keyword = (word: string): TokenType =>
  createToken({
    name: word[0]?.toUpperCase() + word.slice(1),
    pattern: new RegExp(word),
    longer_alt: Identifier,
    categories: [Identifier],
    label: `'${word}'`,
  });

export const KEYWORDS = {
  input: keyword('input'),
  import: keyword('import'),
  target: keyword('target'),
  layer: keyword('layer'),
  block: keyword('block'),
  fn: keyword('fn'),
  param: keyword('param'),
  let: keyword('let'),
  loss: keyword('loss'),
  metric: keyword('metric'),
  optim: keyword('optim'),
  data: keyword('data'),
  train: keyword('train'),
  precision: keyword('precision'),
  print: keyword('print'),
} as const;

export const Repeat = createToken({ name: 'Repeat', pattern: /repeat/, longer_alt: Identifier, label: "'repeat'" });
export const True = createToken({ name: 'True', pattern: /true/, longer_alt: Identifier, label: "'true'" });
export const False = createToken({ name: 'False', pattern: /false/, longer_alt: Identifier, label: "'false'" });
/** `0.weight` is a weight of stage 0, not the number `0.` followed by a word; `1.e5` is a number. */
export const NumberLiteral = createToken({
  name: 'Number',
  pattern: /(?:\d+(?:\.(?:\d+|(?=[eE][+-]?\d)|(?![A-Za-z_])))?|\.\d+)(?:[eE][+-]?\d+)?/,
  label: 'a number',
});
export const StringLiteral = createToken({ name: 'String', pattern: /"(?:[^"\\\n]|\\.)*"/, label: 'a string' });

const sign = (name: string, text: string): TokenType =>
  createToken({ name, pattern: new RegExp(text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')), label: `'${text}'` });

export const Arrow = sign('Arrow', '->');
export const Plus = sign('Plus', '+');
export const Minus = sign('Minus', '-');
export const Star = sign('Star', '*');
export const Slash = sign('Slash', '/');
export const Percent = sign('Percent', '%');
export const Caret = sign('Caret', '^');
export const EqualTo = sign('EqualTo', '==');
export const NotEqual = sign('NotEqual', '!=');
export const LessEqual = sign('LessEqual', '<=');
export const GreaterEqual = sign('GreaterEqual', '>=');
export const Less = sign('Less', '<');
export const Greater = sign('Greater', '>');
export const At = sign('At', '@');
export const Equals = sign('Equals', '=');
export const Colon = sign('Colon', ':');
export const Comma = sign('Comma', ',');
export const Ellipsis = sign('Ellipsis', '...');
/** Before a name, as in `fc1.weight`. */
export const Dot = sign('Dot', '.');
export const LParen = sign('LParen', '(');
export const RParen = sign('RParen', ')');
export const LSquare = sign('LSquare', '[');
export const RSquare = sign('RSquare', ']');
export const LBrace = sign('LBrace', '{');
export const RBrace = sign('RBrace', '}');

export const ALL_TOKENS: TokenType[] = [
  Comment,
  Blank,
  Newline,
  Semicolon,
  ...Object.values(KEYWORDS),
  Repeat,
  True,
  False,
  Identifier,
  NumberLiteral,
  Ellipsis,
  Dot,
  StringLiteral,
  Arrow,
  Plus,
  Minus,
  Star,
  Slash,
  Percent,
  Caret,
  EqualTo,
  NotEqual,
  LessEqual,
  GreaterEqual,
  Less,
  Greater,
  At,
  Equals,
  Colon,
  Comma,
  LParen,
  RParen,
  LSquare,
  RSquare,
  LBrace,
  RBrace,
];

/** `checked` looks for mistakes in the tokens themselves. */
export const lexer = (checked: boolean): Lexer =>
  new Lexer(ALL_TOKENS, { ensureOptimizations: false, positionTracking: 'full', skipValidations: !checked });

export const nnLexer = lexer(false);
