import type { Plan } from '../plan.ts';

/** What a built page knows about its program. */
export interface PageInfo {
  readonly name: string;
  readonly program: string;
  readonly inputs: readonly string[];
  /** The targets' names in the graph. */
  readonly targets: readonly string[];
  readonly trains: boolean;
  readonly weights: boolean;
  readonly rows: number;
  /** Held-out examples. */
  readonly held: number;
  /** Steps of the program's training. */
  readonly steps: number;
}

/** A page that is to be written: examples and weights are .safetensors files. */
export interface BuiltPage {
  readonly info: PageInfo;
  readonly plan: Plan;
  readonly data: Uint8Array | undefined;
  readonly weights: Uint8Array | undefined;
}

/** A page as a single file holds all of it, binary parts in base64. */
export interface Packed {
  readonly info: PageInfo;
  readonly plan: Plan;
  readonly worker: string;
  readonly data?: string;
  readonly weights?: string;
}

/** Names of the plan's examples, inputs first; with PyTorch's order of examples, one tensor more is none of them. */
export const examplesIn = (plan: Plan): readonly string[] =>
  (plan.data?.tensors ?? []).map((t) => t.name).filter((name) => name !== 'order');

/** What a page must know of a plan and its program's text. */
export function pageInfo(plan: Plan, program: string, { rows, weights }: Pick<PageInfo, 'rows' | 'weights'>): PageInfo {
  const inputs = plan.predict.inputs.map((t) => t.name);
  return {
    name: plan.name,
    program: program.trim(),
    inputs,
    targets: examplesIn(plan).slice(inputs.length),
    trains: plan.train !== undefined && plan.data !== undefined,
    weights,
    rows,
    held: plan.holdout?.rows ?? 0,
    steps: plan.train?.steps ?? 1,
  };
}
