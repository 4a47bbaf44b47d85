import type { Code } from '../base/codes.ts';
import type { DiagnosticSink } from '../base/diagnostics.ts';
import type { Span } from '../base/source.ts';
import type { GraphBuilder } from '../ir/graph/builder.ts';
import type { NodeId } from '../ir/graph/types.ts';
import type * as A from '../parser/ast.ts';
import type { Definitions, Environment } from './environment.ts';
import type { Evaluation } from './evaluation.ts';
import { advice, foreign, reductionOf } from './advice.ts';
import { arrayOf, ragged } from './constants.ts';
import { CREATORS, creatorCall } from './creators.ts';
import { paramOf } from './declarations.ts';
import { blockCall, fnCall, stageCall } from './definition-call.ts';
import { binary, list, unary } from './expressions.ts';
import { index } from './indexing.ts';
import { member } from './members.ts';
import { derivative } from './derivative.ts';
import { layerCall } from './layer-call.ts';
import type { Problem } from './layers/layer.ts';
import { LAYERS } from './layers/registry.ts';
import { lossCall } from './loss-call.ts';
import { LOSSES } from './losses/registry.ts';
import type { ModelBuilder } from './model-builder.ts';
import { scan } from './scan.ts';
import { combinator, label, pipe, repeat } from './stages.ts';
import type { Targets } from './targets.ts';
import { sameType } from '../base/types.ts';
import { table } from './functions.ts';
import { Reported, attempt, constant, describeValue, tensor, type Flow, type StagePart, type StageValue, type Value } from './values.ts';

/** Definitions that nest deeper than this call themselves. */
const MAX_DEPTH = 64;

/** Evaluates expressions: constants are computed, tensors become nodes, stages wait for their input. */
export class Evaluator implements Evaluation {
  readonly m: ModelBuilder;
  readonly b: GraphBuilder;
  private readonly defs: Definitions;
  private readonly sink: DiagnosticSink;
  private depth = 0;
  growing = false;
  targets: Targets | undefined;
  /** Words that the walk through a file defines: `pred`, `target`. */
  free: (name: string, span: Span) => Value | undefined = () => undefined;
  /** Those words, for suggestions. */
  freeWords: readonly string[] = [];
  /** Calls that the walk through a file defines. */
  readonly specials = new Map<string, (e: A.CallExpr, env: Environment, flow: Flow) => Value>([
    ['grad', (e, env, flow) => derivative(this, e, env, flow)],
  ]);

  constructor(m: ModelBuilder, defs: Definitions, sink: DiagnosticSink) {
    this.m = m;
    this.b = m.b;
    this.defs = defs;
    this.sink = sink;
  }

  fail(
    code: Code,
    span: Span,
    label: string,
    more: { readonly help?: string | undefined; readonly notes?: readonly string[] } = {},
  ): never {
    const { help, notes } = more;
    this.sink.error(code, span, label, { ...(help ? { help } : {}), ...(notes ? { notes } : {}) });
    throw new Reported(label);
  }

  warn(code: Code, span: Span, label: string, help: string): void {
    // A stage may be built several times, but is warned about once.
    if (this.sink.said(code, span)) return;
    this.sink.warn(code, span, label, help);
  }

  refuse(p: Problem, span: Span, notes?: readonly string[]): never {
    return this.fail(p.code, span, p.label, { help: p.help, ...(notes ? { notes } : {}) });
  }

  evaluate(e: A.Expr, env: Environment, flow: Flow): Value {
    switch (e.kind) {
      case 'number':
      case 'string':
      case 'boolean':
        return constant(e.value);
      case 'name':
        return this.name(e, env);
      case 'call':
        return this.call(e, env, flow);
      case 'list':
        return list(this, e, env, flow);
      case 'unary':
        return unary(this, e, env, flow);
      case 'binary':
        return binary(this, e, env, flow);
      case 'pipe':
        return pipe(this, e, env, flow);
      case 'label':
        return label(this, e, env, flow);
      case 'repeat':
        return repeat(this, e, env, flow);
      case 'index':
        return index(this, e, env, flow);
      case 'member':
        return member(this, e, env, flow);
    }
  }

  /** An expression that must be a tensor; numbers become scalars. */
  tensorOf(v: Value, span: Span): NodeId {
    if (v.kind === 'tensor') return v.id;
    if (v.kind === 'const' && typeof v.value === 'number') return this.b.full(v.value, { dtype: 'f32', shape: [] });
    if (v.kind === 'const' && typeof v.value === 'boolean')
      return this.b.cast(this.b.full(v.value ? 1 : 0, { dtype: 'i32', shape: [] }), 'bool');
    const numbers = v.kind === 'const' && Array.isArray(v.value) ? arrayOf(v.value) : undefined;
    if (numbers) return table(this.b, numbers.data, numbers.shape);
    // A list of values of one shape is stacked.
    if (v.kind === 'tuple' && v.items.length > 0) {
      const parts = v.items.map((item) => this.tensorOf(item, span));
      const [first = -1] = parts;
      const shape = this.b.shape(first);
      if (parts.every((p) => sameType(this.b.type(p), this.b.type(first)))) {
        const thick = parts.map((p) => this.b.reshape(p, [1, ...shape]));
        return thick.length === 1 ? (thick[0] ?? -1) : this.b.add('concat', thick, { axis: 0 });
      }
    }
    const help = v.kind === 'tuple' ? 'choose one by its place, as in values[0], or name all: let a, b = ...' : undefined;
    return this.fail('NN204', span, `a tensor is needed here, and this is ${(v.kind === 'const' && ragged(v.value)) || describeValue(v)}`, {
      help,
    });
  }

  // --- names and calls --------------------------------------------------------------------------------------------

  private name(e: A.NameExpr, env: Environment): Value {
    const local = env.lookup(e.name);
    if (local === 'failed') throw new Reported(e.name);
    const given = local ?? this.free(e.name, e.span);
    if (given) return given;
    if (this.defs.has(e.name) || Object.hasOwn(LAYERS, e.name) || Object.hasOwn(CREATORS, e.name))
      return this.call({ kind: 'call', callee: { text: e.name, span: e.span }, args: [], span: e.span }, env, { prefix: [], next: 0 });
    if (e.name === 'pi') return constant(Math.PI);
    const loss = Object.hasOwn(LOSSES, e.name) ? LOSSES[e.name] : undefined;
    if (loss) {
      const values = [...(loss.operands ?? ['pred']), ...(loss.target ? ['target'] : [])].join(', ');
      this.fail('NN202', e.span, `${e.name} compares values, and none are given`, {
        help: `in an expression it is ${e.name}(${values})`,
      });
    }
    const known = [...env.names(), ...this.freeWords, ...this.defs.names(), ...Object.keys(LAYERS)];
    const help = advice(e.name, known, 'there are');
    return this.fail('NN201', e.span, `'${e.name}' is not defined`, {
      help: foreign(e.name) ?? (help.startsWith('did') ? help : `define it before: let ${e.name} = ...`),
    });
  }

  private call(e: A.CallExpr, env: Environment, flow: Flow): Value {
    const { text: name, span } = e.callee;
    if (name === 'residual' || name === 'share') return combinator(this, name, e, env, flow);
    if (name === 'scan') return scan(this, e, env, flow);
    const special = this.specials.get(name);
    if (special) return special(e, env, flow);
    const local = env.lookup(name);
    // An error in its definition has been reported already, unless the name also means something else.
    if (local === 'failed' && !this.names(name)) throw new Reported(name);
    if (local && local !== 'failed' && local.kind === 'stage') return stageCall(this, local, e, env, flow);
    const def = this.defs.get(name);
    if (def) return def.kind === 'block' ? blockCall(this, def, e, env, flow) : fnCall(this, def, e, env, flow);
    const make = Object.hasOwn(CREATORS, name) ? CREATORS[name] : undefined;
    if (make && (name !== 'arange' || this.countsOn(e, env))) return creatorCall(this, this.sink, make, e, env, flow);
    const layer = Object.hasOwn(LAYERS, name) ? LAYERS[name] : undefined;
    const loss = layer || !Object.hasOwn(LOSSES, name) ? undefined : LOSSES[name];
    if (loss) return lossCall(this, this.sink, loss, e, env, flow);
    if (!layer) {
      const known = [
        ...Object.keys(LAYERS),
        ...Object.keys(CREATORS),
        ...this.defs.names(),
        ...this.specials.keys(),
        'residual',
        'share',
        'scan',
      ];
      const shared = this.m.params.some((p) => p.name.startsWith(`${name}.`))
        ? `'${name}' names the weights of a stage; to use it again, write it before: let ${name} = share(...)`
        : undefined;
      return this.fail('NN201', span, `there is no layer '${name}'`, { help: shared ?? advice(name, known, 'layers') });
    }
    const whole = reductionOf(e);
    if (whole !== undefined) return this.fail('NN202', e.span, `${name} compares two values`, { help: `write ${whole}` });
    return layerCall(this, this.sink, layer, e, env, flow);
  }

  /** Whether a call of this name can mean a definition of the file or a builtin. */
  private names(name: string): boolean {
    return this.defs.has(name) || [CREATORS, LAYERS, LOSSES].some((table) => Object.hasOwn(table, name));
  }

  /** `arange(5)` counts; `arange(x)` gives the indices of an axis of x. */
  private countsOn(e: A.CallExpr, env: Environment): boolean {
    const [first] = e.args;
    if (!first) return false;
    const isConstant = (x: A.Expr): boolean =>
      x.kind === 'number' ||
      (x.kind === 'name' && env.constant(x.name) !== undefined) ||
      (x.kind === 'unary' && isConstant(x.operand)) ||
      (x.kind === 'binary' && isConstant(x.left) && isConstant(x.right));
    return first.name ? first.name.text !== 'dim' : isConstant(first.value);
  }

  deeper<T>(name: A.Name, body: () => T): T {
    if (this.depth >= MAX_DEPTH) return this.fail('NN214', name.span, `'${name.text}' uses itself, so it never ends`);
    this.depth++;
    try {
      return body();
    } finally {
      this.depth--;
    }
  }

  bind(l: A.LetStatement | A.ParamStatement, env: Environment, flow: Flow): void {
    const define = (name: A.Name, v: Value | undefined): void => {
      if (!env.define(name.text, v ?? 'failed', name.span))
        this.sink.error('NN205', name.span, `'${name.text}' is defined already`, { help: 'choose another name' });
    };
    if (l.kind === 'param') {
      define(
        l.name,
        attempt(() => tensor(paramOf(l, this, env, this.sink, flow.prefix))),
      );
      return;
    }
    // Shared weights take the name of a `let` only if its value is the share(...) itself, not an expression around it.
    const shares = l.value.kind === 'call' && l.value.callee.text === 'share';
    const binding = shares && l.names.length === 1 ? l.names[0]?.text : undefined;
    const several = l.names.length > 1 && l.value.kind === 'call' ? { several: l.value } : {};
    const from: Flow = { ...flow, ...several, ...(binding === undefined ? {} : { binding }) };
    const value = attempt(() => this.evaluate(l.value, env, from));
    const [only] = l.names;
    if (only && l.names.length === 1) return define(only, value);
    if (value && (value.kind !== 'tuple' || value.items.length !== l.names.length)) {
      this.sink.error('NN204', l.value.span, `${l.names.length} values are needed, and this is ${describeValue(value)}`);
    }
    l.names.forEach((n, i) => define(n, value?.kind === 'tuple' ? value.items[i] : undefined));
  }

  /** Lets a value flow through a stage. */
  apply(s: StageValue, x: Value, flow: Flow): Value {
    return s.parts.reduce((v, part) => this.runPart(part, v, flow), x);
  }

  runPart(part: StagePart, x: Value, flow: Flow): Value {
    if (part.transparent) return part.run(flow, part.label ?? '', x);
    const name = part.label ?? String(flow.next);
    flow.next++;
    return part.run(flow, name, x);
  }
}
