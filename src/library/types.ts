import type { Plan } from '../plan.ts';
import type { ModelInfo, TensorInfo } from './describe.ts';

/** A property of a tensor, with a comment about its shape. */
const property = ({ name, shape, dtype }: TensorInfo): string =>
  `  /** ${dtype === 'i32' ? 'whole numbers' : 'numbers'} [${shape.join(', ')}], row-major; B is the number of examples */\n  readonly ${JSON.stringify(name)}: ArrayLike<number>;`;

const record = (name: string, tensors: readonly TensorInfo[]): string =>
  `export interface ${name} {\n${tensors.map(property).join('\n')}\n}`;

/**
 * TypeScript declarations for a program's model as a `.d.ts`: what `predict` and `setData` take, by name. TypeScript uses it for `import
 * plan from './house.nn'` if it is saved next to it as `house.d.nn.ts` and `allowArbitraryExtensions` is on.
 */
export function declarationsOf({ name, inputs, targets, output }: ModelInfo): string {
  return `// What the model '${name}' takes and gives. Written by nnc.
import type { ModelOf, PlanOf } from 'nnc/runtime';

${record('Inputs', inputs)}

${record('Data', [...inputs, ...targets])}

/** What \`load\` gives for this plan; a prediction is ${output.dtype} [${output.shape.join(', ')}]. */
export type Model = ModelOf<Inputs, Data>;

declare const plan: PlanOf<Inputs, Data>;
export default plan;
`;
}

/** The plan as a module, which also exports the model's description. */
export const moduleOf = (plan: Plan, model: ModelInfo): string =>
  `export const model = ${JSON.stringify(model)};\nexport default ${JSON.stringify(plan)};\n`;
