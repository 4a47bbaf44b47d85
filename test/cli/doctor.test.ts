import { describe, expect, it } from 'vitest';
import { nextStep } from '../../src/cli/commands/doctor.ts';

const dawn = (outcome: string) => [{ what: 'Dawn (npm package webgpu)', outcome: `does not load: ${outcome}` }];

describe('nnc doctor says what to do next', () => {
  it.each([
    ['a GPU', { software: false }, [], 'nnc train examples/house.nn'],
    [
      'a software driver',
      { software: true },
      [],
      'nothing is missing; a GPU with its Vulkan driver would be faster than this software one',
    ],
    [
      'no package webgpu',
      undefined,
      dawn("Cannot find package 'webgpu' imported from /a/gpu.js"),
      'npm install webgpu, the package with Dawn; nnc trains on the CPU until then',
    ],
    [
      'an old system',
      undefined,
      dawn("/lib/libc.so.6: version `GLIBC_2.38' not found (required by dawn.node)"),
      "a system with glibc 2.38 or newer, which Dawn's binary needs; nnc trains on the CPU until then",
    ],
    [
      'a missing library',
      undefined,
      dawn('libX11.so.6: cannot open shared object file: No such file or directory'),
      "install the system library libX11.so.6, which Dawn's binary needs; nnc trains on the CPU until then",
    ],
    [
      'an old C++ library',
      undefined,
      dawn("libstdc++.so.6: version `GLIBCXX_3.4.32' not found"),
      "a system with libstdc++ of GLIBCXX 3.4.32 or newer, which Dawn's binary needs; nnc trains on the CPU until then",
    ],
    [
      'another binary',
      undefined,
      dawn('dawn.node: wrong ELF class'),
      "Dawn's binary does not load here, for the reason above; nnc trains on the CPU until then",
    ],
    [
      'no driver',
      undefined,
      [{ what: "Dawn with the system's driver", outcome: 'no adapter' }],
      'install a Vulkan driver, or npm install @sparticuz/chromium for a software one; nnc trains on the CPU until then',
    ],
  ])('with %s', (_, found, attempts, next) => expect(nextStep(found, attempts)).toBe(next));
});
