import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { SMALL_EXAMPLES } from '../support/examples.ts';
import { check, compile } from '../../src/compile.ts';
import { call, literal, ref } from '../../src/ir/kernel/build.ts';
import { parseKernel } from '../../src/ir/kernel/parse.ts';
import { printKernel } from '../../src/ir/kernel/print.ts';
import type { Kernel, Stmt } from '../../src/ir/kernel/types.ts';
import { verifyKernel } from '../../src/ir/kernel/verify.ts';
import { Random } from '../support/random.ts';
import { randomGraph } from '../support/random-graph.ts';
import { planGraph } from '../../src/verify/run-graph.ts';

function same(kernel: Kernel): void {
  const text = printKernel(kernel);
  expect(parseKernel(text)).toEqual(kernel);
  expect(printKernel(parseKernel(text))).toBe(text);
}

describe('the text of the kernel IR', () => {
  it.each(SMALL_EXAMPLES)('%s is read back to the same kernels', (file) => {
    const source = { name: file, text: readFileSync(`examples/${file}`, 'utf8') };
    const { model } = check(source);
    if (!model) throw new Error('the example is wrong');
    for (const level of [0, 1] as const)
      for (const adapter of [undefined, { software: true, bindings: 8, subgroup: 4, collectives: false, half: false }])
        for (const p of compile(model, { rows: 300, level, adapter }).programs) Object.values(p.kernels).flat().forEach(same);
  });

  it.each(Array.from({ length: 30 }, (_, i) => i))('random kernels %i are read back', (seed) => {
    const r = new Random(2000 + seed);
    const { graph } = randomGraph(r, r.int(3, 12));
    for (const level of [0, 1] as const) Object.values(planGraph(graph, level).lowered.kernels).flat().forEach(same);
  });
});

describe('the verifier of the kernel IR', () => {
  const zero = literal('u32', 0);
  const store: Stmt = {
    kind: 'store',
    buffer: 'y',
    index: ref('u32', 'i'),
    value: { kind: 'load', type: 'f32', buffer: 'x', index: ref('u32', 'i') },
  };
  const good: Kernel = {
    name: 'k',
    about: [],
    buffers: [
      { name: 'x', type: 'f32', size: 4, access: 'read', tensor: 'x', offset: 0 },
      { name: 'y', type: 'f32', size: 4, access: 'write', tensor: 'y', offset: 0 },
    ],
    axes: [{ name: 'i', extent: 4 }],
    lanes: 1,
    subgroup: 1,
    body: [store],
  };
  const one = literal('f32', 1);
  const broken: [string, Partial<Kernel>, string][] = [
    ['an unknown name', { body: [{ ...store, index: ref('u32', 'j') }] }, 'j is not defined'],
    ['an unknown buffer', { body: [{ ...store, buffer: 'z' }] }, 'buffer z is not declared'],
    ['a write to what is read only', { body: [{ ...store, buffer: 'x' }] }, 'x is only read'],
    [
      'a read of what is only written',
      { body: [{ kind: 'let', name: 'a', value: { kind: 'load', type: 'f32', buffer: 'y', index: zero } }, store] },
      'y is only written',
    ],
    ['a wrong type', { body: [{ ...store, value: literal('i32', 1) }] }, 'y holds f32 and gets i32'],
    ['an index that is no u32', { body: [{ ...store, index: literal('i32', 1) }] }, 'the index of y is i32'],
    [
      'a constant index outside',
      { body: [store, { kind: 'let', name: 'a', value: { kind: 'load', type: 'f32', buffer: 'x', index: literal('u32', 4) } }] },
      'is outside of 4',
    ],
    [
      'a name defined twice',
      { body: [{ kind: 'let', name: 'a', value: one }, { kind: 'let', name: 'a', value: one }, store] },
      'a is defined twice',
    ],
    [
      'an assignment to a let',
      { body: [{ kind: 'let', name: 'a', value: one }, { kind: 'set', name: 'a', value: one }, store] },
      'a is constant and cannot be set',
    ],
    ['a condition that is a number', { body: [{ kind: 'if', condition: one, body: [store] }] }, 'a condition is not bool'],
    ['a loop without rounds', { body: [{ kind: 'for', name: 'k', extent: 0, body: [] }, store] }, 'runs 0 times'],
    [
      'a name used outside of its block',
      {
        body: [
          { kind: 'for', name: 'k', extent: 2, body: [] },
          { ...store, index: ref('u32', 'k') },
        ],
      },
      'k is not defined',
    ],
    ['an output that is never written', { body: [] }, 'never written'],
  ];
  it('accepts a good kernel', () => verifyKernel(good, 'building'));
  it.each(broken)('finds %s', (_what, change, message) => {
    expect(() => verifyKernel({ ...good, ...change }, 'a pass')).toThrow(message);
  });
  it('refuses calls whose operands do not fit', () => {
    expect(() => call('add', one, zero)).toThrow('operands differ: f32, u32');
    expect(() => call('select', one, one, one)).toThrow('takes (bool, T, T)');
  });
});
