// Writes docs/ops.md from the tables of the compiler.
import { mkdirSync, writeFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import { gradient } from '../src/autodiff/gradient.ts';
import { GraphBuilder } from '../src/ir/graph/builder.ts';
import { formulaOf } from '../src/math/formula.ts';
import { signature, type AnyArgs, type Parameter, type Parameters } from '../src/sema/arguments.ts';
import { INITIALISERS } from '../src/sema/initialisers.ts';
import type { Layer, LayerContext } from '../src/sema/layers/layer.ts';
import { FAMILIES } from '../src/sema/layers/registry.ts';
import { LOSSES } from '../src/sema/losses/registry.ts';
import { METRICS } from '../src/sema/metrics.ts';
import { COMMON, OPTIMIZERS } from '../src/sema/optimizers.ts';
import { PLATEAU, SCHEDULES } from '../src/sema/schedules.ts';
import { torchRows } from './torch-names.ts';

const cell = (text: string): string => text.replaceAll('|', '\\|');
const code = (text: string): string => (text === '' ? '' : `\`${cell(text)}\``);
const row = (...cells: readonly string[]): string => `| ${cells.join(' | ')} |`;

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  return [row(...head), row(...head.map(() => '---')), ...rows.map((r) => row(...r))].join('\n');
}

/** By name: the order of a module's exports is the loader's. */
const sorted = (layers: Readonly<Record<string, Layer>>): [string, Layer][] => Object.entries(layers).sort(([p], [q]) => (p < q ? -1 : 1));

/** The call as one writes it: the tensors first, then the settings. */
function call(name: string, layer: Layer): string {
  const inputs = layer.inputs === 'many' ? ['a', 'b', '...'] : (layer.inputs ?? []);
  const settings = Object.entries(layer.parameters).map(([key, p]) =>
    p.default !== undefined
      ? `${key}=${JSON.stringify(p.default).replaceAll('"', '')}`
      : (layer.optional ?? []).includes(key)
        ? `${key}=...`
        : key,
  );
  const all = [...inputs, ...settings, ...(layer.named ?? []).map((n) => `${n}=...`)];
  return all.length ? `${name}(${all.join(', ')})` : name;
}

/** The derivative of a function of one number as a formula; where there is more than one, the compiler composes it. */
function derivative(layer: Layer): string {
  if (!layer.keepsShape || layer.inputs || Object.values(layer.parameters).some((p) => p.default === undefined)) return composed(layer);
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
    return composed(layer);
  }
  if (typeof y !== 'number' || special || b.type(y).dtype !== 'f32') return composed(layer);
  const [dx] = gradient(b, y, [x]);
  b.outputs['dx'] = dx ?? x;
  const text = formulaOf(b.graph(), 'dx');
  return text !== undefined && text.length <= 90 ? code(text) : 'exact, by composition';
}

const composed = (layer: Layer): string =>
  /int|bool/.test((layer.shape ?? '').split('->').at(-1) ?? '') ? 'none' : 'exact, by composition';

const optimizerCall = (name: string, parameters: Parameters): string =>
  `${name} ${Object.entries(parameters)
    .map(([k, p]) => `${k}=${Array.isArray(p.default) ? `(${p.default.join(', ')})` : String(p.default)}`)
    .join(' ')}`;

export function opsText(): string {
  const parts = [
    '# Operations',
    "Written from the compiler's own tables by `npm run docs`; a test checks that it is fresh. `B` is the batch, which is never written; the gradient of everything is checked against float64 differences. A layer with weights takes `init=` and `bias_init=` besides its own arguments.",
  ];
  for (const [family, layers] of Object.entries(FAMILIES)) {
    const rows = sorted(layers).map(([name, l]) => [
      code(call(name, l)),
      cell(l.doc),
      cell(l.shape ?? 'the same'),
      derivative(l),
      code(l.torch),
    ]);
    parts.push(`## ${family}`, table(['call', 'gives', 'shapes', 'derivative', 'PyTorch'], rows));
  }
  parts.push(
    '## Losses',
    table(
      ['loss', 'value', 'PyTorch'],
      Object.entries(LOSSES).map(([n, l]) => [code(signature(n, l.parameters)), cell(l.doc), code(l.torch)]),
    ),
  );
  parts.push(
    '## Metrics',
    'Every loss is a metric too.',
    table(
      ['metric', 'value'],
      Object.entries(METRICS).map(([n, m]) => [code(signature(n, m.parameters)), cell(m.doc)]),
    ),
  );
  parts.push(
    '## Optimizers',
    `Settings of all: ${Object.entries(COMMON)
      .map(([k, p]) => `\`${k}\` (${p.doc})`)
      .join(
        ', ',
      )}. A number may be a schedule, or arithmetic with schedules, \`step\` (done before this one), \`total\`, \`min\`, \`max\`, \`sqrt\` and \`cos\`. Parts of a model may have their own \`lr\` and \`weight_decay\`: \`lr[head]=0.1\`.`,
    table(
      ['optimizer with its defaults'],
      Object.entries(OPTIMIZERS).map(([n, p]) => [code(optimizerCall(n, p))]),
    ),
  );
  parts.push(
    '## Schedules',
    table(
      ['schedule', 'arguments'],
      [...Object.entries(SCHEDULES).map(([n, s]) => [n, s.parameters] as const), ['plateau', PLATEAU] as const].map(([n, parameters]) => [
        code(signature(n, parameters)),
        Object.entries<Parameter>(parameters)
          .map(([k, p]) => `${k}: ${p.doc}`)
          .join('; '),
      ]),
    ),
  );
  parts.push(
    '## Initialisers',
    table(
      ['initialiser', 'values'],
      Object.entries(INITIALISERS).map(([n, i]) => [code(signature(n, i.parameters)), cell(i.doc)]),
    ),
  );
  parts.push(
    "## PyTorch's names",
    'The classes of torch.nn, the functions of torch.nn.functional, the optimizers and the schedules. Schedules count steps.',
    table(
      ['PyTorch', 'nnc'],
      torchRows().map(([name, nnc]) => [code(name), cell(nnc)]),
    ),
  );
  return `${parts.join('\n\n')}\n`;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  mkdirSync('docs', { recursive: true });
  writeFileSync('docs/ops.md', opsText());
}
