import { CompilerBug, get } from '../base/errors.ts';
import type { Expr, Fn, Kernel, ScalarType, Stmt } from '../ir/kernel/types.ts';
import { PRELUDE } from './prelude.ts';

/** Where the buffers of a kernel lie, and how large the arenas are. */
export interface Placement {
  readonly buffers: ReadonlyMap<string, { readonly arena: string; readonly offset: number }>;
  readonly arenas: ReadonlyMap<string, { readonly dtype: 'f32' | 'i32'; readonly words: number }>;
  /** Members of the tick after the slot. */
  readonly scalars: readonly { readonly name: string; readonly dtype: 'f32' | 'i32' }[];
}

export interface Shader {
  readonly code: string;
  readonly bindings: readonly { readonly arena: string; readonly access: 'read' | 'read_write' }[];
  readonly ticks: boolean;
  readonly workgroups: readonly [number, number];
}

/** Threads of a workgroup where a point needs one thread. */
const THREADS = 64;
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
const TEXT: { readonly [F in Fn]: (...args: string[]) => string } = {
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

/** Prints a kernel as one WGSL module with the entry point `main`. */
export function generateWgsl(kernel: Kernel, place: Placement): Shader {
  return new Generator(kernel, place).shader();
}

class Generator {
  private readonly used = new Set<Fn>();
  private readonly combines = new Map<ScalarType, string>();
  private ticks = false;
  private readonly kernel: Kernel;
  private readonly place: Placement;
  private readonly types = new Map<string, ScalarType>();

  constructor(kernel: Kernel, place: Placement) {
    this.kernel = kernel;
    this.place = place;
  }

  shader(): Shader {
    const { kernel } = this;
    const body = kernel.body.map((s) => this.stmt(s, '  ')).join('');
    const points = kernel.axes.reduce((n, a) => n * a.extent, 1);
    const perGroup = kernel.lanes > 1 ? 1 : THREADS;
    const groups = Math.ceil(points / perGroup);
    const x = Math.min(groups, MAX_GROUPS);
    const y = Math.ceil(groups / x);
    if (y > MAX_GROUPS) throw new CompilerBug(`kernel ${kernel.name} has ${points} points, more than a dispatch can hold`);

    const access = new Map<string, 'read' | 'read_write'>();
    for (const b of kernel.buffers) {
      const { arena } = get(this.place.buffers, b.name, 'buffer');
      access.set(arena, b.access === 'read' ? (access.get(arena) ?? 'read') : 'read_write');
    }
    const bindings = [...access].sort(([a], [b]) => (a < b ? -1 : 1)).map(([arena, mode]) => ({ arena, access: mode }));
    const lines: string[] = [...kernel.about.map((l) => `// ${l}`)];
    bindings.forEach(({ arena, access: mode }, i) => {
      const { dtype, words } = get(this.place.arenas, arena, 'arena');
      lines.push(`@group(0) @binding(${i}) var<storage, ${mode}> ${arena}: array<${dtype}, ${words}>;`);
    });
    if (this.ticks) {
      const members = this.place.scalars.map((s) => `${s.name}: ${s.dtype}`);
      lines.push(`struct Tick { ${['slot: u32', ...members].join(', ')} }`, '@group(1) @binding(0) var<uniform> tick: Tick;');
    }
    for (const b of kernel.buffers)
      lines.push(
        `const ${b.name} = ${get(this.place.buffers, b.name, 'buffer').offset}u; // ${b.type}[${b.size}] in ${get(this.place.buffers, b.name, 'buffer').arena}`,
      );
    for (const [type] of this.combines) lines.push(`var<workgroup> shared_${type}: array<${type}, ${kernel.lanes}>;`);
    lines.push(...this.prelude());
    lines.push(...this.combines.values());
    lines.push(this.entry(points, x), body.trimEnd(), '}');
    return { code: `${lines.filter((l) => l !== '').join('\n')}\n`, bindings, ticks: this.ticks, workgroups: [x, y] };
  }

  /** The head of the entry point: which point of the axes this thread works at. */
  private entry(points: number, x: number): string {
    const { kernel } = this;
    const lines: string[] = [];
    if (kernel.lanes > 1) {
      lines.push(
        `@compute @workgroup_size(${kernel.lanes})`,
        'fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {',
      );
      lines.push(`  let point = group.x + group.y * ${x}u;`);
      if (points % x !== 0) lines.push(`  if (point >= ${points}u) { return; }`);
    } else {
      lines.push(`@compute @workgroup_size(${THREADS})`, 'fn main(@builtin(global_invocation_id) id: vec3u) {');
      lines.push(`  let point = id.x + id.y * ${x * THREADS}u;`);
      if (points % (x * THREADS) !== 0) lines.push(`  if (point >= ${points}u) { return; }`);
    }
    let stride = points;
    kernel.axes.forEach((axis, i) => {
      stride /= axis.extent;
      const quotient = stride === 1 ? 'point' : `point / ${stride}u`;
      lines.push(
        `  let ${axis.name} = ${i === 0 ? quotient : stride === 1 ? `point % ${axis.extent}u` : `(${quotient}) % ${axis.extent}u`};`,
      );
    });
    return lines.join('\n');
  }

  private prelude(): string[] {
    const wanted = new Set<Fn>();
    const want = (fn: Fn): void => {
      const entry = PRELUDE[fn];
      if (!entry || wanted.has(fn)) return;
      entry.needs.forEach(want);
      wanted.add(fn);
    };
    this.used.forEach(want);
    return [...wanted].map((fn) => PRELUDE[fn]?.text ?? '');
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
        return `${this.element(e.buffer, e.index)}`;
      case 'call':
        this.used.add(e.fn);
        return TEXT[e.fn](...e.args.map((a) => this.expr(a)));
    }
  }

  /** `work[mul_7 + i0]` */
  private element(buffer: string, index: Expr): string {
    return `${get(this.place.buffers, buffer, 'buffer').arena}[${buffer} + ${this.bare(index)}]`;
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
        return `${indent}for (var ${s.name} = 0u; ${s.name} < ${s.extent}u; ${s.name}++) {\n${block(s.body)}${indent}}\n`;
      case 'if':
        return `${indent}if (${this.bare(s.condition)}) {\n${block(s.body)}${indent}}\n`;
      case 'combine': {
        const type = this.types.get(s.name);
        if (!type || this.kernel.lanes === 1) throw new CompilerBug(`${s.name} cannot be combined`);
        this.combines.set(type, this.combineFunction(type, s.fn));
        return `${indent}${s.name} = combine_${s.fn}_${type}(lane, ${s.name});\n`;
      }
      case 'store':
        return `${indent}${this.element(s.buffer, s.index)} = ${this.bare(s.value)};\n`;
    }
  }

  /** A fixed tree over the lanes: the same order of additions every time. */
  private combineFunction(type: ScalarType, fn: 'add' | 'max'): string {
    const join = fn === 'add' ? 'a + b' : 'max(a, b)';
    return `fn combine_${fn}_${type}(lane: u32, value: ${type}) -> ${type} {
  shared_${type}[lane] = value;
  workgroupBarrier();
  for (var half = ${this.kernel.lanes / 2}u; half > 0u; half /= 2u) {
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
