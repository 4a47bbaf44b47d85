import { CompilerBug, get } from '../base/errors.ts';
import { isVectorFn, scalarOf } from '../ir/kernel/functions.ts';
import { PLACE, type Expr, type Fn, type Kernel, type ScalarType, type Stmt, type SubgroupFn, type VectorFn } from '../ir/kernel/types.ts';

/**
 * Kernel IR as JavaScript for the CPU device: each kernel is a function of (b, uniforms, lib) with plain nested loops over typed arrays. It
 * computes in float64 and rounds to float32 when it stores.
 */
export interface JsPlacement {
  readonly bindings: readonly unknown[];
  readonly places: ReadonlyMap<string, { readonly binding: number; readonly offset: number }>;
  readonly scalars: readonly { readonly name: string; readonly dtype: 'f32' | 'i32' }[];
}

const fn1 =
  (name: string) =>
  (...args: readonly string[]): string =>
    `${name}(${args.join(', ')})`;
const infix =
  (sign: string) =>
  (_t: ScalarType, a: string, b: string): string =>
    `(${a} ${sign} ${b})`;
const math = (name: string) => (_t: ScalarType, a: string, b?: string) => fn1(`Math.${name}`)(...(b === undefined ? [a] : [a, b]));
const lib =
  (name: string) =>
  (_t: ScalarType, ...args: readonly string[]) =>
    fn1(`lib.${name}`)(...args);

/** The text of each function, given the type of its first operand. */
const TEXT: { readonly [F in Exclude<Fn, VectorFn | SubgroupFn>]: (type: ScalarType, ...args: string[]) => string } = {
  neg: (_t, a) => `(-${a})`,
  abs: math('abs'),
  sign: math('sign'),
  exp: math('exp'),
  log: math('log'),
  log1p: math('log1p'),
  expm1: math('expm1'),
  sqrt: math('sqrt'),
  sin: math('sin'),
  cos: math('cos'),
  atan: math('atan'),
  tanh: math('tanh'),
  sigmoid: lib('sigmoid'),
  erf: lib('erf'),
  floor: math('floor'),
  round_f16: lib('round_f16'),
  finite: (_t, a) => `Number.isFinite(${a})`,
  add: infix('+'),
  sub: infix('-'),
  mul: infix('*'),
  div: (t, a, b) => (t === 'f32' ? `(${a} / ${b})` : t === 'i32' ? `((${a} / ${b}) | 0)` : `((${a} / ${b}) >>> 0)`),
  mod: (t, a, b) => (t === 'i32' ? `((${a} % ${b}) | 0)` : `(${a} % ${b})`),
  fmod: infix('%'),
  pow: lib('pow'),
  max: math('max'),
  min: math('min'),
  fma: (_t, a, b, c) => `(${a} * ${b} + ${c})`,
  lt: infix('<'),
  le: infix('<='),
  eq: infix('==='),
  before: lib('before'),
  and: infix('&&'),
  or: infix('||'),
  not: (_t, a) => `(!${a})`,
  select: (_t, c, a, b) => `(${c} ? ${a} : ${b})`,
  f32: (t, a) => (t === 'bool' ? `(${a} ? 1 : 0)` : a),
  i32: (t, a) => (t === 'bool' ? `(${a} ? 1 : 0)` : t === 'f32' ? `(${a} | 0)` : a),
  u32: (t, a) => (t === 'bool' ? `(${a} ? 1 : 0)` : t === 'f32' ? `(${a} >>> 0)` : a),
  bool: (_t, a) => `(${a} !== 0)`,
  uniform: lib('uniform'),
  shuffle: lib('shuffle'),
};

/** The body of `(b, uniforms, lib) => {...}`; `b` holds the bound ranges of the arenas, `uniforms` the words of the step. */
export function generateJs(kernel: Kernel, place: JsPlacement): string {
  const lines = place.bindings.map((_, i) => `const b${i} = b[${i}];`);
  const tickIndex = new Map(place.scalars.map((s, i) => [s.name, { index: i + 1, dtype: s.dtype }]));

  const element = (buffer: string, index: Expr): string => {
    const { binding, offset } = get(place.places, buffer, 'buffer');
    const text = expr(index);
    return `b${binding}[${offset === 0 ? text : `${offset} + ${text}`}]`;
  };
  const expr = (e: Expr): string => {
    switch (e.kind) {
      case 'literal':
        return e.type === 'bool' ? String(e.value !== 0) : e.value < 0 ? `(${e.value})` : String(e.value);
      case 'ref':
        return e.name;
      case 'uniform': {
        if (e.name === 'slot') return 'uniforms.i32[0]';
        if (e.name === PLACE) return 'uniforms.place';
        const { index, dtype } = get(tickIndex, e.name, 'scalar');
        return `uniforms.${dtype}[${index}]`;
      }
      case 'load':
        return element(e.buffer, e.index);
      case 'item':
        return `${e.table}[${expr(e.index)}]`;
      case 'call':
        if (isVectorFn(e.fn) || e.fn === 'broadcast') throw new CompilerBug(`JavaScript has no ${e.fn}`);
        return TEXT[e.fn](scalarOf(e.args[0]?.type ?? 'f32'), ...e.args.map(expr));
    }
  };
  const stmt = (s: Stmt, indent: string): void => {
    const block = (body: readonly Stmt[]): void => body.forEach((t) => stmt(t, `${indent}  `));
    switch (s.kind) {
      case 'let':
        lines.push(`${indent}const ${s.name} = ${expr(s.value)};`);
        break;
      case 'var':
        lines.push(`${indent}let ${s.name} = ${expr(s.value)};`);
        break;
      case 'table':
        lines.push(`${indent}const ${s.name} = [${s.values.map(expr).join(', ')}];`);
        break;
      case 'set':
        lines.push(`${indent}${s.name} = ${expr(s.value)};`);
        break;
      case 'for':
        lines.push(`${indent}for (let ${s.name} = 0; ${s.name} < ${s.extent}; ${s.name}++) {`);
        block(s.body);
        lines.push(`${indent}}`);
        break;
      case 'if':
        lines.push(`${indent}if (${expr(s.condition)}) {`);
        block(s.body);
        lines.push(`${indent}}`);
        break;
      case 'product':
        throw new CompilerBug('JavaScript has no matrix units');
      case 'shared':
      case 'put':
      case 'barrier':
        throw new CompilerBug('JavaScript has no workgroups');
      case 'combine':
        // There is only one lane, so nothing is left to combine.
        break;
      case 'store':
        lines.push(`${indent}${element(s.buffer, s.index)} = ${expr(s.value)};`);
    }
  };
  let indent = '';
  for (const axis of kernel.axes) {
    lines.push(`${indent}for (let ${axis.name} = 0; ${axis.name} < ${axis.extent}; ${axis.name}++) {`);
    indent += '  ';
  }
  for (const s of kernel.body) stmt(s, indent);
  for (let i = kernel.axes.length - 1; i >= 0; i--) lines.push(`${'  '.repeat(i)}}`);
  return lines.join('\n');
}
