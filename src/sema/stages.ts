import { at } from '../base/errors.ts';
import { textOf, type Span } from '../base/source.ts';
import type * as A from '../parser/ast.ts';
import { pointwise } from './arithmetic.ts';
import type { Environment } from './environment.ts';
import type { Evaluation } from './evaluation.ts';
import { Reported, attempt, describeValue, expectation, stage, tensor, type Flow, type StagePart, type Value } from './values.ts';

/** Combinators of stages: chains, names, copies, residuals, shared weights, arithmetic. */

export function combinator(ev: Evaluation, name: 'residual' | 'share', e: A.CallExpr, env: Environment, flow: Flow): Value {
  const [only] = e.args;
  if (!only || e.args.length !== 1 || only.name)
    return ev.fail('NN202', e.span, `${name} takes one stage`, { help: `write ${name}(Linear(8, 8))` });
  const { binding, ...unbound } = flow;
  const inner = ev.evaluate(only.value, env, unbound);
  if (inner.kind !== 'stage') return ev.fail('NN204', only.span, `${name} takes a stage, and this is ${describeValue(inner)}`);
  const text = textOf(e.span).replace(/\s+/g, ' ');
  // Shared weights are named after the `let` of the stage, or else after its first use.
  const [one] = inner.parts;
  const single = one && inner.parts.length === 1 && !one.transparent;
  const own = new Set<string>();
  let home: Flow | undefined = binding === undefined ? undefined : { prefix: single ? flow.prefix : [...flow.prefix, binding], next: 0 };
  const named = binding !== undefined && single ? stage([{ ...one, label: one.label ?? binding }]) : inner;
  const part: StagePart = {
    label: undefined,
    span: e.span,
    text,
    transparent: true,
    expects: expectation(inner),
    run: (f, _own, x) => {
      if (name === 'residual') return add(ev, x, ev.apply(inner, x, f), e.span);
      // Stages side by side start at the same index, so shared weights without a name move to the next free one.
      if (!home) f.next = ev.m.settle(f.prefix, f.next);
      home ??= { prefix: f.prefix, next: f.next };
      const there: Flow = { ...home };
      const result = ev.m.sharing(() => ev.apply(named, x, there), own);
      // Each use takes an index in its chain, as a named stage does.
      f.next += binding === undefined ? there.next - (home.next ?? 0) : 1;
      return result;
    },
  };
  return stage([part]);
}

export function add(ev: Evaluation, x: Value, y: Value, span: Span): Value {
  const sum = pointwise(ev.b, 'add', ev.tensorOf(x, span), ev.tensorOf(y, span));
  return typeof sum === 'number' ? tensor(sum) : ev.refuse(sum, span);
}

/** Evaluates all stages, so that one run reports the errors of each. */
export function pipe(ev: Evaluation, e: A.PipeExpr, env: Environment, flow: Flow): Value {
  const inner: Flow = { prefix: flow.prefix, next: 0 };
  const values = e.stages.map((s) => attempt(() => ev.evaluate(s, env, inner)));
  let flowing: Value | undefined = values[0]?.kind === 'stage' ? undefined : values[0];
  const parts: StagePart[] = [];
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
          ev.fail('NN210', span, `a layer is needed here, and this is ${describeValue(v)}`, {
            help:
              v.kind === 'tensor' && e.stages[i]?.kind === 'call'
                ? `this call has its values already, and nothing flows into it: let h = ${textOf(span)}`
                : 'a chain is layers with -> between them: Linear(1, 16) -> relu -> Linear(16, 1)',
          }),
        )
      )
        parts.push(hole(span));
      broken = true;
    } else if (flowing) {
      if (broken) continue;
      flowing = ev.apply(v, flowing, inner);
    } else parts.push(...v.parts);
  }
  if (flowing) {
    if (broken) throw new Reported('chain');
    return flowing;
  }
  return stage(parts);
}

export function label(ev: Evaluation, e: A.LabelExpr, env: Environment, flow: Flow): Value {
  const inner = ev.evaluate(e.stage, env, { ...flow, label: e.label.text });
  if (inner.kind !== 'stage' && inner.kind !== 'const' && e.stage.kind === 'call') return inner;
  if (inner.kind !== 'stage') return ev.fail('NN210', e.stage.span, `a name goes to a layer, and this is ${describeValue(inner)}`);
  const { text } = e.label;
  const [only] = inner.parts;
  if (only && inner.parts.length === 1 && !only.transparent) return stage([{ ...only, label: text }]);
  // A name before a parenthesis adds a level to the path.
  const part: StagePart = {
    label: text,
    span: e.span,
    text: textOf(e.span),
    transparent: false,
    expects: expectation(inner),
    run: (f, own, x) => ev.apply(inner, x, { prefix: [...f.prefix, own], next: 0 }),
  };
  return stage([part]);
}

export function repeat(ev: Evaluation, e: A.RepeatExpr, env: Environment, flow: Flow): Value {
  const times = ev.evaluate(e.times, env, flow);
  if (times.kind !== 'const' || typeof times.value !== 'number' || !Number.isInteger(times.value) || times.value < 1) {
    return ev.fail('NN206', e.times.span, 'a number of copies is a whole number above 0');
  }
  const n = times.value;
  const inner = ev.evaluate(e.stage, env, flow);
  if (inner.kind !== 'stage') return ev.fail('NN210', e.stage.span, `repeat takes a stage, and this is ${describeValue(inner)}`);
  const [only] = inner.parts;
  const part: StagePart = {
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
        else v = ev.apply(inner, v, { prefix: [...prefix, String(i)], next: 0 });
      }
      return v;
    },
  };
  return stage([part]);
}

/** Arithmetic on stages is a stage: (F + G)(x) = F(x) + G(x). */
export function lift(ev: Evaluation, operands: readonly Value[], span: Span, combine: (values: readonly Value[]) => Value): Value {
  if (!operands.some((v) => v.kind === 'stage')) return combine(operands);
  const part: StagePart = {
    label: undefined,
    span,
    text: textOf(span).replace(/\s+/g, ' '),
    transparent: true,
    mixes: operands.some((v) => v.kind === 'tensor'),
    expects: operands.map((v) => (v.kind === 'stage' ? expectation(v) : 'same')).find((x) => x !== 'same') ?? 'same',
    run: (f, _own, x) => {
      // The operands start at the same index; the sum takes as many as the longest operand.
      const start = f.next;
      const values = operands.map((v) => {
        if (v.kind !== 'stage') return v;
        const own: Flow = { prefix: f.prefix, next: start };
        const result = ev.apply(v, x, own);
        f.next = Math.max(f.next, own.next);
        return result;
      });
      return combine(values);
    },
  };
  return stage([part]);
}

/** Replaces a stage with a reported error, so that the others are still checked. */
function hole(span: Span): StagePart {
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
