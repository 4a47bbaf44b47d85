import type { DiagnosticSink } from '../base/diagnostics.ts';
import type { Init } from '../base/init.ts';
import type * as A from '../parser/ast.ts';
import { arrayOf } from './constants.ts';
import { CREATORS, drawnStart } from './creators.ts';
import type { Environment } from './environment.ts';
import type { Evaluation } from './evaluation.ts';
import { INITIALISERS, initialiserOf } from './initialisers.ts';
import { knownValue } from './known.ts';
import { LAYERS } from './layers/registry.ts';
import { Reported, describeValue, type Value } from './values.ts';

/** The initial value of a `param`: an initialiser, random numbers of a shape, or a value known at compile time. */
export interface Start {
  readonly shape: readonly number[];
  readonly init: Init;
}

/** Creators that are initialisers if the statement gives the shape. */
const DRAWS: Readonly<Record<string, string>> = { rand: 'uniform', randn: 'normal' };

/** `dims` is the shape in the statement; without it, the value determines the shape. */
export function startOf(s: A.ParamStatement, dims: readonly number[], ev: Evaluation, env: Environment, sink: DiagnosticSink): Start {
  const { value } = s;
  if (!value) return { shape: dims, init: { kind: 'constant', value: 0 } };
  const name = wordOf(value, env);
  if (name !== undefined && drawsShape(name, value)) {
    const drawn = drawnStart(
      name.text,
      { kind: 'call', callee: name, args: value.kind === 'call' ? value.args : [], span: value.span },
      env,
      sink,
    );
    return fitted(s, dims, drawn, ev);
  }
  if (name !== undefined && byInitialiser(name.text, value)) {
    const said = value.kind === 'name' && Object.hasOwn(DRAWS, value.name) ? { ...value, name: DRAWS[value.name] ?? value.name } : value;
    const init = initialiserOf(said, env, sink)?.(dims);
    if (init === undefined) throw new Reported(s.name.text);
    return typeof init === 'string' ? ev.fail('NN206', value.span, init) : { shape: dims, init };
  }
  // Draws as the model would, so that a draw inside arithmetic does not count as a known value.
  const v = ev.m.drawing(true, () => ev.evaluate(value, env, { prefix: [], next: 0 }));
  return known(s, dims, v, value, ev);
}

/** The name in a value, unless the program defines it. */
function wordOf(e: A.Expr, env: Environment): A.Name | undefined {
  const name = e.kind === 'name' ? { text: e.name, span: e.span } : e.kind === 'call' ? e.callee : undefined;
  return name === undefined || env.has(name.text) ? undefined : name;
}

/** `randn(3, 3)` and `uniform(0, 1, shape=[2])` give a shape, but `uniform(-1, 1)` is an initialiser for any shape. */
function drawsShape({ text }: A.Name, e: A.Expr): boolean {
  if (e.kind !== 'call' || !Object.hasOwn(CREATORS, text) || !CREATORS[text]?.random) return false;
  return !Object.hasOwn(INITIALISERS, text) || e.args.some((a) => a.name?.text === 'shape') || e.args.filter((a) => !a.name).length > 2;
}

/** Whether the value is an initialiser, or an unknown word, for which the error lists the initialisers. */
function byInitialiser(name: string, e: A.Expr): boolean {
  if (e.kind === 'name' && Object.hasOwn(DRAWS, name)) return true;
  if (Object.hasOwn(INITIALISERS, name))
    return !(Object.hasOwn(CREATORS, name) && !CREATORS[name]?.random && e.kind === 'call' && e.args.length > 0);
  return !Object.hasOwn(CREATORS, name) && !Object.hasOwn(LAYERS, name) && name !== 'pi';
}

/** The shape in the statement and the shape of its value must agree. */
function fitted(s: A.ParamStatement, dims: readonly number[], found: Start, ev: Evaluation): Start {
  if (s.dims.length === 0 || dims.join() === found.shape.join()) return found;
  return ev.fail('NN203', s.value?.span ?? s.span, `'${s.name.text}' is [${dims.join(', ')}], and this is [${found.shape.join(', ')}]`);
}

function known(s: A.ParamStatement, dims: readonly number[], v: Value, value: A.Expr, ev: Evaluation): Start {
  if (v.kind === 'const' && typeof v.value === 'number') return { shape: dims, init: { kind: 'constant', value: v.value } };
  const listed = v.kind === 'const' ? arrayOf(v.value) : undefined;
  if (listed) return fitted(s, dims, { shape: listed.shape, init: { kind: 'values', values: listed.data } }, ev);
  const help = 'such as 0.5, [1, 2], zeros, eye(3), randn(3, 3), normal(std=0.1) or xavier_uniform';
  if (v.kind === 'const' || v.kind === 'stage')
    return ev.fail('NN204', value.span, `a parameter starts as numbers or by an initialiser, and this is ${describeValue(v)}`, { help });
  const id = ev.tensorOf(v, value.span);
  const tensor = ev.b.type(id).dtype === 'bool' ? undefined : knownValue(ev.b, id);
  if (!tensor) return ev.fail('NN204', value.span, 'a parameter starts as numbers that are known while compiling', { help });
  const values = Array.from(tensor.data);
  const [first = 0] = values;
  if (tensor.shape.length === 0) return { shape: dims, init: { kind: 'constant', value: first } };
  const init: Init = values.every((x) => x === first) ? { kind: 'constant', value: first } : { kind: 'values', values };
  return fitted(s, dims, { shape: tensor.shape, init }, ev);
}
