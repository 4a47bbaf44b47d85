import { textOf } from '../base/source.ts';
import { hint } from '../base/suggest.ts';
import type * as A from '../parser/ast.ts';
import type { Environment } from './environment.ts';
import type { Evaluation } from './evaluation.ts';
import { lift } from './stages.ts';
import { describeValue, stage, type Flow, type StagePart, type StageValue, type Value } from './values.ts';

/** Calls of the blocks, functions and named stages that a program defines. */

/** A block is a stage; its lines are evaluated at each use. */
export function blockCall(ev: Evaluation, def: A.BlockStatement, e: A.CallExpr, env: Environment, flow: Flow): Value {
  const bound = bind(ev, def.name.text, def.parameters, e, env, flow);
  const [value, extra] = [def.values.at(-1), def.values[0]];
  if (!value) return ev.fail('NN215', def.name.span, `block ${def.name.text} has no value`, { help: 'its last line is its value' });
  if (extra && def.values.length > 1)
    return ev.fail('NN215', extra.span, `block ${def.name.text} has ${def.values.length} values`, {
      help: 'name this one with let, or join the lines with ->',
    });
  const part: StagePart = {
    label: undefined,
    span: e.span,
    text: textOf(e.span).replace(/\s+/g, ' '),
    transparent: false,
    run: (f, own, x) =>
      ev.deeper(def.name, () => {
        const prefix = [...f.prefix, own];
        const inside = env.globals().child();
        for (const [k, v] of bound) inside.define(k, v, def.name.span);
        inside.define('x', x, def.name.span);
        for (const l of def.lets) ev.bind(l, inside, { prefix, next: 0 });
        const result = ev.evaluate(value, inside, { prefix, next: 0 });
        return result.kind === 'stage' ? ev.apply(result, x, { prefix, next: 0 }) : result;
      }),
  };
  return stage([part]);
}

/**
 * A function call is evaluated at once. Without its first required argument it is a stage, and the value that flows in takes that place.
 */
export function fnCall(ev: Evaluation, def: A.FnStatement, e: A.CallExpr, env: Environment, flow: Flow): Value {
  const inside = (bound: ReadonlyMap<string, Value>): Value =>
    ev.deeper(def.name, () => {
      const scope = env.globals().child();
      for (const [k, v] of bound) scope.define(k, v, def.name.span);
      return ev.m.withinFunction(def.name.text, () => ev.evaluate(def.value, scope, { prefix: flow.prefix, next: 0 }));
    });
  // The value that flows in is the first required argument.
  const place = Math.max(
    0,
    def.parameters.findIndex((p) => !p.value),
  );
  const first = def.parameters[place];
  const unnamed = e.args.filter((a) => !a.name).length;
  const missing = first && unnamed <= place && !e.args.some((a) => a.name?.text === first.name.text);
  if (!missing) return inside(bind(ev, def.name.text, def.parameters, e, env, flow));
  const others = def.parameters.filter((p) => p !== first);
  const bound = bind(ev, def.name.text, others, e, env, flow);
  const part: StagePart = {
    label: undefined,
    span: e.span,
    text: textOf(e.span).replace(/\s+/g, ' '),
    transparent: true,
    run: (_f, _own, x) => inside(new Map([...bound, [first.name.text, x]])),
  };
  return stage([part]);
}

/** `f(x)` where f is a named stage: x flows through it. */
export function stageCall(ev: Evaluation, f: StageValue, e: A.CallExpr, env: Environment, flow: Flow): Value {
  const [only] = e.args;
  if (!only || e.args.length !== 1 || only.name)
    return ev.fail('NN202', e.span, `'${e.callee.text}' is a stage, which takes one value`, { help: `write ${e.callee.text}(x)` });
  const { label, ...inner } = flow;
  const x = ev.evaluate(only.value, env, inner);
  if (x.kind === 'const' && typeof x.value !== 'number' && !Array.isArray(x.value))
    return ev.fail('NN204', only.span, `a value is needed here, and this is ${describeValue(x)}`);
  const named: StageValue = label === undefined || f.parts.length !== 1 ? f : stage(f.parts.map((p) => ({ ...p, label })));
  return lift(ev, [x], e.span, ([v]) => ev.apply(named, v ?? x, flow));
}

/** The arguments of a block or fn, by name. */
function bind(
  ev: Evaluation,
  callee: string,
  parameters: readonly A.ParameterDecl[],
  e: A.CallExpr,
  env: Environment,
  flow: Flow,
): Map<string, Value> {
  const names = parameters.map((p) => p.name.text);
  const bound = new Map<string, Value>();
  let position = 0;
  for (const a of e.args) {
    const name = a.name?.text ?? names[position++];
    if (name === undefined || !names.includes(name)) {
      return ev.fail(
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
    if (bound.has(name)) ev.fail('NN202', a.span, `'${name}' is given twice`);
    bound.set(name, ev.evaluate(a.value, env, flow));
  }
  for (const p of parameters) {
    if (bound.has(p.name.text)) continue;
    if (!p.value) ev.fail('NN202', e.span, `${callee} needs '${p.name.text}'`, { help: `it is ${callee}(${names.join(', ')})` });
    else bound.set(p.name.text, ev.evaluate(p.value, env.globals(), flow));
  }
  return bound;
}
