// The derivatives of functions of one number, as formulas; writes src/library/derivatives.ts.
import { writeFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import { gradient } from '../src/autodiff/gradient.ts';
import { GraphBuilder } from '../src/ir/graph/builder.ts';
import type { Graph } from '../src/ir/graph/types.ts';
import { formulaOf } from '../src/math/formula.ts';
import type { AnyArgs } from '../src/sema/arguments.ts';
import type { Layer, LayerContext } from '../src/sema/layers/layer.ts';
import { LAYERS } from '../src/sema/layers/registry.ts';

/** The longest formula that is shown. */
const LONGEST = 90;

/** A function of one number, `y`, and its derivative, `dx`; undefined where it is none. */
export function derivativeGraph(layer: Layer): Graph | undefined {
  if (!layer.keepsShape || layer.inputs || Object.values(layer.parameters).some((p) => p.default === undefined)) return undefined;
  const b = new GraphBuilder('x');
  const x = b.add('input', [], { name: 'x' }, { dtype: 'f32', shape: [] });
  let special = false;
  const cx: LayerContext = {
    b,
    training: true,
    draws: true,
    text: '',
    named: {},
    param: (_name, shape) => ((special = true), b.full(1, { dtype: 'f32', shape })),
    state: (_name, shape) => ({ value: b.full(0, { dtype: 'f32', shape }), keep: () => undefined }),
    measures: () => undefined,
    random: (shape) => ((special = true), b.full(1, { dtype: 'f32', shape })),
  };
  const args = Object.fromEntries(Object.entries(layer.parameters).map(([k, p]) => [k, p.default])) as AnyArgs;
  let y: ReturnType<Layer['build']>;
  try {
    y = layer.build(cx, args, x);
  } catch {
    // It needs more than a single number.
    return undefined;
  }
  if (typeof y !== 'number' || special || b.type(y).dtype !== 'f32') return undefined;
  const [dx] = gradient(b, y, [x]);
  b.outputs['y'] = y;
  b.outputs['dx'] = dx ?? x;
  return b.graph();
}

/** The derivative of a function of one number as a formula; undefined where there is more than one, or none that is short. */
export function derivativeOf(layer: Layer): string | undefined {
  const graph = derivativeGraph(layer);
  const text = graph && formulaOf(graph, 'dx');
  return text !== undefined && text.length <= LONGEST ? text : undefined;
}

/** The text of src/library/derivatives.ts. */
export function derivativesText(): string {
  const found = Object.entries(LAYERS)
    .map(([name, l]) => [name, derivativeOf(l)] as const)
    .filter(([, text]) => text !== undefined)
    .sort(([p], [q]) => (p < q ? -1 : 1));
  const lines = found.map(([name, text]) => `  ${name}: '${text ?? ''}',\n`);
  return `/** The derivatives of functions of one number, for editors: written by \`npm run docs\`, since finding the shortest formula takes time. */
export const DERIVATIVES: Readonly<Record<string, string>> = {\n${lines.join('')}};\n`;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) writeFileSync('src/library/derivatives.ts', derivativesText());
