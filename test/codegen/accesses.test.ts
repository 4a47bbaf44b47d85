import { readFileSync, readdirSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { ANY_ADAPTER } from '../../src/codegen/backend.ts';
import { compile } from '../../src/compile.ts';
import { parseKernel } from '../../src/ir/kernel/parse.ts';
import { proveAccesses } from '../../src/verify/accesses.ts';
import { proveKernels } from '../../src/verify/prove-kernels.ts';
import { model } from '../support/programs.ts';

/** Every access of every kernel of every program here is proved. Kernels that tests make of random graphs are proved as well. */
const FILES = ['examples', 'bench/programs', 'test/parity/programs'].flatMap((folder) =>
  readdirSync(folder)
    .filter((f) => f.endsWith('.nn'))
    .map((f) => `${folder}/${f}`),
);
/** Programs without a model, or whose data decide how large they are. */
const without = /run |neuron|autograd|values|linear-algebra/;

describe('the kernels of every program', () => {
  const all = { kernels: 0, accesses: 0, enumerated: 0 };
  const programs = FILES.flatMap((file) => {
    const text = readFileSync(file, 'utf8');
    return /^layer|^block/m.test(text) && !without.test(file) ? [{ file, text }] : [];
  });

  it.each(programs)('$file', ({ file, text }) => {
    const { plan, programs: lowered } = compile(model(text, file).model, { rows: 48, adapter: ANY_ADAPTER });
    for (const p of lowered) {
      const { problems, ...counts } = proveKernels(p, plan.chunk);
      expect(problems).toEqual([]);
      for (const key of ['kernels', 'accesses', 'enumerated'] as const) all[key] += counts[key];
    }
  });

  it('are many, and nearly all are told apart without going through their threads', () => {
    expect(all.kernels).toBeGreaterThan(2000);
    expect(all.accesses).toBeGreaterThan(30_000);
    expect(all.enumerated).toBeLessThan(all.kernels / 100);
  });
});

/** The first problem of a kernel; none if it is proved. */
function problemOf(lines: string, robust = false): string {
  const kernel = parseKernel(`kernel k {\n${lines.trim()}\n}\n`);
  return proveAccesses(kernel, { beyond: 0, robust, uniforms: new Map([['slot', 7]]) }).problems[0] ?? '';
}

describe('a kernel', () => {
  const head = '  read a : f32[12]\n  write b : f32[12]\n';

  it.each([
    [
      'whose threads have places of their own',
      `${head}  axis i0 < 3\n  axis i1 < 4\n  store b[add(mul(i0, 4u), i1)] = a[add(mul(i1, 3u), i0)]`,
    ],
    ['whose axes are swapped', `${head}  axis i0 < 3\n  axis i1 < 4\n  store b[add(mul(i1, 3u), i0)] = 1f`],
    ['that writes four at once', `${head}  axis i0 < 3\n  store b[4 * i0] = a[4 * i0]`],
    [
      'whose condition keeps it inside',
      `${head}  axis i0 < 4\n  axis i1 < 4\n  if lt(add(mul(i0, 4u), i1), 12u) {\n    store b[add(mul(i0, 4u), i1)] = 1f\n  }`,
    ],
    ['that divides', `${head}  axis i0 < 24\n  if eq(mod(i0, 2u), 0u) {\n    store b[div(i0, 2u)] = 1f\n  }`],
    ['whose threads go through rows of their own', `${head}  axis i0 < 3\n  for k1 < 4 {\n    store b[add(mul(i0, 4u), k1)] = a[k1]\n  }`],
    ['whose first lane writes', `${head}  axis i0 < 12\n  lanes 64\n  if eq(lane, 0u) {\n    store b[i0] = 1f\n  }`],
    ['that writes the slot of its step', '  write t : f32[8]\n  store t[uniforms.slot:u32] = 1f'],
    [
      'whose first lane alone reads what it writes',
      '  read a : f32[64]\n  update b : f32[1]\n  lanes 64\n  var s0 = a[lane]\n  combine s0 by add\n  if eq(lane, 0u) {\n    let x1 = b[0u]\n    store b[0u] = add(x1, s0)\n  }',
    ],
    [
      'that reads what it wrote itself',
      '  update b : f32[12]\n  axis i0 < 12\n  store b[i0] = 1f\n  let x1 = b[i0]\n  store b[i0] = add(x1, 1f)',
    ],
    [
      'that reads all of one place of a loop and writes the next',
      '  update b : f32[24]\n  axis i0 < 4\n  places 5\n  var s0 = 0f\n  for k0 < 4 {\n    set s0 = add(s0, b[add(mul(uniforms.loop_place:u32, 4u), k0)])\n  }\n  store b[add(add(mul(uniforms.loop_place:u32, 4u), 4u), i0)] = s0',
    ],
    [
      'whose lanes put into a table, wait, and take from it',
      '  read a : f32[64]\n  write b : f32[64]\n  lanes 64\n  shared t : f32[64]\n  put t[[lane]] = a[lane]\n  barrier of shared\n  store b[lane] = t[[sub(63u, lane)]]',
    ],
    [
      'whose lanes go through a row, wait, and go through it backwards',
      '  read a : f32[200]\n  update b : f32[200]\n  write c : f32[200]\n  axis i0 < 2\n  lanes 64\n  for k0 < 2 {\n    if lt(add(mul(k0, 64u), lane), 100u) {\n      store b[add(mul(i0, 100u), add(mul(k0, 64u), lane))] = a[add(mul(i0, 100u), add(mul(k0, 64u), lane))]\n    }\n  }\n  barrier of buffers\n  for k1 < 2 {\n    if lt(add(mul(k1, 64u), lane), 100u) {\n      store c[add(mul(i0, 100u), add(mul(k1, 64u), lane))] = b[sub(add(mul(i0, 100u), 99u), add(mul(k1, 64u), lane))]\n    }\n  }',
    ],
    [
      'whose lanes go through pairs, of which the last ones are left out',
      '  read a : f32[150]\n  write b : f32[2]\n  axis i0 < 2\n  lanes 64\n  var s0 = 0f\n  for k0 < 2 {\n    if lt(add(mul(k0, 64u), lane), 75u) {\n      set s0 = add(s0, a[add(i0, add(mul(div(lane, 4u), 8u), add(mul(mod(lane, 4u), 2u), mul(k0, 128u))))])\n    }\n  }\n  combine s0 by add\n  if eq(lane, 0u) {\n    store b[i0] = s0\n  }',
    ],
    [
      'whose lanes split into rows and columns',
      '  write b : f32[96]\n  axis i0 < 2\n  lanes 64\n  if lt(div(lane, 8u), 6u) {\n    store b[add(mul(div(lane, 8u), 16u), add(mul(i0, 8u), mod(lane, 8u)))] = 1f\n  }',
    ],
    [
      'that tests the row and the column of a place, and reads by the place',
      '  read a : f32[20]\n  write b : f32[20]\n  axis i0 < 20\n  var s0 = 0f\n  for k0 < 3 {\n    for k1 < 3 {\n      if and(and(le(1u, add(div(i0, 5u), k0)), lt(add(div(i0, 5u), k0), 5u)), and(le(1u, add(mod(i0, 5u), k1)), lt(add(mod(i0, 5u), k1), 6u))) {\n        set s0 = add(s0, a[sub(add(add(i0, mul(k0, 5u)), k1), 6u)])\n      }\n    }\n  }\n  store b[i0] = s0',
    ],
  ])('%s is proved', (_what, lines) => {
    expect(problemOf(lines)).toBe('');
  });

  it.each([
    ['that writes one past the end', `${head}  axis i0 < 13\n  store b[i0] = 1f`, 'b[i0] reaches from 0 to 12, and has 12 places'],
    [
      'that reads before the start',
      `${head}  axis i0 < 12\n  store b[i0] = a[sub(i0, 1u)]`,
      'a[sub(i0, 1)] reaches from -1 to 10, and has 12 places',
    ],
    [
      'that reads four past the end',
      `${head}  axis i0 < 4\n  store b[i0] = x(a[4 * i0])`,
      'a[i0] reaches from 0 to 3, and has 3 places of four',
    ],
    [
      'whose condition is off by one',
      `${head}  axis i0 < 16\n  if le(i0, 12u) {\n    store b[i0] = 1f\n  }`,
      'b[i0] reaches from 0 to 12, and has 12 places',
    ],
    [
      'whose threads all write one element',
      `${head}  axis i0 < 3\n  store b[0u] = 1f`,
      'b: element 0 is written by thread 0 and written by thread 1',
    ],
    [
      'that writes where it reads the place of a loop',
      '  update b : f32[24]\n  axis i0 < 4\n  places 5\n  var s0 = 0f\n  for k0 < 4 {\n    set s0 = add(s0, b[add(mul(uniforms.loop_place:u32, 4u), k0)])\n  }\n  store b[add(add(mul(uniforms.loop_place:u32, 4u), 3u), i0)] = s0',
      'b: element 3 is written by thread 0 and read by thread 1',
    ],
    [
      'that tests the row wrongly',
      '  read a : f32[20]\n  write b : f32[20]\n  axis i0 < 20\n  var s0 = 0f\n  for k0 < 3 {\n    for k1 < 3 {\n      if and(and(le(0u, add(div(i0, 5u), k0)), lt(add(div(i0, 5u), k0), 5u)), and(le(1u, add(mod(i0, 5u), k1)), lt(add(mod(i0, 5u), k1), 6u))) {\n        set s0 = add(s0, a[sub(add(add(i0, mul(k0, 5u)), k1), 6u)])\n      }\n    }\n  }\n  store b[i0] = s0',
      'a[sub(add(add(i0, mul(k0, 5)), k1), 6)] reaches from -6 to 25, and has 20 places',
    ],
    [
      'that writes a place too many of a loop',
      '  write b : f32[24]\n  axis i0 < 4\n  places 7\n  store b[add(mul(uniforms.loop_place:u32, 4u), i0)] = 0f',
      'b[add(mul(loop_place, 4), i0)] reaches from 0 to 27, and has 24 places',
    ],
    [
      'whose rows overlap',
      `${head}  axis i0 < 3\n  axis i1 < 4\n  store b[add(mul(i0, 3u), i1)] = 1f`,
      'b: element 3 is written by thread 3 and written by thread 4',
    ],
    [
      'whose lanes all write',
      `${head}  axis i0 < 12\n  lanes 64\n  store b[i0] = 1f`,
      'b: element 0 is written by thread 0 and written by thread 1',
    ],
    [
      'that reads what a neighbour writes',
      '  update b : f32[12]\n  axis i0 < 11\n  let x1 = b[add(i0, 1u)]\n  store b[i0] = x1',
      'b: element 1 is written by thread 1 and read by thread 0',
    ],
    [
      'whose other lanes read what the first one writes',
      '  read a : f32[64]\n  update b : f32[1]\n  lanes 64\n  var s0 = a[lane]\n  combine s0 by add\n  let x1 = b[0u]\n  if eq(lane, 0u) {\n    store b[0u] = add(x1, s0)\n  }',
      'b: element 0 is written by thread 0 and read by thread 1',
    ],
    [
      'whose lanes do not wait for a table',
      '  read a : f32[64]\n  write b : f32[64]\n  lanes 64\n  shared t : f32[64]\n  put t[[lane]] = a[lane]\n  store b[lane] = t[[sub(63u, lane)]]',
      't: lanes 63 and 0 meet at 63 with no barrier between',
    ],
    [
      'whose lanes meet in a row that they do not wait for',
      '  read a : f32[200]\n  update b : f32[200]\n  write c : f32[200]\n  axis i0 < 2\n  lanes 64\n  for k0 < 2 {\n    if lt(add(mul(k0, 64u), lane), 100u) {\n      store b[add(mul(i0, 100u), add(mul(k0, 64u), lane))] = a[add(mul(i0, 100u), add(mul(k0, 64u), lane))]\n    }\n  }\n  for k1 < 2 {\n    if lt(add(mul(k1, 64u), lane), 100u) {\n      store c[add(mul(i0, 100u), add(mul(k1, 64u), lane))] = b[sub(add(mul(i0, 100u), 99u), add(mul(k1, 64u), lane))]\n    }\n  }',
      'b: element 99 is written by thread 35 and read by thread 0',
    ],
    [
      'whose lanes wait for a table where they share a buffer',
      '  read a : f32[200]\n  update b : f32[200]\n  write c : f32[200]\n  axis i0 < 2\n  lanes 64\n  for k0 < 2 {\n    if lt(add(mul(k0, 64u), lane), 100u) {\n      store b[add(mul(i0, 100u), add(mul(k0, 64u), lane))] = a[add(mul(i0, 100u), add(mul(k0, 64u), lane))]\n    }\n  }\n  barrier of shared\n  for k1 < 2 {\n    if lt(add(mul(k1, 64u), lane), 100u) {\n      store c[add(mul(i0, 100u), add(mul(k1, 64u), lane))] = b[sub(add(mul(i0, 100u), 99u), add(mul(k1, 64u), lane))]\n    }\n  }',
      'b: element 99 is written by thread 35 and read by thread 0',
    ],
    [
      'whose lanes go one pair too far',
      '  read a : f32[148]\n  write b : f32[2]\n  axis i0 < 2\n  lanes 64\n  var s0 = 0f\n  for k0 < 2 {\n    if lt(add(mul(k0, 64u), lane), 76u) {\n      set s0 = add(s0, a[add(i0, add(mul(div(lane, 4u), 8u), add(mul(mod(lane, 4u), 2u), mul(k0, 128u))))])\n    }\n  }\n  combine s0 by add\n  if eq(lane, 0u) {\n    store b[i0] = s0\n  }',
      'a[add(i0, add(mul(div(lane, 4), 8), add(mul(mod(lane, 4), 2), mul(k0, 128))))] reaches from 0 to 151, and has 148 places',
    ],
    [
      'whose rows go backwards over the end of their neighbours',
      '  write b : f32[110]\n  axis i0 < 10\n  axis i1 < 20\n  if lt(0u, add(i1, 1u)) {\n    store b[sub(add(mul(i0, 10u), 19u), i1)] = 1f\n  }',
      'b: element 19 is written by thread 0 and written by thread 30',
    ],
    [
      'whose lanes put again while others take in a loop inside',
      '  read a : f32[64]\n  write b : f32[64]\n  lanes 64\n  shared t : f32[64]\n  var s0 = 0f\n  for k0 < 3 {\n    put t[[lane]] = a[lane]\n    for k1 < 2 {\n      barrier of shared\n      set s0 = add(s0, t[[sub(63u, lane)]])\n    }\n  }\n  store b[lane] = s0',
      't: lanes 63 and 0 meet at 63 with no barrier between',
    ],
    [
      'that takes from beyond a table',
      '  write b : f32[64]\n  lanes 64\n  shared t : f32[64]\n  put t[[lane]] = 1f\n  barrier of shared\n  store b[lane] = t[[add(lane, 1u)]]',
      't: lane 63 is at 64 of 64',
    ],
    [
      'whose lanes put again before all have taken',
      '  read a : f32[64]\n  write b : f32[64]\n  lanes 64\n  shared t : f32[64]\n  var s0 = 0f\n  for k0 < 3 {\n    put t[[lane]] = a[lane]\n    barrier of shared\n    set s0 = add(s0, t[[sub(63u, lane)]])\n  }\n  store b[lane] = s0',
      't: lanes 63 and 0 meet at 63 with no barrier between',
    ],
    [
      'whose index is data without bounds',
      '  read r : i32[12]\n  write b : f32[12]\n  axis i0 < 12\n  store b[u32(r[i0])] = 1f',
      'b[u32(r[i0])] reaches from -Infinity to Infinity, and has 12 places',
    ],
  ])('%s is refused', (_what, lines, problem) => {
    expect(problemOf(lines)).toBe(problem);
  });

  it('may read outside where nothing uses the number, on devices that stand it', () => {
    const padded = (low: string): string =>
      `${head.replace('f32[12]', 'f32[10]')}  axis i0 < 12\n  let x0 = a[sub(i0, 1u)]\n  store b[i0] = select(and(le(${low}, i0), lt(i0, 11u)), x0, 0f)`;
    expect(problemOf(padded('1u'), true)).toBe('');
    expect(problemOf(padded('0u'), true)).toBe('a[sub(i0, 1)] reaches from -1 to 9, and has 12 places');
    expect(problemOf(padded('1u'))).toBe('a[sub(i0, 1)] reaches from -1 to 10, and has 12 places');
  });
});
