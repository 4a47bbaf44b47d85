import { EmbeddedActionsParser, EOF, type IToken, type ParserMethod } from 'chevrotain';
import { cover, type Source, type Span } from '../base/source.ts';
import type * as A from './ast.ts';
import { parserMessages } from './messages.ts';
import * as T from './tokens.ts';

/**
 * The grammar, which is also the law: `grammar/nn.ebnf` is written from these rules. With several errors in a text, the
 * parser resynchronises at the next statement and goes on.
 */
export class NnParser extends EmbeddedActionsParser {
  private source: Source = { name: '', text: '' };

  constructor() {
    super(T.ALL_TOKENS, { recoveryEnabled: true, maxLookahead: 2, errorMessageProvider: parserMessages });
    this.performSelfAnalysis();
  }

  /** Sets what the next call of {@link program} reads. */
  open(source: Source, tokens: IToken[]): void {
    this.source = source;
    this.input = tokens;
  }

  private span(from: IToken, to: IToken = from): Span {
    return { source: this.source, start: from.startOffset, end: (to.endOffset ?? to.startOffset) + 1 };
  }

  private nameOf(token: IToken): A.Name {
    return { text: token.image, span: this.span(token) };
  }

  private since(from: IToken): Span {
    return this.span(from, this.LA(0));
  }

  /**
   * A rule that gives an expression. Where recovery gives up on it, an empty name stands in its place: its error is
   * reported, so nobody looks at it, but the tree around it stays whole.
   */
  private rule<T extends A.Expr>(name: string, body: () => T): ParserMethod<[], T> {
    const recoveryValueFunc = (): T =>
      ({ kind: 'name', name: '', items: [], value: '', args: [], span: this.span(this.LA(1)) }) as unknown as T;
    return this.RULE(name, body, { recoveryValueFunc });
  }

  readonly program = this.RULE('program', (): A.Program => {
    const statements: A.Statement[] = [];
    this.MANY(() => {
      this.OR([
        { ALT: () => this.CONSUME(T.Newline) },
        { ALT: () => this.CONSUME(T.Semicolon) },
        {
          ALT: () => {
            const statement = this.SUBRULE(this.statement);
            // A statement that recovery gave up on is missing; its error is reported already.
            if (statement) statements.push(statement);
          },
        },
      ]);
    });
    return { statements, span: { source: this.source, start: 0, end: this.source.text.length } };
  });

  readonly statement = this.RULE('statement', (): A.Statement => {
    const statement = this.OR<A.Statement>([
      { ALT: () => this.SUBRULE(this.inputStatement) },
      { ALT: () => this.SUBRULE(this.targetStatement) },
      { ALT: () => this.SUBRULE(this.layerStatement) },
      { ALT: () => this.SUBRULE(this.blockStatement) },
      { ALT: () => this.SUBRULE(this.fnStatement) },
      { ALT: () => this.SUBRULE(this.paramStatement) },
      { ALT: () => this.SUBRULE(this.letStatement) },
      { ALT: () => this.SUBRULE(this.lossStatement) },
      { ALT: () => this.SUBRULE(this.optimStatement) },
      { ALT: () => this.SUBRULE(this.dataStatement) },
      { ALT: () => this.SUBRULE(this.trainStatement) },
    ]);
    this.SUBRULE(this.end);
    return statement;
  });

  /** Line end, `;` or the end of the file. */
  readonly end = this.RULE('end', () => {
    this.OR([{ ALT: () => this.CONSUME(T.Newline) }, { ALT: () => this.CONSUME(T.Semicolon) }, { ALT: () => this.CONSUME(EOF) }]);
  });

  readonly inputStatement = this.RULE('inputStatement', (): A.InputStatement => {
    const start = this.CONSUME(T.KEYWORDS.input);
    const name = this.nameOf(this.CONSUME(T.Identifier));
    this.CONSUME(T.Colon);
    const dtype = this.OPTION(() => this.nameOf(this.CONSUME1(T.Identifier)));
    const dims = this.SUBRULE(this.list).items;
    return { kind: 'input', name, dtype, dims, span: this.since(start) };
  });

  readonly layerStatement = this.RULE('layerStatement', (): A.LayerStatement => {
    const start = this.CONSUME(T.KEYWORDS.layer);
    this.OPTION(() => this.CONSUME(T.Arrow));
    const chain = this.SUBRULE(this.expression);
    return { kind: 'layer', chain, span: this.since(start) };
  });

  readonly targetStatement = this.RULE('targetStatement', (): A.InputStatement => {
    const start = this.CONSUME(T.KEYWORDS.target);
    const name = this.nameOf(this.CONSUME(T.Identifier));
    this.CONSUME(T.Colon);
    const dtype = this.OPTION(() => this.nameOf(this.CONSUME1(T.Identifier)));
    const dims = this.SUBRULE(this.list).items;
    return { kind: 'target', name, dtype, dims, span: this.since(start) };
  });

  /** A layer of one's own: its input is `x`, its value the last line. */
  readonly blockStatement = this.RULE('blockStatement', (): A.BlockStatement => {
    const start = this.CONSUME(T.KEYWORDS.block);
    const name = this.nameOf(this.CONSUME(T.Identifier));
    const parameters = this.SUBRULE(this.parameters);
    this.OPTION(() => this.CONSUME(T.Newline));
    this.CONSUME(T.LBrace);
    const lets: A.LetStatement[] = [];
    const values: A.Expr[] = [];
    this.MANY(() => {
      this.OR([
        { ALT: () => this.CONSUME1(T.Newline) },
        { ALT: () => this.CONSUME(T.Semicolon) },
        { ALT: () => lets.push(this.SUBRULE(this.letStatement)) },
        { ALT: () => values.push(this.SUBRULE(this.expression)) },
      ]);
    });
    this.CONSUME(T.RBrace);
    return { kind: 'block', name, parameters, lets, values, span: this.since(start) };
  });

  readonly fnStatement = this.RULE('fnStatement', (): A.FnStatement => {
    const start = this.CONSUME(T.KEYWORDS.fn);
    const name = this.nameOf(this.CONSUME(T.Identifier));
    const parameters = this.SUBRULE(this.parameters);
    this.CONSUME(T.Equals);
    const value = this.SUBRULE(this.expression);
    return { kind: 'fn', name, parameters, value, span: this.since(start) };
  });

  readonly parameters = this.RULE(
    'parameters',
    (): A.ParameterDecl[] => {
      const list: A.ParameterDecl[] = [];
      this.CONSUME(T.LParen);
      this.MANY_SEP({
        SEP: T.Comma,
        DEF: () => {
          const name = this.nameOf(this.CONSUME(T.Identifier));
          const value = this.OPTION(() => {
            this.CONSUME(T.Equals);
            return this.SUBRULE(this.expression);
          });
          list.push({ name, value });
        },
      });
      this.CONSUME(T.RParen);
      return list;
    },
    { recoveryValueFunc: () => [] },
  );

  readonly paramStatement = this.RULE('paramStatement', (): A.ParamStatement => {
    const start = this.CONSUME(T.KEYWORDS.param);
    const name = this.nameOf(this.CONSUME(T.Identifier));
    const dims = this.OPTION(() => {
      this.CONSUME(T.Colon);
      return this.SUBRULE(this.list).items;
    });
    const value = this.OPTION1(() => {
      this.CONSUME(T.Equals);
      return this.SUBRULE(this.expression);
    });
    return { kind: 'param', name, dims: dims ?? [], value, span: this.since(start) };
  });

  readonly letStatement = this.RULE('letStatement', (): A.LetStatement => {
    const start = this.CONSUME(T.KEYWORDS.let);
    const names: A.Name[] = [];
    this.AT_LEAST_ONE_SEP({ SEP: T.Comma, DEF: () => names.push(this.nameOf(this.CONSUME(T.Identifier))) });
    this.CONSUME(T.Equals);
    const value = this.SUBRULE(this.expression);
    return { kind: 'let', names, value, span: this.since(start) };
  });

  readonly lossStatement = this.RULE('lossStatement', (): A.LossStatement => {
    const start = this.CONSUME(T.KEYWORDS.loss);
    const value = this.SUBRULE(this.expression);
    return { kind: 'loss', value, span: this.since(start) };
  });

  readonly optimStatement = this.RULE('optimStatement', (): A.OptimStatement => {
    const start = this.CONSUME(T.KEYWORDS.optim);
    const name = this.nameOf(this.CONSUME(T.Identifier));
    const settings = this.SUBRULE(this.settings);
    return { kind: 'optim', name, settings, span: this.since(start) };
  });

  readonly dataStatement = this.RULE('dataStatement', (): A.DataStatement => {
    const start = this.CONSUME(T.KEYWORDS.data);
    const path = this.SUBRULE(this.string);
    const settings = this.SUBRULE(this.settings);
    return { kind: 'data', path, settings, span: this.since(start) };
  });

  readonly trainStatement = this.RULE('trainStatement', (): A.TrainStatement => {
    const start = this.CONSUME(T.KEYWORDS.train);
    const settings = this.SUBRULE(this.settings);
    return { kind: 'train', settings, span: this.since(start) };
  });

  /** `lr=0.01 weight_decay=0.1 shuffle` */
  readonly settings = this.RULE(
    'settings',
    (): A.Argument[] => {
      const settings: A.Argument[] = [];
      this.MANY(() => {
        const token = this.CONSUME(T.Identifier);
        const name = this.nameOf(token);
        const value = this.OPTION(() => {
          this.CONSUME(T.Equals);
          return this.SUBRULE(this.additive);
        });
        settings.push(
          value
            ? { name, value, span: this.since(token) }
            : { name: undefined, value: { kind: 'name', name: name.text, span: name.span }, span: name.span },
        );
      });
      return settings;
    },
    { recoveryValueFunc: () => [] },
  );

  /** A chain of stages, or a value. */
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

  /** Binds tighter than a minus before it, and from the right: `-2^2` is -4, `2^3^2` is 2^9. */
  readonly power = this.rule('power', (): A.Expr => {
    const base = this.SUBRULE(this.postfix);
    const exponent = this.OPTION(() => ({ sign: this.CONSUME(T.Caret), value: this.SUBRULE(this.unary) }));
    return this.ACTION(() => (exponent ? binary(exponent.sign, base, exponent.value) : base));
  });

  /** `x[0, 1:3]` */
  readonly postfix = this.rule('postfix', (): A.Expr => {
    let value = this.SUBRULE(this.primary);
    this.MANY(() => {
      this.CONSUME(T.LSquare);
      const items: A.IndexItem[] = [];
      this.AT_LEAST_ONE_SEP({ SEP: T.Comma, DEF: () => items.push(this.SUBRULE(this.indexItem)) });
      const end = this.CONSUME(T.RSquare);
      value = this.ACTION(() => ({ kind: 'index', value, items, span: cover(value.span, this.span(end)) }));
    });
    return value;
  });

  readonly indexItem = this.RULE(
    'indexItem',
    (): A.IndexItem => {
      const start = this.LA(1);
      const from = this.OPTION(() => this.SUBRULE(this.additive));
      let range = false;
      let to: A.Expr | undefined;
      this.OPTION1(() => {
        this.CONSUME(T.Colon);
        range = true;
        to = this.OPTION2(() => this.SUBRULE1(this.additive));
      });
      return { range, from, to, span: this.since(start) };
    },
    { recoveryValueFunc: (): A.IndexItem => ({ range: false, from: undefined, to: undefined, span: this.span(this.LA(1)) }) },
  );

  /** Copies of a stage, each with weights of its own. */
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
        { ALT: () => this.SUBRULE(this.label) },
        { ALT: () => this.SUBRULE(this.reference) },
      ],
      ERR_MSG: 'a value',
    }),
  );

  readonly string = this.rule('string', (): A.StringExpr => {
    const token = this.CONSUME(T.StringLiteral);
    return { kind: 'string', value: token.image.slice(1, -1).replace(/\\(.)/g, '$1'), span: this.span(token) };
  });

  /** `name: stage` binds to the one stage behind it. */
  readonly label = this.rule('label', (): A.LabelExpr => {
    const token = this.CONSUME(T.Identifier);
    this.CONSUME(T.Colon);
    const stage = this.SUBRULE(this.primary);
    return { kind: 'label', label: this.nameOf(token), stage, span: this.since(token) };
  });

  /** `name` or `name(arguments)` */
  readonly reference = this.rule('reference', (): A.NameExpr | A.CallExpr => {
    const token = this.CONSUME(T.Identifier);
    const args = this.OPTION(() => {
      this.CONSUME(T.LParen);
      const list: A.Argument[] = [];
      this.MANY_SEP({ SEP: T.Comma, DEF: () => list.push(this.SUBRULE(this.argument)) });
      this.CONSUME(T.RParen);
      return list;
    });
    if (!args) return { kind: 'name', name: token.image, span: this.span(token) };
    return { kind: 'call', callee: this.nameOf(token), args, span: this.since(token) };
  });

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
    // The parentheses belong to the place that messages show.
    return only && items.length === 1 ? { ...only, span: this.since(start) } : { kind: 'list', items, span: this.since(start) };
  });
}

function binary(sign: IToken, left: A.Expr, right: A.Expr): A.BinaryExpr {
  return { kind: 'binary', operator: sign.image as A.BinaryOperator, left, right, span: cover(left.span, right.span) };
}
