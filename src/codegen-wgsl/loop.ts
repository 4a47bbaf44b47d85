import { CompilerBug, get } from '../base/errors.ts';
import { PER_WORD, type StorageType } from '../base/types.ts';
import { isVector } from '../ir/kernel/functions.ts';
import type { LoopRange } from '../codegen/backend.ts';
import { PLACE, type Kernel } from '../ir/kernel/types.ts';
import { BodyWriter, THREADS, axesOf, loaded, pointsOf, stored, type Addressing } from './body.ts';
import { uniformStruct, type Placement } from './wgsl.ts';

/** Where a training loop's tensors are: in workgroup memory, in the data, or in the trace. */
export interface LoopPlacement {
  readonly tensors: ReadonlyMap<string, { readonly arena: string; readonly offset: number }>;
  readonly arenas: readonly LoopArena[];
  readonly scalars: Placement['scalars'];
  /** Bytes from one step's uniforms to the next. */
  readonly uniformBytes: number;
}

export interface LoopArena {
  readonly name: string;
  readonly dtype: StorageType;
  /** Of four bytes. */
  readonly words: number;
  /** `kept`: loaded into workgroup memory at the start and written back at the end; `scratch`: only in workgroup memory. */
  readonly kind: 'kept' | 'scratch' | 'data' | 'trace';
}

export interface LoopShader {
  readonly code: string;
  /** Arenas by binding; all except the data have a part for each net. */
  readonly bindings: readonly { readonly arena: string; readonly access: 'read' | 'read_write' }[];
}

/**
 * A whole training loop as one kernel: a workgroup trains a net for any number of steps. The program's kernels run one after another on the
 * workgroup's threads, with barriers where dispatches would end; parameters, optimizer state and transients stay in workgroup memory.
 * Workgroup n trains net n, with its own uniforms and its own part of state and trace.
 */
export function generateLoop(batches: readonly (readonly Kernel[])[], loops: readonly LoopRange[], place: LoopPlacement): LoopShader {
  const writer = new BodyWriter(memory(place, batches.flat()), { hidesLoops: true, collectives: false, place: PLACE, threads: THREADS });
  const step = batches
    .map((kernels, i) => {
      const text = `${kernels.map((k) => kernelLoop(writer, k)).join('')}    workgroupBarrier();\n    storageBarrier();\n`;
      const starts = loops.find(({ first }) => first === i);
      const ends = loops.some(({ first, count }) => first + count - 1 === i);
      const head = starts ? `    for (var ${PLACE} = zero; ${PLACE} < ${starts.times}u; ${PLACE}++) {\n` : '';
      return `${head}${text}${ends ? '    }\n' : ''}`;
    })
    .join('');
  const bound = place.arenas.filter((a) => a.kind !== 'scratch');
  const lines = bound.map(
    (a, i) => `@group(0) @binding(${i}) var<storage, ${a.kind === 'data' ? 'read' : 'read_write'}> all_${a.name}: array<${a.dtype}>;`,
  );
  const used = 1 + place.scalars.length;
  const padding = place.uniformBytes / 4 - used - 1;
  lines.push(uniformStruct(place.scalars, [...Array.from({ length: padding }, (_, i) => `pad${i}: u32`), 'count: u32']));
  lines.push('@group(1) @binding(0) var<storage, read> all_uniforms: array<Uniforms>;');
  for (const a of place.arenas)
    if (a.kind === 'kept' || a.kind === 'scratch')
      lines.push(`var<workgroup> ${a.name}: array<${a.dtype}, ${a.words * PER_WORD[a.dtype]}>;`);
  lines.push(...writer.declarations());
  const kept = bound.filter((a) => a.kind === 'kept');
  const copy = (a: LoopArena, from: string, to: string): string =>
    `  for (var i = 0u; i < ${Math.ceil(a.words / THREADS)}u; i++) {
    let at = i * ${THREADS}u + lane;
    if (at < ${a.words}u) { ${to} = ${from}; }
  }`;
  const global = (a: LoopArena): string => `all_${a.name}[net * ${a.words}u + at]`;
  lines.push(
    `@compute @workgroup_size(${THREADS})`,
    'fn main(@builtin(workgroup_id) id: vec3u, @builtin(local_invocation_index) lane: u32) {',
    '  let net = id.x;',
    '  let zero = id.z;',
    '  let count = all_uniforms[0].count;',
    ...kept.map((a) => copy(a, global(a), `${a.name}[at]`)),
    '  workgroupBarrier();',
    '  for (var step = 0u; step < count; step++) {',
    '    let uniforms = all_uniforms[net * count + step];',
    step.trimEnd(),
    '  }',
    ...kept.map((a) => copy(a, `${a.name}[at]`, global(a))),
    '}',
  );
  if (place.arenas.some((a) => a.dtype === 'f16')) lines.unshift('enable f16;');
  return {
    code: `${lines.join('\n')}\n`,
    bindings: bound.map((a) => ({ arena: a.name, access: a.kind === 'data' ? ('read' as const) : ('read_write' as const) })),
  };
}

/** All points of a kernel, distributed over the threads; points that lanes share run one after another. */
function kernelLoop(writer: BodyWriter, kernel: Kernel): string {
  const points = pointsOf(kernel);
  const head = (text: string): string =>
    `    ${text}\n${axesOf(kernel, '      ')
      .map((l) => `${l}\n`)
      .join('')}`;
  if (kernel.lanes > 1)
    return `${head(`for (var point = zero; point < ${points}u; point++) {`)}${writer.statements(kernel.body, '      ')}    }\n`;
  if (points <= THREADS)
    return `${head(`if (lane < ${points}u) {\n      let point = lane;`)}${writer.statements(kernel.body, '      ')}    }\n`;
  const guard = points % THREADS === 0 ? '' : `\n      if (point >= ${points}u) { break; }`;
  return `${head(`for (var round = zero; round < ${Math.ceil(points / THREADS)}u; round++) {\n      let point = round * ${THREADS}u + lane;${guard}`)}${writer.statements(kernel.body, '      ')}    }\n`;
}

function memory(place: LoopPlacement, kernels: readonly Kernel[]): Addressing {
  const arenas = new Map(place.arenas.map((a) => [a.name, a]));
  const buffers = new Map(kernels.flatMap((k) => k.buffers.map((b) => [b.name, b] as const)));
  const typeOf = (buffer: string): StorageType => get(buffers, buffer, 'buffer').type;
  const element = (buffer: string, index: string): string => {
    const b = get(buffers, buffer, 'buffer');
    const { arena, offset } = get(place.tensors, b.tensor, 'place');
    const { kind, words } = get(arenas, arena, 'arena');
    const start = offset + b.offset;
    const plus = start === 0 ? '' : ` + ${start}u`;
    if (kind === 'trace') return `all_${arena}[net * ${words}u + ${index}${plus}]`;
    return `${kind === 'data' ? `all_${arena}` : arena}[${index}${plus}]`;
  };
  return {
    array: () => {
      throw new CompilerBug('a loop uses no matrix units');
    },
    load: (w, buffer, type, index) => {
      if (isVector(type)) throw new CompilerBug('a loop works on scalars');
      return loaded(typeOf(buffer), type, element(buffer, w.bare(index)));
    },
    store: (w, buffer, index, value, indent) => `${indent}${element(buffer, w.bare(index))} = ${stored(w, typeOf(buffer), value)};\n`,
  };
}
