import { describe, expect, it } from 'vitest';
import type { Buffer, Kernel } from '../../src/ir/kernel/types.ts';
import { ArenaBuilder, BINDING_ALIGN, assignTransients, leastWords, lifetimes, type Lifetime } from '../../src/passes/memory/layout.ts';
import type { Tensor } from '../../src/passes/schedule/types.ts';

const tensor = (name: string, size: number, dtype: Tensor['dtype'] = 'f32', kind: Tensor['kind'] = 'transient'): Tensor => ({
  name,
  size,
  dtype,
  kind,
});

/** A kernel that touches these tensors, and nothing else of interest. */
const touching = (...names: readonly string[]): Kernel => ({
  name: 'k',
  about: [],
  buffers: names.map((name): Buffer => ({ name, type: 'f32', size: 1, access: 'read', tensor: name, offset: 0 })),
  axes: [],
  lanes: 1,
  subgroup: 1,
  body: [],
});

const tensors = (...all: readonly Tensor[]): ReadonlyMap<string, Tensor> => new Map(all.map((t) => [t.name, t]));

describe('lifetimes', () => {
  const known = tensors(tensor('a', 4), tensor('b', 4), tensor('s', 4, 'f32', 'state'));
  const spans = (kept: readonly string[], ...dispatches: readonly Kernel[][]): Record<string, readonly [number, number]> =>
    Object.fromEntries(lifetimes(dispatches, known, new Set(kept)).map((l) => [l.tensor.name, [l.from, l.to]]));

  it('go from the first dispatch that touches a transient to the last', () => {
    expect(spans([], [touching('a')], [touching('b')], [touching('a', 'b')])).toEqual({ a: [0, 2], b: [1, 2] });
  });

  it('see all kernels of a dispatch', () => {
    expect(spans([], [touching('a'), touching('b')], [touching('b')])).toEqual({ a: [0, 0], b: [0, 1] });
  });

  it('of what is kept last until everything is done', () => {
    expect(spans(['a'], [touching('a')], [touching('b')])).toEqual({ a: [0, 2], b: [1, 1] });
  });

  it('are those of transients alone', () => {
    expect(spans([], [touching('s', 'a')])).toEqual({ a: [0, 0] });
  });
});

describe('the layout of transients', () => {
  const life = (name: string, size: number, from: number, to: number, dtype: Tensor['dtype'] = 'f32'): Lifetime => ({
    tensor: tensor(name, size, dtype),
    from,
    to,
  });

  it('lets those that never live together share memory', () => {
    const { placed, words } = assignTransients([life('a', 100, 0, 1), life('b', 80, 2, 3)]);
    expect([placed.get('a')?.offset, placed.get('b')?.offset]).toEqual([0, 0]);
    expect(words).toEqual({ f32: 100 });
  });

  it('keeps those apart that a dispatch reads and writes', () => {
    const { placed } = assignTransients([life('a', 100, 0, 1), life('b', 100, 1, 2)]);
    expect(placed.get('a')?.offset).toBe(0);
    expect(placed.get('b')?.offset).toBe(2 * BINDING_ALIGN);
  });

  it('fills the gap between two that live longer', () => {
    const lives = [life('low', 128, 0, 9), life('gap', 64, 0, 1), life('high', 96, 0, 9), life('late', 64, 2, 3)];
    const { placed } = assignTransients(lives);
    expect(placed.get('late')).toEqual(placed.get('gap'));
  });

  it('never puts two into one place at once, whatever their lives are', () => {
    const lives = Array.from({ length: 40 }, (_, i) => life(`t${i}`, 1 + ((i * 37) % 200), (i * 7) % 20, ((i * 7) % 20) + ((i * 5) % 6)));
    const { placed } = assignTransients(lives);
    for (const a of lives)
      for (const b of lives) {
        if (a === b || a.to < b.from || b.to < a.from) continue;
        const [p, q] = [placed.get(a.tensor.name)?.offset ?? -1, placed.get(b.tensor.name)?.offset ?? -1];
        expect(p + a.tensor.size <= q || q + b.tensor.size <= p).toBe(true);
        expect([p % BINDING_ALIGN, q % BINDING_ALIGN]).toEqual([0, 0]);
      }
  });

  it('has an arena for each type, in words of four bytes', () => {
    const { words } = assignTransients([life('a', 10, 0, 0), life('i', 10, 0, 0, 'i32'), life('h', 10, 0, 0, 'f16')]);
    expect(words).toEqual({ f32: 10, i32: 10, f16: 5 });
  });

  it('has whole words for an odd number of halves, and starts them at whole bindings', () => {
    const { placed, words } = assignTransients([life('a', 129, 0, 1, 'f16'), life('b', 127, 1, 2, 'f16')]);
    expect(placed.get('b')?.offset).toBe(4 * BINDING_ALIGN);
    expect(words).toEqual({ f16: (4 * BINDING_ALIGN + 128) / 2 });
  });

  it('uses a gap that fits exactly', () => {
    const lives = [life('low', 130, 0, 9), life('gap', 128, 0, 1), life('high', 129, 0, 9), life('late', 64, 2, 9)];
    const { placed } = assignTransients(lives);
    expect([placed.get('low')?.offset, placed.get('high')?.offset, placed.get('gap')?.offset]).toEqual([0, 192, 384]);
    expect(placed.get('late')?.offset).toBe(384);
    // `b` fits between `c`, which is placed first, and nothing: its end is where `a` begins.
    const exact = assignTransients([life('c', 128, 0, 5), life('a', 100, 0, 9), life('d', 90, 6, 7), life('b', 128, 6, 9)]);
    expect(exact.placed.get('b')?.offset).toBe(0);
    expect(exact.placed.get('a')?.offset).toBe(128);
  });

  it('is the same in whatever order they come: by size, then by when they begin, then by name', () => {
    const lives = [life('b', 64, 0, 3), life('a', 64, 0, 3), life('late', 64, 1, 3), life('big', 65, 2, 3)];
    const want = { big: 0, a: 128, b: 192, late: 256 };
    for (const order of [lives, [...lives].reverse(), [lives[2], lives[0], lives[3], lives[1]]]) {
      const { placed } = assignTransients(order.filter((l): l is Lifetime => l !== undefined));
      expect(Object.fromEntries([...placed].map(([name, p]) => [name, p.offset]))).toEqual(want);
    }
  });

  it('cannot be smaller than what is alive at once', () => {
    const lives = [life('a', 100, 0, 1), life('b', 50, 1, 2), life('c', 70, 2, 3)];
    expect(leastWords(lives)).toBe(150);
    expect(leastWords([])).toBe(0);
  });
});

describe('arenas', () => {
  it('give a name the same place in every program, and others places behind it', () => {
    const arenas = new ArenaBuilder();
    expect(arenas.place('state', 'p', 'f32', 10)).toEqual({ arena: 'state', offset: 0 });
    expect(arenas.place('state', 'm', 'f32', 10)).toEqual({ arena: 'state', offset: BINDING_ALIGN });
    expect(arenas.place('state', 'p', 'f32', 10)).toEqual({ arena: 'state', offset: 0 });
    expect(arenas.place('data', 'p', 'f32', 10)).toEqual({ arena: 'data', offset: 0 });
    expect(arenas.arenas().map((a) => [a.name, a.words])).toEqual([
      ['data', BINDING_ALIGN],
      ['state', 2 * BINDING_ALIGN],
    ]);
  });

  it('hold halves in whole words, behind whole bindings, and come in the order of their names', () => {
    const arenas = new ArenaBuilder();
    arenas.atLeast('f32', 1);
    arenas.place('state', 's', 'f32', 1);
    expect(arenas.place('trace', 'a', 'f16', 129)).toEqual({ arena: 'htrace', offset: 0 });
    expect(arenas.place('trace', 'b', 'f16', 127)).toEqual({ arena: 'htrace', offset: 4 * BINDING_ALIGN });
    arenas.place('data', 'd', 'i32', 1);
    expect(arenas.arenas().map((a) => [a.name, a.words])).toEqual([
      ['htrace', 3 * BINDING_ALIGN],
      ['idata', BINDING_ALIGN],
      ['state', BINDING_ALIGN],
      ['work', BINDING_ALIGN],
    ]);
  });

  it('of transients are as large as the largest program needs', () => {
    const arenas = new ArenaBuilder();
    arenas.atLeast('f32', 1000);
    arenas.atLeast('f32', 10);
    expect(arenas.arenas()).toEqual([{ name: 'work', kind: 'work', dtype: 'f32', words: 1024 }]);
  });
});
