import type { Adapter } from '../codegen/backend.ts';
import type { Costs } from '../passes/schedule/cost.ts';
import type { Target } from '../passes/schedule/tiling.ts';

/**
 * Software drivers run eight threads in one vector register: a load becomes eight loads, each with a bounds check, while arithmetic on
 * eight threads is one instruction.
 */
const SOFTWARE_COSTS: Costs = {
  load: 20,
  vectorLoad: 70,
  loop: 10,
  thread: 100,
  vector: 4,
  index: 0.5,
  functions: { broadcast: 1.5 },
};

/** Kernels that cost each thread fewer additions than this are not searched: they take little beside the start of their dispatch. */
const DISPATCH = { hardware: 1_500, software: 500 };

const HARDWARE: Target = {
  lanes: 64,
  tiles: true,
  stages: true,
  masked: true,
  sharesLoads: true,
  registers: 64,
  threads: 32_768,
  small: { cost: 32_768 * DISPATCH.hardware, tries: 0 },
};
const SOFTWARE: Target = {
  lanes: 64,
  tiles: true,
  masked: true,
  sharesLoads: true,
  registers: 16,
  shared: 64,
  rerolls: true,
  threads: 64,
  costs: SOFTWARE_COSTS,
  small: { cost: 64 * DISPATCH.software, tries: 0 },
};

/** One workgroup that repeats a whole step. */
export const LOOP_TARGET: Target = { lanes: 1, tiles: false, masked: true, sharesLoads: true, registers: 8, threads: 64 };

/** The target that kernels for an adapter are tiled for. */
export function gpuTarget(adapter: Adapter): Target {
  const { software, subgroup, tuned, units } = adapter;
  return software ? { ...SOFTWARE, subgroup, tuned, units } : { ...HARDWARE, tuned, units };
}
