// Writes docs/ops.md from the tables of the compiler.
import { mkdirSync, writeFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import { DERIVATIVES } from '../src/library/derivatives.ts';
import { callOf, optimizerCall } from '../src/library/words.ts';
import { signature, type Parameter } from '../src/sema/arguments.ts';
import { INITIALISERS } from '../src/sema/initialisers.ts';
import type { Layer } from '../src/sema/layers/layer.ts';
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

/** The derivative as a formula, or what else is to be said about it. */
function derivative(name: string, layer: Layer): string {
  const text = DERIVATIVES[name];
  return text === undefined ? composed(layer) : code(text);
}

const composed = (layer: Layer): string =>
  /int|bool/.test((layer.shape ?? '').split('->').at(-1) ?? '') ? 'none' : 'exact, by composition';

const EPOCHS =
  "Schedules count steps, each of one batch. Loops around PyTorch's schedulers mostly count epochs: e epochs are e * n steps, where an epoch has n = examples / batch steps, rounded up, and a factor g per epoch is g^(1/n) per step. `plateau` counts epochs, and watches the training loss.";

export function opsText(): string {
  const parts = [
    '# Operations',
    "Written from the compiler's own tables by `npm run docs`; a test checks that it is fresh. `B` is the batch, which is never written; the gradient of everything is checked against float64 differences. A layer with weights takes `init=` and `bias_init=` besides its own arguments.",
  ];
  for (const [family, layers] of Object.entries(FAMILIES)) {
    const rows = sorted(layers).map(([name, l]) => [
      code(callOf(name, l)),
      cell(l.doc),
      cell(l.shape ?? 'the same'),
      derivative(name, l),
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
    EPOCHS,
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
    'The classes of torch.nn, the functions of torch.nn.functional, the optimizers and the schedules. Schedules count steps, and `StepLR(optimizer, 7)` once an epoch is `step(0.1, 7*n)` with n steps an epoch.',
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
