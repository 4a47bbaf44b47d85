import type { Code } from '../base/codes.ts';
import type { DiagnosticSink } from '../base/diagnostics.ts';
import { at } from '../base/errors.ts';
import { textOf, type Span } from '../base/source.ts';
import { hint } from '../base/suggest.ts';
import { showShape, type Dim } from '../base/types.ts';
import type { GraphBuilder } from '../ir/graph/builder.ts';
import type { NodeId } from '../ir/graph/types.ts';
import type * as A from '../parser/ast.ts';
import { bindArguments } from './arguments.ts';
import { matmul, pointwise } from './arithmetic.ts';
import type { Definitions, Environment } from './environment.ts';
import { arithmetic } from './constants.ts';
import { isProblem, problem, type BuiltValue, type Layer, type Problem } from './layers/layer.ts';
import { LAYERS } from './layers/registry.ts';
import type { ModelBuilder } from './model-builder.ts';
import {
  Reported,
  attempt,
  constant,
  describeValue,
  expectation,
  stage,
  tensor,
  type Flow,
  type Part,
  type StageValue,
  type Value,
} from './values.ts';

/** How deep definitions may use one another: deeper ones use themselves. */
const MAX_DEPTH = 64;

/** Gives expressions their meaning: constants are computed, tensors become nodes, stages wait for what flows in. */
export class Evaluator {
  private readonly m: ModelBuilder;
  private readonly b: GraphBuilder;
  private readonly defs: Definitions;
  private readonly sink: DiagnosticSink;
  private depth = 0;

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
        return this.list(e, env, flow);
      case 'unary':
        return this.unary(e, env, flow);
      case 'binary':
        return this.binary(e, env, flow);
      case 'pipe':
        return this.pipe(e, env, flow);
      case 'label':
        return this.label(e, env, flow);
      case 'repeat':
        return this.repeat(e, env, flow);
      case 'index':
        return this.index(e, env, flow);
    }
  }

  /** An expression that must be a tensor; numbers become scalars. */
  tensorOf(v: Value, span: Span): NodeId {
    if (v.kind === 'tensor') return v.id;
    if (v.kind === 'const' && typeof v.value === 'number') return this.b.full(v.value, { dtype: 'f32', shape: [] });
    return this.fail('NN204', span, `a tensor is needed here, and this is ${describeValue(v)}`);
  }

  // --- names and calls --------------------------------------------------------------------------------------------

  private name(e: A.NameExpr, env: Environment): Value {
    const local = env.lookup(e.name);
    if (local === 'failed') throw new Reported(e.name);
    if (local) return local;
    if (this.defs.has(e.name) || Object.hasOwn(LAYERS, e.name))
      return this.call({ kind: 'call', callee: { text: e.name, span: e.span }, args: [], span: e.span }, env, { prefix: [], next: 0 });
    const known = [...env.names(), ...this.defs.names(), ...Object.keys(LAYERS)];
    const help = hint(e.name, known, 'there are');
    return this.fail('NN201', e.span, `'${e.name}' is not defined`, {
      help: help.startsWith('did') ? help : `define it before: let ${e.name} = ...`,
    });
  }

  private call(e: A.CallExpr, env: Environment, flow: Flow): Value {
    const { text: name, span } = e.callee;
    if (name === 'residual' || name === 'share') return this.combinator(name, e, env, flow);
    const def = this.defs.get(name);
    if (def) return def.kind === 'block' ? this.block(def, e, env, flow) : this.fn(def, e, env, flow);
    const layer = Object.hasOwn(LAYERS, name) ? LAYERS[name] : undefined;
    if (!layer) {
      const known = [...Object.keys(LAYERS), ...this.defs.names(), 'residual', 'share'];
      return this.fail('NN201', span, `there is no layer '${name}'`, { help: hint(name, known, 'layers') });
    }
    const inputs = layer.inputs ?? ['x'];
    const tensors = this.tensorArguments(e, inputs.length, layer, env, flow);
    const args = bindArguments(
      { callee: name, span: e.span, args: e.args.slice(tensors?.length ?? 0) },
      layer.parameters,
      layer.optional ?? [],
      env,
      this.sink,
    );
    if (!args) throw new Reported(name);
    const text = textOf(e.span).replace(/\s+/g, ' ');
    const run = (path: readonly string[], ids: readonly NodeId[]): Value =>
      this.m.build(layer, args, { path, text, span: e.span, ids, asStage: !tensors }, (p, notes) => this.refuse(p, e.span, notes));
    if (tensors) return run([...flow.prefix, String(flow.next)], tensors);
    if (inputs.length !== 1)
      return this.fail('NN202', e.span, `${name} takes ${inputs.map((i) => `'${i}'`).join(', ')}`, {
        help: `call it: ${name}(${inputs.join(', ')})`,
      });
    const part: Part = {
      label: undefined,
      span: e.span,
      text,
      transparent: false,
      expects: layer.expects?.(args) ?? (layer.keepsShape ? 'same' : undefined),
      run: (f, own, x) => run([...f.prefix, own], [this.tensorOf(x, e.span)]),
    };
    return stage([part]);
  }

  /** The leading arguments as tensors, if the first one is a value that flows; undefined if the call is a stage. */
  private tensorArguments(e: A.CallExpr, n: number, layer: Layer, env: Environment, flow: Flow): NodeId[] | undefined {
    const [first] = e.args;
    if (!first || first.name) return undefined;
    const plain =
      first.value.kind === 'number' || first.value.kind === 'string' || first.value.kind === 'boolean' || first.value.kind === 'list';
    // A number is an argument of a stage where the layer has parameters, and a value where it has none.
    if (n === 1 && plain && Object.keys(layer.parameters).length > 0) return undefined;
    if (first.value.kind === 'name' && env.lookup(first.value.name) === undefined) return n > 1 ? this.all(e, n, env, flow) : undefined;
    const value = this.evaluate(first.value, env, flow);
    if (n === 1 && value.kind === 'const' && Object.keys(layer.parameters).length > 0) return undefined;
    if (value.kind === 'stage') return undefined;
    return this.all(e, n, env, flow, value);
  }

  private all(e: A.CallExpr, n: number, env: Environment, flow: Flow, first?: Value): NodeId[] {
    const given = e.args.slice(0, n).filter((a) => !a.name);
    if (given.length < n)
      this.fail('NN202', e.span, `${e.callee.text} takes ${n} values, and ${given.length} ${given.length === 1 ? 'is' : 'are'} given`);
    return given.map((a, i) => this.tensorOf(i === 0 && first ? first : this.evaluate(a.value, env, flow), a.value.span));
  }

  private combinator(name: 'residual' | 'share', e: A.CallExpr, env: Environment, flow: Flow): Value {
    const [only] = e.args;
    if (!only || e.args.length !== 1 || only.name)
      return this.fail('NN202', e.span, `${name} takes one stage`, { help: `write ${name}(Linear(8, 8))` });
    const inner = this.evaluate(only.value, env, flow);
    if (inner.kind !== 'stage') return this.fail('NN204', only.span, `${name} takes a stage, and this is ${describeValue(inner)}`);
    const text = textOf(e.span).replace(/\s+/g, ' ');
    let home: { flow: Flow; own: string | undefined } | undefined;
    const part: Part = {
      label: undefined,
      span: e.span,
      text,
      transparent: true,
      expects: expectation(inner),
      run: (f, _own, x) => {
        if (name === 'residual') return this.add(x, this.apply(inner, x, f), e.span);
        // The first use says where the weights live; every other use goes there again.
        home ??= { flow: { prefix: f.prefix, next: f.next }, own: undefined };
        const again = home.flow.next !== f.next || home.flow.prefix !== f.prefix;
        const result = this.m.sharing(() => this.apply(inner, x, again ? { ...(home?.flow ?? f) } : f));
        return result;
      },
    };
    return stage([part]);
  }

  private add(x: Value, y: Value, span: Span): Value {
    const sum = pointwise(this.b, 'add', this.tensorOf(x, span), this.tensorOf(y, span));
    return typeof sum === 'number' ? tensor(sum) : this.refuse(sum, span);
  }

  private block(def: A.BlockStatement, e: A.CallExpr, env: Environment, flow: Flow): Value {
    const bound = this.bind(def.name.text, def.parameters, e, env, flow);
    const [value, extra] = [def.values.at(-1), def.values[0]];
    if (!value) return this.fail('NN215', def.name.span, `block ${def.name.text} has no value`, { help: 'its last line is its value' });
    if (extra && def.values.length > 1)
      return this.fail('NN215', extra.span, `block ${def.name.text} has ${def.values.length} values`, {
        help: 'name this one with let, or join the lines with ->',
      });
    const part: Part = {
      label: undefined,
      span: e.span,
      text: textOf(e.span).replace(/\s+/g, ' '),
      transparent: false,
      run: (f, own, x) =>
        this.deeper(def.name, () => {
          const prefix = [...f.prefix, own];
          const inside = env.globals().child();
          for (const [k, v] of bound) inside.define(k, v, def.name.span);
          inside.define('x', x, def.name.span);
          for (const l of def.lets) this.bindLet(l, inside, { prefix, next: 0 });
          const result = this.evaluate(value, inside, { prefix, next: 0 });
          return result.kind === 'stage' ? this.apply(result, x, { prefix, next: 0 }) : result;
        }),
    };
    return stage([part]);
  }

  private fn(def: A.FnStatement, e: A.CallExpr, env: Environment, flow: Flow): Value {
    const inside = (bound: ReadonlyMap<string, Value>): Value =>
      this.deeper(def.name, () => {
        const scope = env.globals().child();
        for (const [k, v] of bound) scope.define(k, v, def.name.span);
        return this.evaluate(def.value, scope, { prefix: flow.prefix, next: 0 });
      });
    const [first] = def.parameters;
    const missing = first && !e.args.some((a, i) => (a.name ? a.name.text === first.name.text : i === 0));
    // Without its first argument a function is a stage: what flows in takes its place.
    if (!missing) return inside(this.bind(def.name.text, def.parameters, e, env, flow));
    const bound = this.bind(def.name.text, def.parameters.slice(1), e, env, flow);
    const part: Part = {
      label: undefined,
      span: e.span,
      text: textOf(e.span).replace(/\s+/g, ' '),
      transparent: true,
      run: (_f, _own, x) => inside(new Map([...bound, [first.name.text, x]])),
    };
    return stage([part]);
  }

  /** Arguments of a block or fn by name. */
  private bind(callee: string, parameters: readonly A.ParameterDecl[], e: A.CallExpr, env: Environment, flow: Flow): Map<string, Value> {
    const names = parameters.map((p) => p.name.text);
    const bound = new Map<string, Value>();
    let position = 0;
    for (const a of e.args) {
      const name = a.name?.text ?? names[position++];
      if (name === undefined || !names.includes(name)) {
        this.fail(
          'NN202',
          a.span,
          name === undefined
            ? `${callee} takes at most ${names.length} argument${names.length === 1 ? '' : 's'}`
            : `${callee} has no argument '${name}'`,
          {
            help: name === undefined || names.length === 0 ? `it is ${callee}(${names.join(', ')})` : hint(name, names, 'it has'),
          },
        );
      }
      if (bound.has(name)) this.fail('NN202', a.span, `'${name}' is given twice`);
      bound.set(name, this.evaluate(a.value, env, flow));
    }
    for (const p of parameters) {
      if (bound.has(p.name.text)) continue;
      if (!p.value) this.fail('NN202', e.span, `${callee} needs '${p.name.text}'`, { help: `it is ${callee}(${names.join(', ')})` });
      else bound.set(p.name.text, this.evaluate(p.value, env.globals(), flow));
    }
    return bound;
  }

  private deeper<T>(name: A.Name, body: () => T): T {
    if (this.depth >= MAX_DEPTH) return this.fail('NN214', name.span, `'${name.text}' uses itself, so it never ends`);
    this.depth++;
    try {
      return body();
    } finally {
      this.depth--;
    }
  }

  /** `let` of one name or several. */
  bindLet(l: A.LetStatement, env: Environment, flow: Flow): void {
    const value = attempt(() => this.evaluate(l.value, env, flow));
    const define = (name: A.Name, v: Value | undefined): void => {
      if (!env.define(name.text, v ?? 'failed', name.span))
        this.sink.error('NN205', name.span, `'${name.text}' is defined already`, { help: 'choose another name' });
    };
    const [only] = l.names;
    if (only && l.names.length === 1) return define(only, value);
    if (value && (value.kind !== 'tuple' || value.items.length !== l.names.length)) {
      this.sink.error('NN204', l.value.span, `${l.names.length} values are needed, and this is ${describeValue(value)}`);
    }
    l.names.forEach((n, i) => define(n, value?.kind === 'tuple' ? value.items[i] : undefined));
  }

  // --- chains -----------------------------------------------------------------------------------------------------

  /** Lets a value flow through a stage. */
  apply(s: StageValue, x: Value, flow: Flow): Value {
    return s.parts.reduce((v, part) => this.runPart(part, v, flow), x);
  }

  runPart(part: Part, x: Value, flow: Flow): Value {
    if (part.transparent) return part.run(flow, part.label ?? '', x);
    const name = part.label ?? String(flow.next);
    flow.next++;
    return part.run(flow, name, x);
  }

  /** All stages are looked at, so that one run reports what is wrong with each of them. */
  private pipe(e: A.PipeExpr, env: Environment, flow: Flow): Value {
    const inner: Flow = { prefix: flow.prefix, next: 0 };
    const values = e.stages.map((s) => attempt(() => this.evaluate(s, env, inner)));
    let flowing: Value | undefined = values[0]?.kind === 'stage' ? undefined : values[0];
    const parts: Part[] = [];
    const start = flowing ? 1 : 0;
    let broken = values[0] === undefined && start === 0;
    for (const [i, v] of [...values.entries()].slice(start)) {
      const span = at(e.stages, i).span;
      if (!v) {
        broken = true;
        parts.push(hole(span));
      } else if (v.kind !== 'stage') {
        if (
          !attempt(() =>
            this.fail('NN210', span, `a layer is needed here, and this is ${describeValue(v)}`, {
              help: 'a chain is layers with -> between them: Linear(1, 16) -> relu -> Linear(16, 1)',
            }),
          )
        )
          parts.push(hole(span));
        broken = true;
      } else if (flowing) {
        if (broken) continue;
        flowing = this.apply(v, flowing, inner);
      } else parts.push(...v.parts);
    }
    if (flowing) {
      if (broken) throw new Reported('chain');
      return flowing;
    }
    return stage(parts);
  }

  private label(e: A.LabelExpr, env: Environment, flow: Flow): Value {
    const inner = this.evaluate(e.stage, env, flow);
    if (inner.kind !== 'stage') return this.fail('NN210', e.stage.span, `a name goes to a layer, and this is ${describeValue(inner)}`);
    const { text } = e.label;
    const [only] = inner.parts;
    if (only && inner.parts.length === 1 && !only.transparent) return stage([{ ...only, label: text }]);
    // A name in front of a parenthesis makes a level of its own.
    const part: Part = {
      label: text,
      span: e.span,
      text: textOf(e.span),
      transparent: false,
      expects: expectation(inner),
      run: (f, own, x) => this.apply(inner, x, { prefix: [...f.prefix, own], next: 0 }),
    };
    return stage([part]);
  }

  private repeat(e: A.RepeatExpr, env: Environment, flow: Flow): Value {
    const times = this.evaluate(e.times, env, flow);
    if (times.kind !== 'const' || typeof times.value !== 'number' || !Number.isInteger(times.value) || times.value < 1) {
      return this.fail('NN206', e.times.span, 'a number of copies is a whole number above 0');
    }
    const n = times.value;
    const inner = this.evaluate(e.stage, env, flow);
    if (inner.kind !== 'stage') return this.fail('NN210', e.stage.span, `repeat takes a stage, and this is ${describeValue(inner)}`);
    const [only] = inner.parts;
    const part: Part = {
      label: undefined,
      span: e.span,
      text: textOf(e.span).replace(/\s+/g, ' '),
      transparent: false,
      expects: expectation(inner),
      run: (f, own, x) => {
        let v = x;
        for (let i = 0; i < n; i++) {
          const prefix = [...f.prefix, own];
          if (only && inner.parts.length === 1 && !only.transparent && only.label === undefined)
            v = only.run({ prefix, next: 0 }, String(i), v);
          else v = this.apply(inner, v, { prefix: [...prefix, String(i)], next: 0 });
        }
        return v;
      },
    };
    return stage([part]);
  }

  // --- arithmetic -------------------------------------------------------------------------------------------------

  private list(e: A.ListExpr, env: Environment, flow: Flow): Value {
    const items = e.items.map((item) => this.evaluate(item, env, flow));
    if (items.every((v) => v.kind === 'const')) return constant(items.map((v) => v.value));
    return { kind: 'tuple', items };
  }

  private unary(e: A.UnaryExpr, env: Environment, flow: Flow): Value {
    const v = this.evaluate(e.operand, env, flow);
    if (v.kind === 'const') {
      if (typeof v.value !== 'number')
        return this.fail('NN204', e.operand.span, `a number is needed here, and this is ${describeValue(v)}`);
      return constant(-v.value);
    }
    return this.lift([v], e.span, ([x]) => {
      const id = this.tensorOf(x ?? v, e.operand.span);
      if (this.b.type(id).dtype === 'bool') return this.fail('NN204', e.span, 'a truth value has no negative');
      return tensor(this.b.op('neg', id));
    });
  }

  private binary(e: A.BinaryExpr, env: Environment, flow: Flow): Value {
    const [l, r] = [this.evaluate(e.left, env, flow), this.evaluate(e.right, env, flow)];
    if (l.kind === 'const' && r.kind === 'const') {
      for (const [v, x] of [
        [l, e.left],
        [r, e.right],
      ] as const) {
        if (typeof v.value !== 'number') this.fail('NN204', x.span, `a number is needed here, and this is ${describeValue(v)}`);
      }
      const value = arithmetic(e.operator, l.value as number, r.value as number);
      if (value === undefined)
        return this.fail('NN206', e.span, `${String(l.value)} ${e.operator} ${String(r.value)} is not a finite number`);
      return constant(value);
    }
    return this.lift([l, r], e.span, ([x, y]) => {
      const result = this.operate(e.operator, this.tensorOf(x ?? l, e.left.span), this.tensorOf(y ?? r, e.right.span));
      return isProblem(result) ? this.refuse(result, e.span) : tensor(result as NodeId);
    });
  }

  /** Arithmetic on stages is a stage: (F + G)(x) = F(x) + G(x). */
  private lift(operands: readonly Value[], span: Span, combine: (values: readonly Value[]) => Value): Value {
    if (!operands.some((v) => v.kind === 'stage')) return combine(operands);
    const part: Part = {
      label: undefined,
      span,
      text: textOf(span).replace(/\s+/g, ' '),
      transparent: true,
      expects: operands.map((v) => (v.kind === 'stage' ? expectation(v) : 'same')).find((x) => x !== 'same') ?? 'same',
      run: (f, _own, x) => {
        // The operands stand side by side: the sum counts as the longest of them.
        const start = f.next;
        const values = operands.map((v) => {
          if (v.kind !== 'stage') return v;
          const own: Flow = { prefix: f.prefix, next: start };
          const result = this.apply(v, x, own);
          f.next = Math.max(f.next, own.next);
          return result;
        });
        return combine(values);
      },
    };
    return stage([part]);
  }

  private operate(op: A.BinaryOperator, p: NodeId, q: NodeId): BuiltValue {
    const { b } = this;
    if ([p, q].some((v) => b.type(v).dtype === 'bool'))
      return problem('NN204', `${op} takes numbers, and this is a truth value`, 'where(condition, a, b) turns it into numbers');
    // Quotients, powers and products of labels are numbers.
    const [x, y] = ['/', '%', '^', '@'].includes(op) ? [b.cast(p, 'f32'), b.cast(q, 'f32')] : [p, q];
    const simple = { '+': 'add', '-': 'sub', '*': 'mul', '/': 'div', '^': 'pow', '<': 'lt', '<=': 'le', '==': 'eq' } as const;
    if (op === '@') return matmul(b, x, y);
    if (op === '>') return pointwise(b, 'lt', y, x);
    if (op === '>=') return pointwise(b, 'le', y, x);
    if (op === '!=') {
      const same = pointwise(b, 'eq', x, y);
      return typeof same === 'number' ? b.op('not', same) : same;
    }
    if (op === '%') {
      const q = pointwise(b, 'div', x, y);
      if (typeof q !== 'number') return q;
      const whole = pointwise(b, 'mul', b.op('floor', q), y);
      return typeof whole === 'number' ? pointwise(b, 'sub', x, whole) : whole;
    }
    return pointwise(b, simple[op], x, y);
  }

  private index(e: A.IndexExpr, env: Environment, flow: Flow): Value {
    const v = this.evaluate(e.value, env, flow);
    const number = (x: A.Expr | undefined): number | undefined => {
      if (!x) return undefined;
      const n = this.evaluate(x, env, flow);
      if (n.kind !== 'const' || typeof n.value !== 'number' || !Number.isInteger(n.value))
        return this.fail('NN204', x.span, 'an index is a whole number');
      return n.value;
    };
    if (v.kind === 'tuple') {
      const i = number(e.items[0]?.from) ?? 0;
      return v.items.at(i) ?? this.fail('NN206', e.span, `there are ${v.items.length} values`);
    }
    const x = this.tensorOf(v, e.value.span);
    const shape = this.b.shape(x);
    if (e.items.length > shape.length) return this.fail('NN203', e.span, `${showShape(shape)} has ${shape.length} axes`);
    const start: number[] = [];
    const size: Dim[] = [];
    const kept: Dim[] = [];
    shape.forEach((d, axis) => {
      const item = e.items[axis];
      if (!item || (item.range && !item.from && !item.to)) {
        start.push(0);
        size.push(d);
        kept.push(d);
        return;
      }
      if (typeof d !== 'number') return this.fail('NN203', item.span, 'the batch axis is taken whole', { help: 'write : for it' });
      const wrap = (n: number): number => (n < 0 ? n + d : n);
      const from = wrap(number(item.from) ?? 0);
      const to = item.range ? Math.min(d, wrap(number(item.to) ?? d)) : from + 1;
      if (from < 0 || from >= d || to <= from) return this.fail('NN206', item.span, `${showShape(shape)} has ${d} places on axis ${axis}`);
      start.push(from);
      size.push(to - from);
      if (item.range) kept.push(to - from);
      return;
    });
    return tensor(this.b.reshape(this.b.add('slice', [x], { start, size }), kept));
  }
}

/** Stands for a stage whose error is reported, so that the others are still looked at. */
function hole(span: Span): Part {
  return {
    label: undefined,
    span,
    text: '',
    transparent: true,
    run: () => {
      throw new Reported('hole');
    },
  };
}
