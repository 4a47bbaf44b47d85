import { EmbeddedActionsParser, type IToken, type ParserMethod } from 'chevrotain';
import { cover, type Source, type Span } from '../base/source.ts';
import type * as A from './ast.ts';
import { parserMessages } from './messages.ts';
import * as T from './tokens.ts';

/** The rules of expressions, and helpers for all rules: spans, names, and error recovery. */
export class ExpressionParser extends EmbeddedActionsParser {
  protected source: Source = { name: '', text: '' };

  /** `checked` looks for mistakes in the grammar itself, which a test does, and no start of a program. */
  constructor(checked = false) {
    super(T.ALL_TOKENS, { recoveryEnabled: true, maxLookahead: 2, errorMessageProvider: parserMessages, skipValidations: !checked });
  }

  /** Inside index brackets, where `n:m` is a range and not a labelled stage. */
  private indexing = false;

  /** Sets the input of the next call of the program rule. */
  open(source: Source, tokens: IToken[]): void {
    this.source = source;
    this.indexing = false;
    this.input = tokens;
  }

  protected span(from: IToken, to: IToken = from): Span {
    return { source: this.source, start: from.startOffset, end: (to.endOffset ?? to.startOffset) + 1 };
  }

  protected nameOf(token: IToken): A.Name {
    return { text: token.image, span: this.span(token) };
  }

  protected since(from: IToken): Span {
    return this.span(from, this.LA(0));
  }

  /**
   * A rule that returns an expression. If recovery gives up on it, the result is an empty name: its error is reported already, and the tree
   * around it stays complete.
   */
  private rule<T extends A.Expr>(name: string, body: () => T): ParserMethod<[], T> {
    const recoveryValueFunc = (): T =>
      ({ kind: 'name', name: '', items: [], value: '', args: [], span: this.span(this.LA(1)) }) as unknown as T;
    return this.RULE(name, body, { recoveryValueFunc });
  }

  /** A chain of stages, or a single value. */
  readonly expression = this.rule('expression', (): A.Expr => {
    const start = this.LA(1);
    const stages = [this.SUBRULE(this.comparison)];
    this.MANY(() => {
      this.CONSUME(T.Arrow);
      stages.push(this.SUBRULE1(this.comparison));
    });
    const [only] = stages;
    return only && stages.length === 1 ? only : { kind: 'pipe', stages, span: this.since(start) };
  });

  readonly comparison = this.rule('comparison', (): A.Expr => {
    let left = this.SUBRULE(this.additive);
    this.OPTION(() => {
      const sign = this.OR([
        { ALT: () => this.CONSUME(T.Less) },
        { ALT: () => this.CONSUME(T.LessEqual) },
        { ALT: () => this.CONSUME(T.Greater) },
        { ALT: () => this.CONSUME(T.GreaterEqual) },
        { ALT: () => this.CONSUME(T.EqualTo) },
        { ALT: () => this.CONSUME(T.NotEqual) },
      ]);
      const right = this.SUBRULE1(this.additive);
      left = this.ACTION(() => binary(sign, left, right));
    });
    return left;
  });

  readonly additive = this.rule('additive', (): A.Expr => {
    let left = this.SUBRULE(this.multiplicative);
    this.MANY(() => {
      const sign = this.OR([{ ALT: () => this.CONSUME(T.Plus) }, { ALT: () => this.CONSUME(T.Minus) }]);
      const right = this.SUBRULE1(this.multiplicative);
      left = this.ACTION(() => binary(sign, left, right));
    });
    return left;
  });

  readonly multiplicative = this.rule('multiplicative', (): A.Expr => {
    let left = this.SUBRULE(this.unary);
    this.MANY(() => {
      const sign = this.OR([
        { ALT: () => this.CONSUME(T.Star) },
        { ALT: () => this.CONSUME(T.Slash) },
        { ALT: () => this.CONSUME(T.Percent) },
        { ALT: () => this.CONSUME(T.At) },
      ]);
      const right = this.SUBRULE1(this.unary);
      left = this.ACTION(() => binary(sign, left, right));
    });
    return left;
  });

  readonly unary = this.rule('unary', (): A.Expr =>
    this.OR<A.Expr>([
      {
        ALT: () => {
          const start = this.CONSUME(T.Minus);
          const operand = this.SUBRULE(this.unary);
          return { kind: 'unary', operator: '-', operand, span: this.since(start) };
        },
      },
      { ALT: () => this.SUBRULE(this.power) },
    ]),
  );

  /** Binds tighter than a unary minus, and to the right: `-2^2` is -4, `2^3^2` is 2^9. */
  readonly power = this.rule('power', (): A.Expr => {
    const base = this.SUBRULE(this.postfix);
    const exponent = this.OPTION(() => ({ sign: this.CONSUME(T.Caret), value: this.SUBRULE(this.unary) }));
    return this.ACTION(() => (exponent ? binary(exponent.sign, base, exponent.value) : base));
  });

  /** `x[0, 1:3]`, `fc1.weight` */
  readonly postfix = this.rule('postfix', (): A.Expr => {
    let value = this.SUBRULE(this.primary);
    this.MANY(() => {
      const make = this.OR([
        { ALT: () => this.SUBRULE(this.brackets) },
        { ALT: () => this.SUBRULE(this.member) },
        {
          // The lexer reads `.0` as a number.
          GATE: () => this.LA(1).image.startsWith('.'),
          ALT: () => {
            const token = this.CONSUME(T.NumberLiteral);
            return (of: A.Expr): A.Expr => {
              const name = { text: token.image.slice(1), span: this.span(token) };
              return { kind: 'member', value: of, name, args: undefined, span: cover(of.span, name.span) };
            };
          },
        },
      ]);
      value = this.ACTION(() => make(value));
    });
    return value;
  });

  readonly brackets = this.RULE(
    'brackets',
    (): ((value: A.Expr) => A.Expr) => {
      this.CONSUME(T.LSquare);
      const items: A.IndexItem[] = [];
      const outside = this.indexing;
      this.indexing = true;
      this.AT_LEAST_ONE_SEP({ SEP: T.Comma, DEF: () => items.push(this.SUBRULE(this.indexItem)) });
      this.indexing = outside;
      const end = this.CONSUME(T.RSquare);
      return (value) => ({ kind: 'index', value, items, span: cover(value.span, this.span(end)) });
    },
    { recoveryValueFunc: () => (value: A.Expr) => value },
  );

  readonly member = this.RULE(
    'member',
    (): ((value: A.Expr) => A.Expr) => {
      this.CONSUME(T.Dot);
      const token = this.CONSUME(T.Identifier);
      const args = this.OPTION(() => this.SUBRULE(this.arguments));
      const name = this.nameOf(token);
      const end = this.span(this.LA(0));
      return (value) => ({ kind: 'member', value, name, args, span: cover(value.span, args ? end : name.span) });
    },
    { recoveryValueFunc: () => (value: A.Expr) => value },
  );

  readonly indexItem = this.RULE(
    'indexItem',
    (): A.IndexItem =>
      this.OR<A.IndexItem>([
        {
          ALT: () => {
            const token = this.CONSUME(T.Ellipsis);
            return { kind: 'rest', from: undefined, to: undefined, step: undefined, span: this.span(token) };
          },
        },
        {
          ALT: () => {
            const start = this.LA(1);
            const from = this.OPTION(() => this.SUBRULE(this.comparison));
            let kind: A.IndexItem['kind'] = 'place';
            let to: A.Expr | undefined;
            let step: A.Expr | undefined;
            this.OPTION1(() => {
              this.CONSUME(T.Colon);
              kind = 'range';
              to = this.OPTION2(() => this.SUBRULE1(this.additive));
              this.OPTION3(() => {
                this.CONSUME1(T.Colon);
                step = this.OPTION4(() => this.SUBRULE2(this.additive));
              });
            });
            return { kind, from, to, step, span: this.since(start) };
          },
        },
      ]),
    {
      recoveryValueFunc: (): A.IndexItem => ({
        kind: 'place',
        from: undefined,
        to: undefined,
        step: undefined,
        span: this.span(this.LA(1)),
      }),
    },
  );

  /** Copies of a stage, each with its own weights. */
  readonly repeat = this.rule('repeat', (): A.Expr => {
    const start = this.CONSUME(T.Repeat);
    const times = this.OR<A.Expr>([
      {
        ALT: () => {
          const token = this.CONSUME(T.NumberLiteral);
          return { kind: 'number', value: Number(token.image), span: this.span(token) };
        },
      },
      {
        ALT: () => {
          const token = this.CONSUME(T.Identifier);
          return { kind: 'name', name: token.image, span: this.span(token) };
        },
      },
      { ALT: () => this.SUBRULE(this.parenthesis) },
    ]);
    const stage = this.SUBRULE(this.primary);
    return { kind: 'repeat', times, stage, span: this.since(start) };
  });

  readonly primary = this.rule('primary', (): A.Expr =>
    this.OR<A.Expr>({
      DEF: [
        {
          ALT: () => {
            const token = this.CONSUME(T.NumberLiteral);
            return { kind: 'number', value: Number(token.image), span: this.span(token) };
          },
        },
        { ALT: () => this.SUBRULE(this.string) },
        {
          ALT: () => {
            const token = this.OR1([{ ALT: () => this.CONSUME(T.True) }, { ALT: () => this.CONSUME(T.False) }]);
            return { kind: 'boolean', value: token.tokenType === T.True, span: this.span(token) };
          },
        },
        { ALT: () => this.SUBRULE(this.list) },
        { ALT: () => this.SUBRULE(this.parenthesis) },
        { ALT: () => this.SUBRULE(this.repeat) },
        { GATE: () => !this.indexing, ALT: () => this.SUBRULE(this.label) },
        { ALT: () => this.SUBRULE(this.reference) },
      ],
      ERR_MSG: 'a value',
    }),
  );

  readonly string = this.rule('string', (): A.StringExpr => {
    const token = this.CONSUME(T.StringLiteral);
    return { kind: 'string', value: token.image.slice(1, -1).replace(/\\(["\\])/g, '$1'), span: this.span(token) };
  });

  /** `name: stage` labels the one stage after it. */
  readonly label = this.rule('label', (): A.LabelExpr => {
    const token = this.CONSUME(T.Identifier);
    this.CONSUME(T.Colon);
    const stage = this.SUBRULE(this.primary);
    return { kind: 'label', label: this.nameOf(token), stage, span: this.since(token) };
  });

  /** `name` or `name(arguments)` */
  readonly reference = this.rule('reference', (): A.NameExpr | A.CallExpr => {
    const token = this.CONSUME(T.Identifier);
    const args = this.OPTION(() => this.SUBRULE(this.arguments));
    if (!args) return { kind: 'name', name: token.image, span: this.span(token) };
    return { kind: 'call', callee: this.nameOf(token), args, span: this.since(token) };
  });

  readonly arguments = this.RULE(
    'arguments',
    (): A.Argument[] => {
      const list: A.Argument[] = [];
      this.CONSUME(T.LParen);
      const outside = this.indexing;
      this.indexing = false;
      this.MANY_SEP({ SEP: T.Comma, DEF: () => list.push(this.SUBRULE(this.argument)) });
      this.indexing = outside;
      this.CONSUME(T.RParen);
      return list;
    },
    { recoveryValueFunc: () => [] },
  );

  readonly argument = this.RULE(
    'argument',
    (): A.Argument => {
      const start = this.LA(1);
      const name = this.OPTION(() => {
        const token = this.CONSUME(T.Identifier);
        this.CONSUME(T.Equals);
        return this.nameOf(token);
      });
      const value = this.SUBRULE(this.expression);
      return { name, value, span: this.since(start) };
    },
    {
      recoveryValueFunc: (): A.Argument => ({
        name: undefined,
        value: { kind: 'name', name: '', span: this.span(this.LA(1)) },
        span: this.span(this.LA(1)),
      }),
    },
  );

  readonly list = this.rule('list', (): A.ListExpr => {
    const start = this.CONSUME(T.LSquare);
    const items: A.Expr[] = [];
    this.MANY_SEP({ SEP: T.Comma, DEF: () => items.push(this.SUBRULE(this.expression)) });
    this.CONSUME(T.RSquare);
    return { kind: 'list', items, span: this.since(start) };
  });

  /** `(a)` groups, `(a, b)` is a list. */
  readonly parenthesis = this.rule('parenthesis', (): A.Expr => {
    const start = this.CONSUME(T.LParen);
    const items: A.Expr[] = [];
    this.AT_LEAST_ONE_SEP({ SEP: T.Comma, DEF: () => items.push(this.SUBRULE(this.expression)) });
    this.CONSUME(T.RParen);
    const [only] = items;
    // The span includes the parentheses, so that messages show them.
    return only && items.length === 1 ? { ...only, span: this.since(start) } : { kind: 'list', items, span: this.since(start) };
  });
}

function binary(sign: IToken, left: A.Expr, right: A.Expr): A.BinaryExpr {
  return { kind: 'binary', operator: sign.image as A.BinaryOperator, left, right, span: cover(left.span, right.span) };
}
