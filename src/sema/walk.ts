import type { DiagnosticSink } from '../base/diagnostics.ts';
import { textOf, type Source } from '../base/source.ts';
import { BATCH, showType } from '../base/types.ts';
import type { NodeId } from '../ir/graph/types.ts';
import type * as A from '../parser/ast.ts';
import { Environment, type Definitions } from './environment.ts';
import { Evaluator } from './evaluator.ts';
import { inputOf } from './declarations.ts';
import { ModelBuilder } from './model-builder.ts';
import type { InputInfo, OutputMeaning, Script, TargetInfo } from './model.ts';
import { checkTargetUnits, inTargetUnits, normalized, normalizedTarget } from './normalized.ts';
import { foretell, lossOf, metricOf, type Goals, type MetricNode } from './objective.ts';
import { predictCall, type ModelSoFar } from './predict-call.ts';
import { PrintLines } from './print-lines.ts';
import { Targets } from './targets.ts';
import { Reported, attempt, describeValue, expectation, tensor, type Flow, type StagePart, type Value } from './values.ts';

/** The result of going through a file. */
export interface Walked {
  readonly m: ModelBuilder;
  readonly env: Environment;
  readonly evaluator: Evaluator;
  readonly inputs: readonly InputInfo[];
  /** The model's output; undefined if there is no model, or if it has errors. */
  readonly pred: NodeId | undefined;
  /** The first loss, and those that take turns with it. */
  readonly loss: NodeId | undefined;
  readonly turns: readonly { readonly name: string; readonly node: NodeId }[];
  readonly targets: readonly TargetInfo[];
  readonly reads: OutputMeaning;
  readonly metrics: readonly MetricNode[];
  readonly script: Script;
}

/** Goes through the file once, for training or for prediction, and builds the graph. */
export class Walk {
  private readonly m: ModelBuilder;
  private readonly env = new Environment();
  private readonly evaluator: Evaluator;
  private readonly top: Flow = { prefix: [], next: 0 };
  private readonly inputs: InputInfo[] = [];
  private readonly targets: Targets;
  private readonly defs: Definitions;
  private declared: readonly InputInfo[] | undefined;
  /** The stages, if the model is a plain chain. */
  private readonly chain: StagePart[] = [];
  private readonly prints: PrintLines;
  private readonly names = new Map<NodeId, string>();
  private x: Value | undefined;
  private failed = false;
  private layers = 0;
  private trained = false;
  private plain = true;
  private inLoss = false;
  private shownOutput: NodeId | undefined;
  private readonly source: Source;
  private readonly program: A.Program;
  private readonly imported: readonly A.Statement[];
  private readonly sink: DiagnosticSink;
  private lossSoFar: { readonly node: NodeId | undefined } | undefined;
  /** In training mode nothing is printed, so that `print` lines do not update states. */
  private readonly training: boolean;

  constructor(
    name: string,
    source: Source,
    program: A.Program,
    imported: readonly A.Statement[],
    defs: Definitions,
    training: boolean,
    sink: DiagnosticSink,
  ) {
    this.source = source;
    this.program = program;
    this.imported = imported;
    this.sink = sink;
    this.training = training;
    this.m = new ModelBuilder(name, training, sink);
    this.env.graph = this.m.b;
    this.evaluator = new Evaluator(this.m, defs, sink);
    this.defs = defs;
    this.targets = new Targets(this.m, () => (this.declared ??= this.targetsDeclared()));
    this.evaluator.targets = this.targets;
    this.prints = new PrintLines(this.m, this.evaluator, this.find('data') !== undefined);
    this.evaluator.specials.set('predict', (e, env, flow) => predictCall(this.soFar, e, env, flow));
    this.evaluator.free = (word, span) => this.known(word, span);
    if (program.statements.some((s) => s.kind === 'layer')) this.evaluator.freeWords = ['pred', 'target', 'loss'];
    this.evaluator.growing = this.layersToCome;
  }

  run(): Walked {
    for (const s of [...this.imported, ...this.program.statements]) this.statement(s);
    const { lines, outputs } = this.prints;
    if (this.layers === 0 && lines.length === 0 && this.sink.errors.length === 0) {
      this.sink.error('NN207', { source: this.source, start: 0, end: 1 }, 'there is no model', {
        help: 'add a line such as: layer Linear(1, 16) -> relu -> Linear(16, 1)',
      });
    }
    const { x, m, env, evaluator, inputs } = this;
    if (x && x.kind !== 'tensor') {
      const last = this.program.statements.filter((s) => s.kind === 'layer').at(-1);
      this.sink.error('NN204', last?.span ?? this.program.span, `the model gives ${describeValue(x)}, and one tensor is needed`);
    }
    const { goals } = this;
    const losses = this.program.statements.filter((s) => s.kind === 'loss');
    const raw = this.result();
    const [loss, ...later] = losses.map((s, i) =>
      i === 0 ? this.firstLoss(s) : this.withinLoss(() => attempt(() => lossOf(goals, s, raw))),
    );
    if (raw !== undefined) checkTargetUnits(this.program, this.targets.all(), m.b.type(raw), this.sink);
    const pred = this.output();
    const turns = later.flatMap((node, i) => {
      const span = losses[i + 1]?.value.span;
      if (node === undefined || !span) return [];
      const name = textOf(span).replace(/\s+/g, ' ');
      // Losses with the same text get their number as a suffix.
      const alike = losses.slice(1, i + 1).some((other) => textOf(other.value.span).replace(/\s+/g, ' ') === name);
      return [{ name: alike ? `${name} (${i + 2})` : name, node }];
    });
    const metrics = this.metrics(goals, pred, loss);
    this.batchInFront(losses[0]);
    return {
      m,
      env,
      evaluator,
      inputs,
      pred,
      loss,
      turns,
      targets: this.targets.all(),
      reads: raw === undefined ? 'numbers' : this.targets.reads(raw),
      metrics,
      script: {
        lines,
        trains: this.trained,
        graph: { ...m.b.graph(), outputs, writes: [] },
        params: [...m.params, ...m.states],
        names: this.names,
      },
    };
  }

  /** The batch must be the first axis of a target, as it is in the data. */
  private batchInFront(s: A.LossStatement | undefined): void {
    for (const { shown, type } of s ? this.targets.all() : [])
      if (typeof type.shape[0] !== 'object' && this.sink.errors.length === 0)
        this.sink.error('NN211', s?.value.span, `'${shown}' would be ${showType(type)}, and the first axis of a target is the batch`, {
          help: 'leave axis 0 in front, as in: transpose(1, 2)',
        });
  }

  private get soFar(): ModelSoFar {
    const { evaluator: ev, m, inputs, layers, failed, program } = this;
    const chain = this.plain ? this.chain : undefined;
    return {
      ev,
      m,
      inputs,
      chain,
      layers,
      failed,
      normalized: (id, input) => normalized(m, program, id, input),
      inUnits: (id) => inTargetUnits(m, program, id),
    };
  }

  /** The first loss, which a `print` line may ask for before the walk ends. */
  private firstLoss(s: A.LossStatement): NodeId | undefined {
    this.lossSoFar ??= { node: this.withinLoss(() => attempt(() => lossOf(this.goals, s, this.result()))) };
    return this.lossSoFar.node;
  }

  private get goals(): Goals {
    const { evaluator: ev, sink, defs, env, targets } = this;
    return { ev, sink, defs, env, targets, loss: this.find('loss') };
  }

  private find<K extends A.Statement['kind']>(kind: K): Extract<A.Statement, { kind: K }> | undefined {
    return this.program.statements.find((s) => s.kind === kind) as Extract<A.Statement, { kind: K }> | undefined;
  }

  /** Losses see the model's output and the target as the model was told to learn them: see `normalize_target`. */
  private withinLoss<T>(body: () => T): T {
    this.inLoss = true;
    try {
      return this.targets.within((id) => normalizedTarget(this.m, this.program, id), body);
    } finally {
      this.inLoss = false;
    }
  }

  /** The model's output in the units of the target. */
  private output(): NodeId | undefined {
    const raw = this.result();
    return raw === undefined ? undefined : (this.shownOutput ??= inTargetUnits(this.m, this.program, raw));
  }

  /** The last layer's output; undefined if there was an error. */
  private result(): NodeId | undefined {
    return this.x?.kind === 'tensor' && !this.failed && this.layers > 0 && !this.layersToCome ? this.x.id : undefined;
  }

  private get layersToCome(): boolean {
    return this.layers < this.program.statements.filter((s) => s.kind === 'layer').length;
  }

  private targetsDeclared(): InputInfo[] {
    const found: InputInfo[] = [];
    const own = this.program.statements.flatMap((s) => (s.kind === 'let' ? s.names : s.kind === 'param' ? [s.name] : []));
    for (const s of this.program.statements) {
      const one = s.kind === 'target' ? inputOf(s as A.InputStatement, this.env, this.sink) : undefined;
      if (!one) continue;
      if ([...found, ...this.inputs].some((other) => other.name === one.name) || own.some((n) => n.text === one.name))
        this.sink.error('NN205', (s as A.InputStatement).name.span, `'${one.name}' is defined already`, { help: 'choose another name' });
      else found.push(one);
    }
    return found;
  }

  /** Words that are defined in every expression: the model's output and the targets. */
  private known(word: string, span: A.Expr['span']): Value | undefined {
    const loss = word === 'loss' && !this.inLoss ? this.find('loss') : undefined;
    if (word !== 'pred' && !loss && !this.targets.has(word)) {
      const names = word === 'target' ? this.targets.several() : [];
      return names.length === 0
        ? undefined
        : this.evaluator.fail('NN201', span, `there are ${names.length} targets, so 'target' is none of them`, {
            help: `say which: ${names.join(', ')}`,
          });
    }
    const pred = this.result();
    if (pred === undefined) {
      if (this.layersToCome)
        return this.evaluator.fail('NN201', span, `'${word}' is not known before the last layer line`, {
          help: 'move this line behind it',
        });
      if (this.failed || this.layers > 0) throw new Reported(word);
      return undefined;
    }
    if (loss) {
      const node = this.firstLoss(loss);
      if (node === undefined) throw new Reported(word);
      return tensor(node);
    }
    if (word === 'pred') return tensor(this.inLoss ? pred : (this.output() ?? pred));
    foretell(this.goals, this.find('loss'), pred);
    return tensor(this.targets.node(word, this.m.b.type(pred)) ?? pred);
  }

  private metrics(goals: Goals, pred: NodeId | undefined, loss: NodeId | undefined): MetricNode[] {
    const found: MetricNode[] = [];
    for (const s of this.program.statements) {
      if (s.kind !== 'metric') continue;
      if (!this.program.statements.some((other) => other.kind === 'loss'))
        this.sink.error('NN207', s.span, 'a metric needs a loss beside it', { help: 'add a line such as: loss mse' });
      if (pred === undefined || loss === undefined) continue;
      const metric = attempt(() => metricOf(goals, s, pred));
      if (metric && found.some((f) => f.name === metric.name))
        this.sink.error('NN208', s.span, `the metric '${metric.name}' is there already`);
      else if (metric) found.push(metric);
    }
    return found;
  }

  private statement(s: A.Statement): void {
    if (s.kind === 'input') {
      const declared = inputOf(s, this.env, this.sink);
      const twice = declared && this.inputs.some((i) => i.name === declared.name);
      const value = declared && !twice ? this.declareInput(declared) : undefined;
      const first = this.inputs.length === 1;
      if (value && !this.x) this.x = value;
      this.define(s.name, value ?? 'failed');
      // The first input flows into the model, so it counts as used.
      if (first) this.env.lookup(s.name.text);
      this.failed ||= !value;
    } else if (s.kind === 'let') {
      this.evaluator.bind(s, this.env, { prefix: [], next: 0 });
      for (const n of s.names) this.nameNode(n.text);
    } else if (s.kind === 'param') {
      this.evaluator.bind(s, this.env, { prefix: [], next: 0 });
      this.nameNode(s.name.text);
    } else if (s.kind === 'layer') {
      this.layer(s);
      this.evaluator.growing = this.layersToCome;
    } else if (s.kind === 'train') this.trained = true;
    else if (s.kind === 'print' && !this.training) this.prints.print(s, this.env, this.trained);
  }

  private define(n: A.Name, value: Value | 'failed'): void {
    if (!this.env.define(n.text, value, n.span))
      this.sink.error('NN205', n.span, `'${n.text}' is defined already`, { help: 'choose another name' });
  }

  private nameNode(name: string): void {
    const value = this.env.peek(name);
    if (value && value !== 'failed' && value.kind === 'tensor' && !this.names.has(value.id)) this.names.set(value.id, name);
  }

  private declareInput(declared: InputInfo): Value {
    this.inputs.push(declared);
    const id = this.m.input(declared.name, declared.type);
    this.names.set(id, declared.name);
    return tensor(normalized(this.m, this.program, id, declared));
  }

  private layer(s: A.LayerStatement): void {
    this.layers++;
    this.evaluator.growing = true;
    const value = attempt(() => this.evaluator.evaluate(s.chain, this.env, this.top));
    if (!value) {
      this.failed = true;
      return;
    }
    if (value.kind !== 'stage') {
      if (value.kind === 'const')
        this.sink.error('NN210', s.chain.span, `a layer is needed here, and this is ${describeValue(value)}`, {
          help: 'a chain is layers with -> between them: Linear(1, 16) -> relu -> Linear(16, 1)',
        });
      this.x = value;
      this.plain = false;
      return;
    }
    if (!this.x && this.inputs.length === 0) {
      const told = expectation(value);
      if (told && told !== 'same') this.x = this.declareInput({ name: 'x', type: { dtype: told.dtype, shape: [BATCH, ...told.shape] } });
      else if (!this.failed && this.sink.errors.length === 0) {
        const first = value.parts[0];
        this.sink.error('NN209', first?.span ?? s.span, `${first?.text ?? 'this'} does not tell the shape of what flows in`, {
          help: 'declare it: input x: [28, 28]',
        });
      }
    }
    const [first] = value.parts;
    if (first?.mixes && this.layers === 1 && this.inputs.length > 1) {
      const names = this.inputs.map((i) => i.name);
      this.sink.error('NN209', first.span, `there are ${names.length} inputs, and this does not say which of them flows in`, {
        help: `say it: ${names[0] ?? 'x'} -> Linear(8, 8), with the stage in parentheses where arithmetic follows`,
      });
      this.failed = true;
      return;
    }
    for (const part of value.parts) {
      const flowing = this.x;
      this.x = flowing && attempt(() => this.evaluator.runPart(part, flowing, this.top));
      this.failed ||= this.x === undefined;
      this.chain.push(part);
    }
  }
}
