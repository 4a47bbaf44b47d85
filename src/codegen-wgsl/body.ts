import { CompilerBug } from '../base/errors.ts';
import type { StorageType } from '../base/types.ts';
import { isVector, isVectorFn, scalarOf } from '../ir/kernel/functions.ts';
import { PLACE, type Expr, type Fn, type Kernel, type ScalarType, type Stmt, type ValueType } from '../ir/kernel/types.ts';
import { productText } from './product.ts';
import { FLOAT_TEXT, INFIX, TEXT, VECTOR_TEXT, WIDE_TEXT, literal, typeText } from './functions.ts';
import { PRELUDE, isNan, nan } from './prelude.ts';
import { vectorText } from './prelude-entry.ts';

/** Threads per workgroup, unless lanes say otherwise. */
export const THREADS = 64;
/**
 * Drivers unroll loops of up to about this many iterations (Mesa: 33). That is good on a GPU, but it takes software drivers seconds to
 * compile.
 */
const UNROLLED_BY_DRIVERS = 40;

export const pointsOf = (kernel: Kernel): number => kernel.axes.reduce((n, a) => n * a.extent, 1);

/** Defines the axes from the linear point. Each is a remainder, which shows its bound, so indices made of them need no bounds checks. */
export function axesOf(kernel: Kernel, indent: string): string[] {
  let stride = pointsOf(kernel);
  return kernel.axes.map((axis) => {
    stride /= axis.extent;
    const quotient = stride === 1 ? 'point' : `point / ${stride}u`;
    const value = stride === 1 ? `point % ${axis.extent}u` : `(${quotient}) % ${axis.extent}u`;
    return `${indent}let ${axis.name} = ${value};`;
  });
}

/** How a body accesses memory: the text of an element, or of the four elements of a vector. */
export interface Addressing {
  readonly load: (w: BodyWriter, buffer: string, type: ValueType, index: Expr) => string;
  readonly store: (w: BodyWriter, buffer: string, index: Expr, value: Expr, indent: string) => string;
  /** The array that holds a buffer, and the buffer's offset in it. */
  readonly array: (buffer: string) => { readonly name: string; readonly offset: number };
}

/** The text of a loaded element, converted from its storage type. */
export function loaded(storage: StorageType, type: ValueType, text: string): string {
  return storage === 'f16' ? `${isVector(type) ? 'vec4f' : 'f32'}(${text})` : text;
}

/** A value converted to its storage type. For f16 the conversion does the rounding, so `round_f16` is dropped. */
export function stored(w: BodyWriter, storage: StorageType, value: Expr): string {
  if (storage !== 'f16') return w.bare(value);
  const [rounded] = value.kind === 'call' && value.fn === 'round_f16' ? value.args : [];
  return `${isVector(value.type) ? 'vec4h' : 'f16'}(${w.bare(rounded ?? value)})`;
}

/** How the text depends on the device. */
export interface Style {
  /** Short loops stay loops: see {@link UNROLLED_BY_DRIVERS}. */
  readonly hidesLoops: boolean;
  /** Lanes combine their partial results by subgroup operations, which the device must support. */
  readonly collectives: boolean;
}

/** What a body finds around it: the text of the place of a loop, and the threads of its workgroup. */
interface Surroundings {
  readonly place: string;
  readonly threads: number;
}

/** Writes kernel statements as WGSL and collects what they need: functions, shared memory, uniforms. */
export class BodyWriter {
  uniforms = false;
  /** Whether the place of a loop is read. */
  places = false;
  /** Whether reductions use subgroup operations. */
  collectives = false;
  /** Whether matrix units are used. */
  matrices = false;
  private readonly tables = new Set<string>();
  private readonly used = new Set<string>();
  private readonly combines = new Map<string, string>();
  private readonly shared = new Set<ScalarType>();
  private readonly types = new Map<string, ValueType>();
  private readonly memory: Addressing;
  private readonly how: Style & Surroundings;

  constructor(memory: Addressing, how: Style & Surroundings) {
    this.memory = memory;
    this.how = how;
  }

  statements(body: readonly Stmt[], indent: string): string {
    this.types.clear();
    return body.map((s) => this.stmt(s, indent)).join('');
  }

  /** The declarations that the statements so far need. */
  declarations(): string[] {
    const shared = [...this.shared].map((type) => `var<workgroup> shared_${type}: array<${type}, ${this.how.threads}>;`);
    return [...shared, ...this.tables, ...this.prelude(), ...this.combines.values()];
  }

  /**
   * The start of a loop. Short loops start at a zero that drivers cannot see, so that they stay loops; their indices then get bounds
   * checks.
   */
  private first(extent: number): string {
    return this.how.hidesLoops && extent <= UNROLLED_BY_DRIVERS ? 'zero' : '0u';
  }

  private prelude(): string[] {
    const wanted = new Map<string, string>();
    const want = (key: string): void => {
      const [fn, wide] = key.split('/') as [Fn, string | undefined];
      const entry = PRELUDE[fn];
      if (!entry || wanted.has(key)) return;
      entry.needs.forEach((n) => want(wide && n !== 'turn' ? `${n}/x4` : n));
      wanted.set(key, wide ? (entry.wide ?? vectorText(entry.text)) : entry.text);
    };
    this.used.forEach(want);
    return [...wanted.values()];
  }

  expr(e: Expr): string {
    switch (e.kind) {
      case 'literal':
        return literal(e.type, e.value);
      case 'ref':
        return e.name;
      case 'uniform':
        if (e.name === PLACE) {
          this.places = true;
          return this.how.place;
        }
        this.uniforms = true;
        return `uniforms.${e.name}`;
      case 'load':
        return this.memory.load(this, e.buffer, e.type, e.index);
      case 'item':
        return `${e.table}[${this.bare(e.index)}]`;
      case 'call': {
        const args = e.args.map((a) => this.expr(a));
        if (isVectorFn(e.fn)) {
          if (e.fn === 'max4' && e.type === 'f32') this.used.add('max');
          return VECTOR_TEXT[e.fn](e.type, args, e.args[0]?.type ?? 'f32');
        }
        const wide = isVector(e.type) || e.args.some((a) => isVector(a.type));
        const float = scalarOf(e.type) === 'f32' ? FLOAT_TEXT[e.fn]?.[wide ? 'wide' : 'text'] : undefined;
        // Integer max and min are WGSL's own and need no prelude.
        if (float || !FLOAT_TEXT[e.fn]) this.used.add(wide ? `${e.fn}/x4` : e.fn);
        return (float ?? (wide ? (WIDE_TEXT[e.fn] ?? TEXT[e.fn]) : TEXT[e.fn]))(...args);
      }
    }
  }

  /** An expression without its outer parentheses. */
  bare(e: Expr): string {
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
      case 'table':
        return `${indent}var ${s.name} = array<${typeText(s.values[0]?.type ?? 'f32')}, ${s.values.length}>(${s.values.map((v) => this.bare(v)).join(', ')});\n`;
      case 'for':
        return `${indent}for (var ${s.name} = ${this.first(s.extent)}; ${s.name} < ${s.extent}u; ${s.name}++) {\n${block(s.body)}${indent}}\n`;
      case 'if':
        return `${indent}if (${this.bare(s.condition)}) {\n${block(s.body)}${indent}}\n`;
      case 'shared':
        this.tables.add(`var<workgroup> ${s.name}: array<${typeText(s.type)}, ${s.size}>;`);
        return '';
      case 'put':
        return `${indent}${s.table}[${this.bare(s.index)}] = ${this.bare(s.value)};\n`;
      case 'barrier':
        return `${indent}${s.of === 'buffers' ? 'storageBarrier' : 'workgroupBarrier'}();\n`;
      case 'combine': {
        const type = this.types.get(s.name);
        const { threads } = this.how;
        if (!type || isVector(type)) throw new CompilerBug(`${s.name} cannot be combined`);
        this.shared.add(type);
        this.collectives ||= this.how.collectives;
        if (s.fn === 'max' && type === 'f32') this.used.add('max');
        this.combines.set(
          `${s.fn} ${type}`,
          this.how.collectives ? combineBySubgroups(type, s.fn, threads) : combineByHalves(type, s.fn, threads),
        );
        return `${indent}${s.name} = combine_${s.fn}_${type}(lane, ${this.how.collectives ? 'place, threads, ' : ''}${s.name});\n`;
      }
      case 'product':
        this.matrices = true;
        this.tables.add(`var<workgroup> ${s.name}: array<f32, ${s.rows * s.columns}>;`);
        return productText(s, indent, this.how.threads, ({ buffer, index }) => {
          const { name, offset } = this.memory.array(buffer);
          return { array: name, start: `${offset}u + ${this.expr(index)}` };
        });
      case 'store':
        return this.memory.store(this, s.buffer, s.index, s.value, indent);
    }
  }
}

/** Combines a and b; the maximum of f32 propagates NaN. */
const joined = (type: ScalarType, fn: 'add' | 'max'): string => (fn === 'add' ? 'a + b' : `${type === 'f32' ? 'nn_max' : 'max'}(a, b)`);

/** A fixed reduction tree over the lanes, so that additions always have the same order. */
function combineByHalves(type: ScalarType, fn: 'add' | 'max', threads: number): string {
  const join = joined(type, fn);
  return `fn combine_${fn}_${type}(lane: u32, value: ${type}) -> ${type} {
  shared_${type}[lane] = value;
  workgroupBarrier();
  for (var i = 0u; i < ${Math.log2(threads)}u; i++) {
    let half = ${threads / 2}u >> i;
    if (lane < half) {
      let a = shared_${type}[lane];
      let b = shared_${type}[(lane + half) % ${threads}u];
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

/** The neutral elements of the reductions. */
const NEUTRAL = { add: () => 0, max: (type: ScalarType) => (type === 'f32' ? LOWEST : type === 'i32' ? -2147483648 : 0) } as const;
const LOWEST = -3.4028234663852886e38;

/** Each subgroup reduces its own lanes, then all of them reduce the subgroups' results: two barriers, whatever the subgroup size. */
export function combineBySubgroups(type: ScalarType, fn: 'add' | 'max', total = THREADS): string {
  const join = joined(type, fn);
  const plain = fn === 'add' ? 'subgroupAdd' : 'subgroupMax';
  // NaN in one lane must become NaN in all of them, whatever the driver's maximum does with it.
  const all = (x: string): string =>
    fn === 'max' && type === 'f32' ? `select(${plain}(${x}), ${nan(x)}, subgroupAny(${isNan(x)}))` : `${plain}(${x})`;
  const neutral = literal(type, NEUTRAL[fn](type));
  return `fn combine_${fn}_${type}(lane: u32, place: u32, threads: u32, value: ${type}) -> ${type} {
  let part = ${all('value')};
  shared_${type}[lane] = select(${neutral}, part, place == 0u);
  workgroupBarrier();
  var a = ${neutral};
  for (var i = place; i < ${total}u; i += threads) {
    let b = shared_${type}[i];
    a = ${join};
  }
  let total = ${all('a')};
  // Nobody writes the next value before everybody has read this one.
  workgroupBarrier();
  return total;
}`;
}
