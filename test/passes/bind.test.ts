import { describe, expect, it } from 'vitest';
import { BATCH } from '../../src/base/types.ts';
import { GraphBuilder } from '../../src/ir/graph/builder.ts';
import { literal } from '../../src/ir/kernel/build.ts';
import type { Buffer, Kernel, ValueType } from '../../src/ir/kernel/types.ts';
import { bindBuffers } from '../../src/codegen/bind.ts';
import { bindBatch } from '../../src/passes/graph/cleanup.ts';
import { verifyGraph } from '../../src/ir/graph/verify.ts';
import type { Placed } from '../../src/passes/memory/layout.ts';

describe('putting the batch in', () => {
  it('reaches types, attributes and the number of examples', () => {
    const b = new GraphBuilder('batched');
    const x = b.add('input', [], { name: 'x' }, { dtype: 'f32', shape: [BATCH, 3] });
    const row = b.add('input', [], { name: 'row' }, { dtype: 'f32', shape: [3] });
    const both = b.op('add', x, b.broadcast(row, [BATCH, 3], [1]));
    const part = b.add('slice', [both], { start: [0, 1], size: [BATCH, 2] });
    const flat = b.reshape(part, [{ batch: 2 }]);
    const rows = b.add('input', [], { name: 'rows' }, { dtype: 'i32', shape: [{ batch: 2 }] });
    const put = b.add('scatter_add', [rows, flat], { rows: BATCH });
    b.outputs['mean'] = b.op('div', b.sum(put, [0]), b.dimsize(BATCH));
    const bound = bindBatch(b.graph(), 5);
    verifyGraph(bound, 'bind', { bound: true });
    const attrs = Object.fromEntries(bound.nodes.map((n) => [n.op, n.attrs]));
    expect(attrs['broadcast']).toEqual({ shape: [5, 3], axes: [1] });
    expect(attrs['slice']).toEqual({ start: [0, 1], size: [5, 2] });
    expect(attrs['reshape']).toEqual({ shape: [10] });
    expect(attrs['scatter_add']).toEqual({ rows: 5 });
    expect(attrs['const']).toEqual({ value: 5 });
    expect(bound.nodes.some((n) => n.op === 'dimsize')).toBe(false);
  });
});

describe('binding buffers', () => {
  const buffer = (name: string, size: number, access: Buffer['access'] = 'read', offset = 0): Buffer => ({
    name,
    type: 'f32',
    size,
    access,
    tensor: name.replace(/_.*/, ''),
    offset,
  });
  const kernel = (buffers: readonly Buffer[], loads: Readonly<Record<string, ValueType>> = {}): Kernel => ({
    name: 'k',
    about: [],
    buffers,
    axes: [],
    lanes: 1,
    subgroup: 1,
    body: Object.entries(loads).map(([name, type]) => ({
      kind: 'let',
      name: `v${name}`,
      value: { kind: 'load', type, buffer: name, index: literal('u32', 0) },
    })),
  });
  const placed = (places: Readonly<Record<string, readonly [string, number]>>): ReadonlyMap<string, Placed> =>
    new Map(Object.entries(places).map(([name, [arena, offset]]) => [name, { arena, offset }]));

  it('gives each tensor a window of its arena that begins at an aligned place', () => {
    const { bindings, places } = bindBuffers(
      [kernel([buffer('a', 10), buffer('b', 10)])],
      placed({ a: ['state', 0], b: ['state', 70] }),
      8,
    );
    expect(bindings.map((b) => [b.arena, b.start, b.words, b.access])).toEqual([
      ['state', 0, 12, 'read'],
      ['state', 64, 16, 'read'],
    ]);
    expect(places.get('b')).toEqual({ binding: 1, offset: 6 });
  });

  it('makes one window of two that overlap where anything of the arena is written', () => {
    const parts = [buffer('a_0_10', 10, 'write'), buffer('a_8_10', 10, 'read', 8)];
    const { bindings, places } = bindBuffers([kernel(parts)], placed({ a: ['work', 0] }), 8);
    expect(bindings).toHaveLength(1);
    expect(bindings[0]).toMatchObject({ start: 0, words: 20, access: 'read_write' });
    expect(places.get('a_8_10')).toEqual({ binding: 0, offset: 8 });
  });

  it('makes every window of an arena writable in which one is', () => {
    const { bindings } = bindBuffers([kernel([buffer('a', 64, 'write'), buffer('b', 64)])], placed({ a: ['work', 0], b: ['work', 64] }), 8);
    expect(bindings.map((b) => b.access)).toEqual(['read_write', 'read_write']);
  });

  it('joins the windows of the arena that has most of them where there are too many', () => {
    const { bindings } = bindBuffers(
      [kernel([buffer('a', 8), buffer('b', 8), buffer('c', 8), buffer('d', 8)])],
      placed({ a: ['work', 0], b: ['work', 64], c: ['work', 128], d: ['data', 0] }),
      2,
    );
    expect(bindings.map((b) => [b.arena, b.start, b.words])).toEqual([
      ['work', 0, 136],
      ['data', 0, 8],
    ]);
  });

  it('makes arrays of vectors where vectors are read, and every vector starts at a multiple of four', () => {
    const vectors = (offset: number): readonly boolean[] =>
      bindBuffers([kernel([buffer('a', 8)], { a: 'f32x4' })], placed({ a: ['work', offset] }), 8).bindings.map((b) => b.vectors);
    expect(vectors(4)).toEqual([true]);
    expect(vectors(3)).toEqual([false]);
    const scalars = bindBuffers([kernel([buffer('a', 8)], { a: 'f32' })], placed({ a: ['work', 0] }), 8);
    expect(scalars.bindings.map((b) => b.vectors)).toEqual([false]);
  });
});
