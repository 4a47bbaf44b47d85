import { CompilerBug, at, get } from '../base/errors.ts';
import { isVector, isVectorFn, scalarOf } from '../ir/kernel/functions.ts';
import type { Expr, Fn, Kernel, ScalarType, Stmt, ValueType, VectorFn } from '../ir/kernel/types.ts';
import { PRELUDE, vectorText } from './prelude.ts';

/** How the kernels of one dispatch see the arenas. */
export interface Placement {
  readonly bindings: readonly {
    readonly dtype: 'f32' | 'i32';
    readonly words: number;
    readonly access: 'read' | 'read_write';
    readonly vectors: boolean;
  }[];
  readonly places: ReadonlyMap<string, { readonly binding: number; readonly offset: number }>;
  /** Members of the tick after the slot. */
  readonly scalars: readonly { readonly name: string; readonly dtype: 'f32' | 'i32' }[];
}

export interface Shader {
  readonly code: string;
  readonly ticks: boolean;
  readonly workgroups: readonly [number, number];
}

/** Threads of a workgroup where a point needs one thread. */
const THREADS = 64;
/** Loops of up to so many rounds are written out by drivers (Mesa: 33), which makes compiling them a matter of seconds. */
const UNROLLED_BY_DRIVERS = 40;
/** Workgroups along one dimension that every device takes. */
const MAX_GROUPS = 65_535;

const call =
  (name: string) =>
  (...args: readonly string[]): string =>
    `${name}(${args.join(', ')})`;
const infix =
  (sign: string) =>
  (a: string, b: string): string =>
    `(${a} ${sign} ${b})`;

/** One entry a function: its text. */
const TEXT: { readonly [F in Exclude<Fn, VectorFn>]: (...args: string[]) => string } = {
  neg: (a) => `(-${a})`,
  abs: call('abs'),
  sign: call('sign'),
  exp: call('exp'),
  log: call('log'),
  log1p: call('nn_log1p'),
  expm1: call('nn_expm1'),
  sqrt: call('sqrt'),
  sin: call('nn_sin'),
  cos: call('nn_cos'),
  atan: call('nn_atan'),
  tanh: call('nn_tanh'),
  sigmoid: call('nn_sigmoid'),
  erf: call('nn_erf'),
  floor: call('floor'),
  add: infix('+'),
  sub: infix('-'),
  mul: infix('*'),
  div: infix('/'),
  mod: infix('%'),
  pow: call('nn_pow'),
  max: call('max'),
  min: call('min'),
  fma: call('fma'),
  lt: infix('<'),
  le: infix('<='),
  eq: infix('=='),
  and: infix('&&'),
  or: infix('||'),
  not: (a) => `(!${a})`,
  select: (c, a, b) => `select(${b}, ${a}, ${c})`,
  f32: call('f32'),
  i32: call('i32'),
  u32: call('u32'),
  bool: call('bool'),
  uniform: call('nn_uniform'),
  shuffle: call('nn_shuffle'),
};

/** What reads otherwise on vectors. */
const WIDE_TEXT: Partial<Readonly<Record<Fn, (...args: string[]) => string>>> = {
  log1p: call('nn_log1p_4'),
  expm1: call('nn_expm1_4'),
  sin: call('nn_sin_4'),
  cos: call('nn_cos_4'),
  atan: call('nn_atan_4'),
  tanh: call('nn_tanh_4'),
  sigmoid: call('nn_sigmoid_4'),
  erf: call('nn_erf_4'),
  pow: call('nn_pow_4'),
  f32: call('vec4f'),
  i32: call('vec4i'),
  u32: call('vec4u'),
  bool: call('vec4<bool>'),
  and: infix('&'),
  or: infix('|'),
};

const vectorName = (type: ValueType): string => `vec4<${scalarOf(type)}>`;
const VECTOR_TEXT: { readonly [F in VectorFn]: (type: ValueType, args: readonly string[], of: ValueType) => string } = {
  splat: (t, [a = '']) => `${vectorName(t)}(${a})`,
  vec4: (t, args) => `${vectorName(t)}(${args.join(', ')})`,
  x: (_t, [a = '']) => `${a}.x`,
  y: (_t, [a = '']) => `${a}.y`,
  z: (_t, [a = '']) => `${a}.z`,
  w: (_t, [a = '']) => `${a}.w`,
  sum4: (_t, [a = '']) => `((${a}.x + ${a}.y) + (${a}.z + ${a}.w))`,
  max4: (_t, [a = '']) => `max(max(${a}.x, ${a}.y), max(${a}.z, ${a}.w))`,
};

const MAX_F32 = 3.4028234663852886e38;

/** A float that WGSL reads back to the same float32. */
function float(value: number): string {
  const f = Math.fround(value);
  if (!Number.isFinite(f)) throw new CompilerBug(`${value} is not a finite f32`);
  const text = String(f);
  // The shortest decimal of the float32 itself, not of its float64 neighbour.
  for (let digits = 1; digits <= 9; digits++) {
    const short = f.toPrecision(digits);
    // A decimal beyond the largest float32 is an error in WGSL even where it would round to it.
    if (Math.fround(Number(short)) === f && Math.abs(Number(short)) <= MAX_F32) return tidy(short);
  }
  return tidy(text);
}

function tidy(text: string): string {
  const plain = String(Number(text));
  return `${/[.e]/.test(plain) ? plain : `${plain}.0`}`;
}

function literal(type: ScalarType, value: number): string {
  if (type === 'f32') return value < 0 ? `(${float(value)})` : float(value);
  if (type === 'bool') return value !== 0 ? 'true' : 'false';
  if (type === 'i32') return value === -2147483648 ? 'i32(-2147483648)' : value < 0 ? `(${value}i)` : `${value}i`;
  return `${value}u`;
}

/** Prints kernels that run in one dispatch as one WGSL module with the entry point `main`: each has workgroups of its own. */
export function generateWgsl(kernels: readonly Kernel[], place: Placement): Shader {
  return new Generator(kernels, place).shader();
}

/** Workgroups of a kernel: one for each point that lanes share, else one for so many points as there are threads. */
const groupsOf = (kernel: Kernel): number => Math.ceil(pointsOf(kernel) / (kernel.lanes > 1 ? 1 : THREADS));
const pointsOf = (kernel: Kernel): number => kernel.axes.reduce((n, a) => n * a.extent, 1);

class Generator {
  private readonly used = new Set<string>();
  private readonly combines = new Map<string, string>();
  private readonly shared = new Set<ScalarType>();
  private ticks = false;
  private readonly kernels: readonly Kernel[];
  private readonly place: Placement;
  private readonly types = new Map<string, ValueType>();

  constructor(kernels: readonly Kernel[], place: Placement) {
    this.kernels = kernels;
    this.place = place;
  }

  shader(): Shader {
    const { kernels } = this;
    const groups = kernels.map(groupsOf);
    const total = groups.reduce((a, b) => a + b, 0);
    const y = Math.ceil(total / MAX_GROUPS);
    const x = Math.ceil(total / y);
    if (y > MAX_GROUPS) throw new CompilerBug(`kernel ${kernels[0]?.name ?? ''} has ${total} workgroups, more than a dispatch can hold`);
    const [only, ...more] = kernels;
    const parts = more.length === 0 && only ? [] : kernels.map((k, i) => `fn part${i}(group: u32, lane: u32, zero: u32) {\n${this.body(k)}}`);
    const main = [`@compute @workgroup_size(${THREADS})`, 'fn main(@builtin(workgroup_id) id: vec3u, @builtin(local_invocation_index) lane: u32) {'];
    main.push(`  let group = id.x${y > 1 ? ` + id.y * ${x}u` : ''};`);
    if (x * y > total) main.push(`  if (group >= ${total}u) { return; }`);
    if (more.length === 0 && only) {
      const body = this.body(only).trimEnd();
      if (/\bzero\b/.test(body)) main.push('  let zero = id.z;');
      main.push(body);
    } else {
      let first = 0;
      groups.forEach((n, i) => {
        const last = i === groups.length - 1;
        const call = `part${i}(group${first ? ` - ${first}u` : ''}, lane, id.z);`;
        main.push(last ? `  ${call}` : `  if (group < ${first + n}u) { ${call} return; }`);
        first += n;
      });
    }
    main.push('}');
    const lines = this.place.bindings.map((b, i) => {
      const type = b.vectors ? `vec4<${b.dtype}>, ${b.words / 4}` : `${b.dtype}, ${b.words}`;
      return `@group(0) @binding(${i}) var<storage, ${b.access}> b${i}: array<${type}>;`;
    });
    if (this.ticks) {
      const members = this.place.scalars.map((s) => `${s.name}: ${s.dtype}`);
      lines.push(`struct Tick { ${['slot: u32', ...members].join(', ')} }`, '@group(1) @binding(0) var<uniform> tick: Tick;');
    }
    for (const type of this.shared) lines.push(`var<workgroup> shared_${type}: array<${type}, ${THREADS}>;`);
    lines.push(...this.prelude(), ...this.combines.values(), ...parts, ...main);
    return { code: `${lines.filter((l) => l !== '').join('\n')}\n`, ticks: this.ticks, workgroups: [x, y] };
  }

  /** The statements of a kernel: first, which point of the axes this thread works at. */
  private body(kernel: Kernel): string {
    this.types.clear();
    const points = pointsOf(kernel);
    const lines = [`  let point = ${kernel.lanes > 1 ? 'group' : `group * ${THREADS}u + lane`};`];
    if (kernel.lanes === 1 && points % THREADS !== 0) lines.push(`  if (point >= ${points}u) { return; }`);
    let stride = points;
    kernel.axes.forEach((axis, i) => {
      stride /= axis.extent;
      const quotient = stride === 1 ? 'point' : `point / ${stride}u`;
      lines.push(
        `  let ${axis.name} = ${i === 0 ? quotient : stride === 1 ? `point % ${axis.extent}u` : `(${quotient}) % ${axis.extent}u`};`,
      );
    });
    return `${lines.join('\n')}\n${kernel.body.map((s) => this.stmt(s, '  ')).join('')}`;
  }

  /** Where a loop starts: short ones at a zero that drivers cannot see, so that they stay loops. */
  private first(extent: number): string {
    return extent > UNROLLED_BY_DRIVERS ? '0u' : 'zero';
  }

  private prelude(): string[] {
    const wanted = new Map<string, string>();
    const want = (key: string): void => {
      const [fn, wide] = key.split('/') as [Fn, string | undefined];
      const entry = PRELUDE[fn];
      if (!entry || wanted.has(key)) return;
      entry.needs.forEach((n) => want(wide ? `${n}/x4` : n));
      wanted.set(key, wide ? vectorText(entry.text) : entry.text);
    };
    this.used.forEach(want);
    return [...wanted.values()];
  }

  private expr(e: Expr): string {
    switch (e.kind) {
      case 'literal':
        return literal(e.type, e.value);
      case 'ref':
        return e.name;
      case 'tick':
        this.ticks = true;
        return `tick.${e.name}`;
      case 'load':
        return this.load(e.buffer, e.type, e.index);
      case 'call': {
        const args = e.args.map((a) => this.expr(a));
        if (isVectorFn(e.fn)) return VECTOR_TEXT[e.fn](e.type, args, e.args[0]?.type ?? 'f32');
        const wide = isVector(e.type) || e.args.some((a) => isVector(a.type));
        this.used.add(wide ? `${e.fn}/x4` : e.fn);
        return (wide ? WIDE_TEXT[e.fn] ?? TEXT[e.fn] : TEXT[e.fn])(...args);
      }
    }
  }

  private load(buffer: string, type: ValueType, index: Expr): string {
    const { binding, offset } = get(this.place.places, buffer, 'buffer');
    const b = at(this.place.bindings, binding);
    if (isVector(type)) {
      if (b.vectors) return `b${binding}[${this.plus(index, offset / 4)}]`;
      // Not on a multiple of four in memory: element by element.
      const first = `4u * ${this.expr(index)}`;
      return `vec4<${b.dtype}>(${[0, 1, 2, 3].map((i) => `b${binding}[${first} + ${offset + i}u]`).join(', ')})`;
    }
    if (!b.vectors) return `b${binding}[${this.plus(index, offset)}]`;
    if (index.kind === 'literal') return `b${binding}[${Math.floor((index.value + offset) / 4)}u][${(index.value + offset) % 4}u]`;
    const place = this.plus(index, offset);
    return `b${binding}[(${place}) / 4u][(${place}) % 4u]`;
  }

  private plus(index: Expr, offset: number): string {
    if (index.kind === 'literal') return `${index.value + offset}u`;
    return offset === 0 ? this.bare(index) : `${this.bare(index)} + ${offset}u`;
  }

  private store(buffer: string, index: Expr, value: Expr, indent: string): string {
    const { binding, offset } = get(this.place.places, buffer, 'buffer');
    const b = at(this.place.bindings, binding);
    if (!isVector(value.type) || b.vectors) return `${indent}${this.load(buffer, value.type, index)} = ${this.bare(value)};\n`;
    const text = this.expr(value);
    const first = `4u * ${this.expr(index)}`;
    return [0, 1, 2, 3].map((i) => `${indent}b${binding}[${first} + ${offset + i}u] = ${text}.${'xyzw'[i] ?? ''};\n`).join('');
  }

  /** An expression without the parentheses around the whole. */
  private bare(e: Expr): string {
    const text = this.expr(e);
    return e.kind === 'call' && INFIX.has(e.fn) ? text.slice(1, -1) : text;
  }

  private stmt(s: Stmt, indent: string): string {
    const block = (body: readonly Stmt[]): string => body.map((t) => this.stmt(t, `${indent}  `)).join('');
    switch (s.kind) {
      case 'let':
      case 'var':
        this.types.set(s.name, s.value.type);
        return `${indent}${s.kind} ${s.name} = ${this.bare(s.value)};\n`;
      case 'set':
        return `${indent}${s.name} = ${this.bare(s.value)};\n`;
      case 'for':
        return `${indent}for (var ${s.name} = ${this.first(s.extent)}; ${s.name} < ${s.extent}u; ${s.name}++) {\n${block(s.body)}${indent}}\n`;
      case 'if':
        return `${indent}if (${this.bare(s.condition)}) {\n${block(s.body)}${indent}}\n`;
      case 'combine': {
        const type = this.types.get(s.name);
        if (!type || isVector(type)) throw new CompilerBug(`${s.name} cannot be combined`);
        this.shared.add(type);
        this.combines.set(`${s.fn} ${type}`, this.combineFunction(type, s.fn));
        return `${indent}${s.name} = combine_${s.fn}_${type}(lane, ${s.name});\n`;
      }
      case 'store':
        return this.store(s.buffer, s.index, s.value, indent);
    }
  }

  /** A fixed tree over the lanes: the same order of additions every time. */
  private combineFunction(type: ScalarType, fn: 'add' | 'max'): string {
    const join = fn === 'add' ? 'a + b' : 'max(a, b)';
    return `fn combine_${fn}_${type}(lane: u32, value: ${type}) -> ${type} {
  shared_${type}[lane] = value;
  workgroupBarrier();
  for (var half = ${THREADS / 2}u; half > 0u; half /= 2u) {
    if (lane < half) {
      let a = shared_${type}[lane];
      let b = shared_${type}[lane + half];
      shared_${type}[lane] = ${join};
    }
    workgroupBarrier();
  }
  let total = shared_${type}[0];
  // Nobody writes the next value before everybody has read this one.
  workgroupBarrier();
  return total;
}`;
  }
}

const INFIX = new Set<Fn>(['add', 'sub', 'mul', 'div', 'mod', 'lt', 'le', 'eq', 'and', 'or', 'not', 'neg']);
