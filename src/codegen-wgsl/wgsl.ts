import { CompilerBug, at, get } from '../base/errors.ts';
import { PER_WORD, type StorageType } from '../base/types.ts';
import { isVector } from '../ir/kernel/functions.ts';
import type { Expr, Kernel, ValueType } from '../ir/kernel/types.ts';
import { MOST_SHARED, sharedBytes } from '../passes/schedule/batch.ts';
import { ENABLE_MATRICES } from './product.ts';
import { BodyWriter, THREADS, axesOf, loaded, pointsOf, stored, type Addressing, type Style } from './body.ts';

/** How the kernels of one dispatch see the arenas. */
export interface Placement extends Style {
  readonly bindings: readonly {
    readonly dtype: StorageType;
    readonly words: number;
    readonly access: 'read' | 'read_write';
    readonly vectors: boolean;
  }[];
  readonly places: ReadonlyMap<string, { readonly binding: number; readonly offset: number }>;
  /** The members of a step's uniforms after the slot. */
  readonly scalars: readonly { readonly name: string; readonly dtype: 'f32' | 'i32' }[];
}

export interface Shader {
  readonly code: string;
  readonly uniforms: boolean;
  /** Whether it reads the place of the loop around it. */
  readonly places: boolean;
  /** Whether it uses matrix units. */
  readonly matrices: boolean;
  /** The subgroup size that it relies on; 1 for none. */
  readonly subgroup: number;
  /** Whether reductions use subgroup operations. */
  readonly collectives: boolean;
  readonly workgroups: readonly [number, number];
}

/** Workgroups along one dimension that every device supports. */
const MAX_GROUPS = 65_535;

/** Workgroups of a kernel: one per point if lanes share points, else one for as many points as it has threads. */
const groupsOf = (kernel: Kernel, threads: number): number => Math.ceil(pointsOf(kernel) / (kernel.lanes > 1 ? 1 : threads));

/** Writes the kernels of one dispatch as a WGSL module with the entry point `main`; each kernel has its own workgroups. */
export function generateWgsl(kernels: readonly Kernel[], place: Placement): Shader {
  const [threads = THREADS, ...others] = new Set(kernels.flatMap(({ lanes }) => (lanes > 1 ? [lanes] : [])));
  const writer = new BodyWriter(windows(place), { ...place, place: 'at_place.x', threads });
  const groups = kernels.map((k) => groupsOf(k, threads));
  if (others.length > 0) throw new CompilerBug(`kernels with workgroups of ${threads} and ${others.join()} threads share a dispatch`);
  const total = groups.reduce((a, b) => a + b, 0);
  const y = Math.ceil(total / MAX_GROUPS);
  const x = Math.ceil(total / y);
  if (y > MAX_GROUPS) throw new CompilerBug(`kernel ${kernels[0]?.name ?? ''} has ${total} workgroups, more than a dispatch can hold`);
  const bodies = kernels.map((k) => kernelBody(writer, k, threads));
  const shared = sharedBytes(kernels);
  if (shared > MOST_SHARED)
    throw new CompilerBug(`kernel ${kernels[0]?.name ?? ''} needs ${shared} bytes of workgroup memory, more than every device has`);
  const [only = ''] = bodies;
  const subgroup = Math.max(...kernels.map((k) => k.subgroup));
  // What threads need to know about their subgroup.
  const known = [...(subgroup > 1 || writer.collectives ? ['place'] : []), ...(writer.collectives ? ['threads'] : [])];
  const builtins = { place: 'subgroup_invocation_id', threads: 'subgroup_size' } as Readonly<Record<string, string>>;
  const sub = known.map((name) => `, ${name}: u32`).join('');
  // Inside of a function a remainder shows again that a lane is a small number, as that of the entry point is known to be.
  const part = (body: string, i: number): string =>
    kernels[i]?.lanes === 1
      ? `fn part${i}(group: u32, lane: u32, zero: u32${sub}) {\n${body}}`
      : `fn part${i}(group: u32, thread: u32, zero: u32${sub}) {\n  let lane = thread % ${threads}u;\n${body}}`;
  const parts = kernels.length === 1 ? [] : bodies.map(part);
  const main = [
    `@compute @workgroup_size(${threads})`,
    `fn main(@builtin(workgroup_id) id: vec3u, @builtin(local_invocation_index) lane: u32${known.map((name) => `, @builtin(${builtins[name] ?? ''}) ${name}: u32`).join('')}) {`,
    `  let group = id.x${y > 1 ? ` + id.y * ${x}u` : ''};`,
    x * y > total ? `  if (group >= ${total}u) { return; }` : '',
    ...(kernels.length === 1
      ? [/\bzero\b/.test(only) ? '  let zero = id.z;' : '', only.trimEnd()]
      : choosePart(groups, known.map((name) => `, ${name}`).join(''))),
    '}',
  ];
  const lines = place.bindings.map((b, i) => {
    const elements = b.words * PER_WORD[b.dtype];
    const type = b.vectors ? `vec4<${b.dtype}>, ${elements / 4}` : `${b.dtype}, ${elements}`;
    return `@group(0) @binding(${i}) var<storage, ${b.access}> b${i}: array<${type}>;`;
  });
  if (writer.uniforms) lines.push(uniformStruct(place.scalars), '@group(1) @binding(0) var<uniform> uniforms: Uniforms;');
  if (writer.places) lines.push('@group(2) @binding(0) var<uniform> at_place: vec4u;');
  lines.push(...writer.declarations(), ...parts, ...main);
  if (place.bindings.some((b) => b.dtype === 'f16')) lines.unshift('enable f16;');
  if (writer.matrices) lines.unshift(...ENABLE_MATRICES);
  // Only whole subgroups return early (`verifyKernel`), which WGSL's analysis cannot see.
  if (known.length > 0) lines.unshift('enable subgroups;', 'diagnostic(off, subgroup_uniformity);');
  return {
    code: `${lines.filter((l) => l !== '').join('\n')}\n`,
    uniforms: writer.uniforms,
    places: writer.places,
    matrices: writer.matrices,
    subgroup,
    collectives: writer.collectives,
    workgroups: [x, y],
  };
}

/** The struct of a step's uniforms. */
export function uniformStruct(scalars: Placement['scalars'], more: readonly string[] = []): string {
  return `struct Uniforms { ${['slot: u32', ...scalars.map((s) => `${s.name}: ${s.dtype}`), ...more].join(', ')} }`;
}

/** Each workgroup runs one of the kernels. */
function choosePart(groups: readonly number[], sub: string): string[] {
  let first = 0;
  return groups.map((n, i) => {
    const call = `part${i}(group${first ? ` - ${first}u` : ''}, lane, id.z${sub});`;
    first += n;
    return i === groups.length - 1 ? `  ${call}` : `  if (group < ${first}u) { ${call} return; }`;
  });
}

/** A kernel's statements, after those that find this thread's point of the axes. */
function kernelBody(writer: BodyWriter, kernel: Kernel, threads: number): string {
  const points = pointsOf(kernel);
  const lines = kernel.subgroup > 1 ? [`  let sub = place % ${kernel.subgroup}u;`] : [];
  lines.push(`  let point = ${kernel.lanes > 1 ? 'group' : `group * ${threads}u + lane`};`);
  if (kernel.lanes === 1 && points % threads !== 0) lines.push(`  if (point >= ${points}u) { return; }`);
  lines.push(...axesOf(kernel, '  '));
  return `${lines.join('\n')}\n${writer.statements(kernel.body, '  ')}`;
}

/** Memory access through the bindings of a dispatch, each an array of scalars or of vectors. */
function windows(place: Placement): Addressing {
  const plus = (w: BodyWriter, index: Expr, offset: number): string => {
    if (index.kind === 'literal') return `${index.value + offset}u`;
    return offset === 0 ? w.bare(index) : `${w.bare(index)} + ${offset}u`;
  };
  /** The text of a value's location: as a whole, or element by element. */
  const find = (w: BodyWriter, buffer: string, type: ValueType, index: Expr) => {
    const { binding, offset } = get(place.places, buffer, 'buffer');
    const { vectors, dtype } = at(place.bindings, binding);
    const whole = (text: string) => ({ dtype, whole: text, parts: [] });
    if (isVector(type)) {
      if (vectors) return whole(`b${binding}[${plus(w, index, offset / 4)}]`);
      // Not aligned to four elements: access one by one.
      const first = `4u * ${w.expr(index)}`;
      return { dtype, whole: undefined, parts: [0, 1, 2, 3].map((i) => `b${binding}[${first} + ${offset + i}u]`) };
    }
    if (!vectors) return whole(`b${binding}[${plus(w, index, offset)}]`);
    if (index.kind === 'literal') return whole(`b${binding}[${Math.floor((index.value + offset) / 4)}u][${(index.value + offset) % 4}u]`);
    const place4 = plus(w, index, offset);
    return whole(`b${binding}[(${place4}) / 4u][(${place4}) % 4u]`);
  };
  return {
    array: (buffer) => {
      const { binding, offset } = get(place.places, buffer, 'buffer');
      return { name: `b${binding}`, offset };
    },
    load: (w, buffer, type, index) => {
      const { dtype, whole, parts } = find(w, buffer, type, index);
      return loaded(dtype, type, whole ?? `vec4<${dtype}>(${parts.join(', ')})`);
    },
    store: (w, buffer, index, value, indent) => {
      const { dtype, whole, parts } = find(w, buffer, value.type, index);
      if (whole !== undefined) return `${indent}${whole} = ${stored(w, dtype, value)};\n`;
      const text = w.expr(value);
      return parts
        .map((p, i) => `${indent}${p} = ${dtype === 'f16' ? `f16(${text}.${'xyzw'[i] ?? ''})` : `${text}.${'xyzw'[i] ?? ''}`};\n`)
        .join('');
    },
  };
}
