import type { DiagnosticSink } from '../base/diagnostics.ts';
import { at } from '../base/errors.ts';
import { place, type Span } from '../base/source.ts';
import { count, sameShape, showShape, type Shape, type TensorType } from '../base/types.ts';
import { GraphBuilder } from '../ir/graph/builder.ts';
import { flopsOf } from '../ir/graph/flops.ts';
import type { NodeId } from '../ir/graph/types.ts';
import type { AnyArgs } from './arguments.ts';
import type { Init } from '../base/init.ts';
import type { Overrides } from './initialisers.ts';
import { isProblem, problem, type Layer, type LayerContext, type Problem } from './layers/layer.ts';
import type { StateUse } from '../ir/graph/state-use.ts';
import type { CounterInfo, MeasureInfo, ParamInfo, StageInfo } from './model.ts';
import { SingleDraws } from './single-draws.ts';
import { tensor, type Value } from './values.ts';

/** One use of a layer: its place in the names and in the text, and its inputs. */
export interface Site {
  readonly path: readonly string[];
  readonly text: string;
  readonly span: Span;
  readonly ids: readonly NodeId[];
  /** Tensors passed by name. */
  readonly named: Readonly<Record<string, NodeId>>;
  /** Initialisers that the call gives. */
  readonly inits: Overrides;
  /** A stage of a chain, not a function in an expression. */
  readonly asStage: boolean;
}

/** The most operations of a program, before derivatives: compiling them takes seconds, and no net that is written by hand has as many. */
export const MAX_NODES = 100_000;

/** Grows the graph of a model: parameters by name, random streams, and the table of stages. */
export class ModelBuilder {
  readonly b: GraphBuilder;
  readonly params: ParamInfo[] = [];
  /** States: kept from step to step, but not trained. */
  readonly states: ParamInfo[] = [];
  readonly stages: StageInfo[] = [];
  /** The result of each stage, by path. */
  readonly results = new Map<string, NodeId>();
  /** PyTorch's counters of how often a state was updated. */
  readonly counters: CounterInfo[] = [];
  /** Where channel statistics are computed over the batch. */
  readonly measures: MeasureInfo[] = [];
  /** Each use of a layer that updates a state. */
  readonly uses: StateUse[] = [];
  /** Random numbers that all examples share. */
  readonly singleDraws: SingleDraws;
  private readonly nodes = new Map<string, NodeId>();
  /** How each value was computed, for shape errors. */
  private readonly history = new Map<NodeId, readonly string[]>();
  private readonly training: boolean;
  private readonly sink: DiagnosticSink;
  private streams = 0;
  /** The active calls of {@link sharing}, innermost last: the names that may be reused, and where new names are recorded. */
  private readonly sharers: { readonly known: ReadonlySet<string>; readonly own: Set<string> | undefined }[] = [];
  /** The paths where shared weights begin. */
  private readonly homes = new Set<string>();
  private printing = false;
  private inFunction: string | undefined;

  constructor(name: string, training: boolean, sink: DiagnosticSink) {
    this.b = new GraphBuilder(name);
    this.b.limit = MAX_NODES;
    this.singleDraws = new SingleDraws(this.b);
    this.training = training;
    this.sink = sink;
  }

  /** The errors so far. */
  get errors(): number {
    return this.sink.errors.length;
  }

  input(name: string, type: TensorType): NodeId {
    return this.b.add('input', [], { name }, type, { name });
  }

  /**
   * While `body` runs, existing names may be reused instead of being an error: those in `own`, which earlier runs of the same body have
   * declared, or all if `own` is missing. Declaring a name twice in one run stays an error.
   */
  sharing<T>(body: () => T, own?: Set<string>): T {
    this.sharers.push({ known: new Set(own ?? this.nodes.keys()), own });
    try {
      return body();
    } finally {
      this.sharers.pop();
    }
  }

  /** The first index of a chain, from `next` on, where no other shared weights begin. */
  settle(prefix: readonly string[], next: number): number {
    let n = next;
    const name = (): string => [...prefix, n].join('.');
    while (this.homes.has(name())) n++;
    this.homes.add(name());
    return n;
  }

  /** Whether an existing name may be reused with this shape; reports an error if not. */
  private again(name: string, known: NodeId, shape: readonly number[], span: Span, what: string, help: string): boolean {
    const allowed = this.sharers.some((s) => s.known.has(name));
    if (allowed && sameShape(this.b.shape(known), shape)) return true;
    const label = allowed
      ? `'${name}' is shared, and is ${showShape(this.b.shape(known))} elsewhere and ${showShape(shape)} here`
      : `a ${what} is called '${name}' already`;
    this.sink.error('NN205', span, label, { help });
    return false;
  }

  private note(name: string): void {
    for (const s of this.sharers) s.own?.add(name);
  }

  /** A parameter or state by the end of its name, searched from the innermost prefix outwards. */
  weight(path: readonly string[], prefix: readonly string[]): NodeId | undefined {
    for (let n = prefix.length; n >= 0; n--) {
      const found = this.nodes.get([...prefix.slice(0, n), ...path].join('.'));
      if (found !== undefined) return found;
    }
    return undefined;
  }

  weightNames(): string[] {
    return [...this.nodes.keys()];
  }

  /** While `body` runs, weights stand in this function, whose uses all have the same names. */
  withinFunction<T>(name: string, body: () => T): T {
    const before = this.inFunction;
    this.inFunction = name;
    try {
      return body();
    } finally {
      this.inFunction = before;
    }
  }

  /** Declares a parameter, or returns the one that shares its name. */
  param(name: string, shape: readonly number[], init: Init, span: Span, layer: string): NodeId {
    const known = this.nodes.get(name);
    this.note(name);
    const f = this.inFunction;
    const help =
      f === undefined
        ? 'give the stage a name of its own, as in fc1: Linear(8, 8)'
        : `a function has no weights of its own, and a block has new ones at each use: block ${f[0]?.toUpperCase()}${f.slice(1)}() { ... }, where x is its input`;
    if (known !== undefined)
      return this.again(name, known, shape, span, 'parameter', help) ? known : this.b.full(0, { dtype: 'f32', shape });
    this.params.push({ name, shape, init, layer, span });
    const id = this.b.add('param', [], { name }, { dtype: 'f32', shape }, { name, loc: place(span) });
    this.nodes.set(name, id);
    return id;
  }

  /** Declares state that is not trained; while training, `keep` sets its next value. */
  state(
    name: string,
    shape: readonly number[],
    init: Init,
    span: Span,
    layer: string,
  ): { readonly value: NodeId; readonly keep: (next: NodeId) => void } {
    const known = this.nodes.get(name);
    this.note(name);
    if (known !== undefined && !this.again(name, known, shape, span, 'state', 'name the stage')) {
      // After an error, go on with the requested shape.
      return { value: this.b.full(0, { dtype: 'f32', shape }), keep: () => undefined };
    }
    const stored = known ?? this.b.add('state', [], { name }, { dtype: 'f32', shape }, { name, loc: place(span) });
    if (known === undefined) this.states.push({ name, shape, init, layer, span });
    this.nodes.set(name, stored);
    // If a state is shared by several uses, each starts from what the one before it left, as in PyTorch.
    const value = this.b.writes.find((w) => w.state === name)?.value ?? stored;
    const keep = (next: NodeId): void => {
      const before = this.b.writes.findIndex((w) => w.state === name);
      if (before >= 0) this.b.writes.splice(before, 1);
      this.uses.push({ state: name, before: value, next });
      this.b.writes.push({ state: name, value: next });
    };
    return { value, keep };
  }

  /** Whether random numbers are drawn: while training, and in `print` lines. */
  get draws(): boolean {
    return this.training || this.printing;
  }

  /** While `body` runs, random numbers are drawn even outside of training. */
  drawing<T>(on: boolean, body: () => T): T {
    const before = this.printing;
    this.printing = on;
    try {
      return body();
    } finally {
      this.printing = before;
    }
  }

  /** Uniform random numbers of this step, from a stream of their own. */
  random(shape: Shape): NodeId {
    const { b } = this;
    const key = (which: 'seed' | 'step'): NodeId => b.add('scalar', [], { name: which, expr: which }, { dtype: 'i32', shape: [] });
    return b.add('uniform', [key('seed'), key('step')], { stream: ++this.streams }, { dtype: 'f32', shape });
  }

  /** Builds a layer. Problems go to `refuse`, unless the layer's arguments imply an output shape to go on with. */
  build(layer: Layer, args: AnyArgs, site: Site, refuse: (p: Problem, notes: readonly string[]) => never): Value {
    const { b } = this;
    const { text, span } = site;
    const path = site.path.join('.');
    const loc = place(span);
    const kind = /^\w*/.exec(text)?.[0] ?? text;
    const before = { nodes: b.nodes.length, params: this.params.length };
    const first = site.ids[0];
    const shape = first === undefined ? [] : b.shape(first);
    const trace = (first === undefined ? undefined : this.history.get(first)) ?? [showShape(shape)];
    const cx: LayerContext = {
      b,
      training: this.training,
      draws: this.draws,
      text,
      named: site.named,
      param: (key, dims, init) => {
        const override = /^bias|bias$/.test(key) ? site.inits.bias_init : /weight/.test(key) ? site.inits.init : undefined;
        const chosen = override?.(dims) ?? init;
        return typeof chosen === 'string'
          ? refuse(problem('NN206', `'${key}' [${dims.join(', ')}]: ${chosen}`), [])
          : this.param(`${path}.${key}`, dims, chosen, span, kind);
      },
      state: (key, dims, init, counter) => {
        const state = `${path}.${key}`;
        if (counter && !this.nodes.has(state)) this.counters.push({ name: `${path}.${counter.name}`, state, each: counter.each });
        return this.state(state, dims, init, span, kind);
      },
      measures: (values) => this.measures.push({ text, span, values }),
      random: (dims) => this.random(dims),
    };
    const result = this.typeProblem(layer, site) ?? b.within({ name: `${path} ${text}`, loc }, () => layer.build(cx, args, ...site.ids));
    if (isProblem(result)) {
      const notes = trace.length > 1 ? [`the value came from: ${trace.join(' -> ')}`] : [`the input is ${trace.join()}`];
      const promised = layer.assume?.(args, shape);
      if (!promised) return refuse(result, notes);
      this.sink.error(result.code, span, result.label, { notes, ...(result.help ? { help: result.help } : {}) });
      return this.record(b.add('input', [], { name: `after ${path}` }, { dtype: 'f32', shape: promised }), trace, text);
    }
    const results = typeof result === 'number' ? [result] : result;
    const size = this.params.slice(before.params).reduce((n, p) => n + count(p.shape), 0);
    // Inside blocks only stages with weights are listed.
    if (size > 0 || (site.asStage && site.path.length <= 1))
      this.stages.push({
        path,
        text,
        loc,
        output: b.shape(at(results, 0)),
        params: size,
        flops: flopsOf(b.nodes.slice(before.nodes), b.nodes),
      });
    if (path !== '' && results.length === 1) this.results.set(path, at(results, 0));
    const items = results.map((id) => this.record(id, trace, text));
    return typeof result === 'number' ? at(items, 0) : { kind: 'tuple', items };
  }

  private typeProblem(layer: Layer, site: Site): Problem | undefined {
    const wrong = layer.anyType ? undefined : site.ids.map((id) => this.b.type(id)).find((t) => t.dtype !== 'f32');
    if (!wrong) return undefined;
    const [what, help] =
      wrong.dtype === 'i32'
        ? ['labels', 'float(x) makes numbers of whole numbers, and Embedding learns numbers for labels']
        : ['truth values', 'where(condition, a, b) turns them into numbers'];
    return problem('NN204', `${site.text} takes numbers, and ${what} ${showShape(wrong.shape)} flow in`, help);
  }

  private record(id: NodeId, trace: readonly string[], text: string): Value {
    if (!this.history.has(id)) this.history.set(id, [...trace, text, showShape(this.b.shape(id))].slice(-9));
    return tensor(id);
  }
}
