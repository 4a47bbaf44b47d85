import type { Lowered } from '../lower/program.ts';
import { proveAccesses } from './accesses.ts';

/** What was proved of all kernels of a program, on every backend that they were written for. */
export interface ProgramProof {
  readonly kernels: number;
  readonly accesses: number;
  /** Kernels whose threads were gone through one by one. */
  readonly enumerated: number;
  /** Sentences about what could not be proved. */
  readonly problems: readonly string[];
}

/** Proves every access of every kernel; `chunk` is the number of steps that one submission may hold. */
export function proveKernels(lowered: Lowered, chunk: number): ProgramProof {
  let [kernels, accesses, enumerated] = [0, 0, 0];
  const problems: string[] = [];
  for (const backend of lowered.backends) {
    const { beyond = 0 } = backend.target(lowered.adapter);
    // WebGPU answers reads outside of a buffer with numbers from inside of it.
    const facts = { beyond, robust: backend.name === 'webgpu', uniforms: new Map([['slot', chunk - 1]]) };
    for (const kernel of lowered.kernels[backend.name] ?? []) {
      const proof = proveAccesses(kernel, facts);
      kernels++;
      accesses += proof.accesses;
      if (proof.enumerated) enumerated++;
      problems.push(...proof.problems.map((p) => `${lowered.name}, ${backend.name}, ${kernel.name}: ${p}`));
    }
  }
  return { kernels, accesses, enumerated, problems };
}
