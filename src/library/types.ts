import { isRecord, mustBe } from '../base/calls.ts';
import type { Column } from '../base/learned.ts';
import type { Plan } from '../plan.ts';
import type { ModelInfo, TensorInfo } from './describe.ts';

/** A property of a tensor, with a comment about its shape. */
const property = ({ name, shape, dtype }: TensorInfo): string =>
  `  /** ${dtype === 'i32' ? 'whole numbers' : 'numbers'} [${shape.join(', ')}], row-major; B is the number of examples */\n  readonly ${JSON.stringify(name)}: ArrayLike<number>;`;

// Types and no interfaces, so that the model is also one of any names.
const record = (name: string, properties: readonly string[]): string => `export type ${name} = {\n${properties.join('\n')}\n};`;

/** A property of a column of the data, as files have it: words too, and `null` where a value may be missing. */
const columnOf = ({ name, fill }: Column): string =>
  `  readonly ${JSON.stringify(name)}${fill === undefined ? '' : '?'}: ArrayLike<number | string | null>;`;

/**
 * TypeScript declarations for a program's model as a `.d.ts`: what `predict` and `setData` take, by name. TypeScript uses it for `import
 * plan from './house.nn'` if it is saved next to it as `house.d.nn.ts` and `allowArbitraryExtensions` is on. `about` of a plan that was made
 * for data knows its columns, which `predict` takes as well.
 */
export function declarationsOf(model: ModelInfo, about?: Plan['about']): string {
  mustBe(
    isRecord(model) && Array.isArray(model.inputs),
    'declarationsOf takes program.model',
    model,
    'there is none where the program has errors',
  );
  mustBe(
    about === undefined || Array.isArray((about as Partial<typeof about> | null)?.inputs),
    'what is known of the data is plan.about',
    about,
  );
  const { name, inputs, targets, output } = model;
  const columns = about?.inputs.flatMap((i): readonly Column[] => i.columns ?? [{ name: i.name }]) ?? [];
  const known = about?.inputs.some((i) => i.columns) ?? false;
  const asked = known ? 'Inputs | Columns' : 'Inputs';
  return `// What the model '${name}' takes and gives. Written by nnc.
import type { ModelInfo } from 'nnc';
import type { ModelOf, PlanOf } from 'nnc/runtime';

${record('Inputs', inputs.map(property))}
${known ? `\n/** The columns that the inputs are made of, as the data has them. */\n${record('Columns', columns.map(columnOf))}\n` : ''}
${record('Data', [...inputs, ...targets].map(property))}

/** What \`load\` gives for this plan; a prediction is ${output.dtype} [${output.shape.join(', ')}]. */
export type Model = ModelOf<${asked}, Data>;

declare const plan: PlanOf<${asked}, Data>;
export default plan;
/** The description of the model. */
export declare const model: ModelInfo;
`;
}

/** The plan as a module, which also exports the model's description. */
export const moduleOf = (plan: Plan, model: ModelInfo): string =>
  `export const model = ${JSON.stringify(model)};\nexport default ${JSON.stringify(plan)};\n`;
