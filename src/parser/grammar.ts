import { EOF } from 'chevrotain';
import type * as A from './ast.ts';
import { ExpressionParser } from './expression-grammar.ts';
import * as T from './tokens.ts';

/**
 * The grammar; `grammar/nn.ebnf` is generated from these rules. After an error the parser resynchronises at the next statement, so one run
 * reports several errors.
 */
export class NnParser extends ExpressionParser {
  constructor(checked = false) {
    super(checked);
    this.performSelfAnalysis();
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
            // Recovery gave up on a missing statement; its error is reported already.
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
      { ALT: () => this.SUBRULE(this.layerStatement) },
      { ALT: () => this.SUBRULE(this.blockStatement) },
      { ALT: () => this.SUBRULE(this.fnStatement) },
      { ALT: () => this.SUBRULE(this.paramStatement) },
      { ALT: () => this.SUBRULE(this.letStatement) },
      { ALT: () => this.SUBRULE(this.lossStatement) },
      { ALT: () => this.SUBRULE(this.optimStatement) },
      { ALT: () => this.SUBRULE(this.dataStatement) },
      { ALT: () => this.SUBRULE(this.trainStatement) },
      { ALT: () => this.SUBRULE(this.precisionStatement) },
      { ALT: () => this.SUBRULE(this.metricStatement) },
      { ALT: () => this.SUBRULE(this.printStatement) },
      { ALT: () => this.SUBRULE(this.importStatement) },
    ]);
    this.SUBRULE(this.end);
    return statement;
  });

  /** Line end, `;` or the end of the file. */
  readonly end = this.RULE('end', () => {
    this.OR([{ ALT: () => this.CONSUME(T.Newline) }, { ALT: () => this.CONSUME(T.Semicolon) }, { ALT: () => this.CONSUME(EOF) }]);
  });

  /** `input x: [28, 28]`, `target y: int[]` */
  readonly inputStatement = this.RULE('inputStatement', (): A.InputStatement => {
    const start = this.OR([{ ALT: () => this.CONSUME(T.KEYWORDS.input) }, { ALT: () => this.CONSUME(T.KEYWORDS.target) }]);
    const name = this.nameOf(this.CONSUME(T.Identifier));
    this.CONSUME(T.Colon);
    const dtype = this.OPTION(() => this.nameOf(this.CONSUME1(T.Identifier)));
    const dims = this.SUBRULE(this.list).items;
    return { kind: start.tokenType === T.KEYWORDS.target ? 'target' : 'input', name, dtype, dims, span: this.since(start) };
  });

  readonly layerStatement = this.RULE('layerStatement', (): A.LayerStatement => {
    const start = this.CONSUME(T.KEYWORDS.layer);
    this.OPTION(() => this.CONSUME(T.Arrow));
    const chain = this.SUBRULE(this.expression);
    return { kind: 'layer', chain, span: this.since(start) };
  });

  /** A user-defined layer: its input is `x`, its value the last line. */
  readonly blockStatement = this.RULE('blockStatement', (): A.BlockStatement => {
    const start = this.CONSUME(T.KEYWORDS.block);
    const name = this.nameOf(this.CONSUME(T.Identifier));
    const parameters = this.SUBRULE(this.parameters);
    this.OPTION(() => this.CONSUME(T.Newline));
    this.CONSUME(T.LBrace);
    const lets: (A.LetStatement | A.ParamStatement)[] = [];
    const values: A.Expr[] = [];
    this.MANY(() => {
      this.OR([
        { ALT: () => this.CONSUME1(T.Newline) },
        { ALT: () => this.CONSUME(T.Semicolon) },
        { ALT: () => lets.push(this.SUBRULE(this.letStatement)) },
        { ALT: () => lets.push(this.SUBRULE(this.paramStatement)) },
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
    // `adam(lr=0.1)` means `adam lr=0.1`.
    const called = this.OPTION(() => this.SUBRULE(this.arguments));
    const settings = this.SUBRULE(this.settings);
    return { kind: 'optim', name, settings: this.ACTION(() => [...(called ?? []), ...settings]), span: this.since(start) };
  });

  readonly dataStatement = this.RULE('dataStatement', (): A.DataStatement => {
    const start = this.CONSUME(T.KEYWORDS.data);
    const path = this.OPTION(() => this.SUBRULE(this.string));
    const settings = this.SUBRULE(this.settings);
    const bindings = this.OPTION1(() => {
      this.CONSUME(T.LBrace);
      const list: A.Binding[] = [];
      this.MANY(() => {
        this.OR([
          { ALT: () => this.CONSUME(T.Newline) },
          { ALT: () => this.CONSUME(T.Semicolon) },
          {
            ALT: () => {
              const token = this.CONSUME(T.Identifier);
              this.CONSUME(T.Equals);
              const value = this.SUBRULE(this.expression);
              list.push({ name: this.nameOf(token), value, span: this.since(token) });
            },
          },
        ]);
      });
      this.CONSUME(T.RBrace);
      return list;
    });
    return { kind: 'data', path, settings, bindings, span: this.since(start) };
  });

  readonly metricStatement = this.RULE('metricStatement', (): A.MetricStatement => {
    const start = this.CONSUME(T.KEYWORDS.metric);
    const value = this.SUBRULE(this.expression);
    return { kind: 'metric', value, span: this.since(start) };
  });

  readonly printStatement = this.RULE('printStatement', (): A.PrintStatement => {
    const start = this.CONSUME(T.KEYWORDS.print);
    const values: A.Expr[] = [];
    this.AT_LEAST_ONE_SEP({ SEP: T.Comma, DEF: () => values.push(this.SUBRULE(this.expression)) });
    return { kind: 'print', values, span: this.since(start) };
  });

  readonly importStatement = this.RULE('importStatement', (): A.ImportStatement => {
    const start = this.CONSUME(T.KEYWORDS.import);
    const path = this.SUBRULE(this.string);
    return { kind: 'import', path, span: this.since(start) };
  });

  readonly trainStatement = this.RULE('trainStatement', (): A.TrainStatement => {
    const start = this.CONSUME(T.KEYWORDS.train);
    const settings = this.SUBRULE(this.settings);
    return { kind: 'train', settings, span: this.since(start) };
  });

  readonly precisionStatement = this.RULE('precisionStatement', (): A.PrecisionStatement => {
    const start = this.CONSUME(T.KEYWORDS.precision);
    const name = this.nameOf(this.CONSUME(T.Identifier));
    return { kind: 'precision', name, span: this.since(start) };
  });

  /** `lr=0.01 lr[head]=0.1 weight_decay=0.1 shuffle` */
  readonly settings = this.RULE(
    'settings',
    (): A.Argument[] => {
      const settings: A.Argument[] = [];
      this.MANY(() => {
        const token = this.CONSUME(T.Identifier);
        const name = this.nameOf(token);
        const of = this.OPTION1(() => this.SUBRULE(this.list));
        const value = this.OPTION(() => {
          this.CONSUME(T.Equals);
          return this.SUBRULE(this.additive);
        });
        const span = this.since(token);
        this.OPTION2(() => this.CONSUME(T.Comma));
        const bare = { kind: 'name', name: name.text, span: name.span } as const;
        settings.push({ name: value && name, ...(of ? { of } : {}), value: value ?? bare, span });
      });
      return settings;
    },
    { recoveryValueFunc: () => [] },
  );
}
