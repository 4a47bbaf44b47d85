// What each name of PyTorch is called in nnc: found by itself where an entry of the compiler's tables names it, else told by
// torch-forms.ts. `npm run docs` writes the table into docs/ops.md.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { FAMILIES, LAYERS } from '../src/sema/layers/registry.ts';
import { LOSSES } from '../src/sema/losses/registry.ts';
import { OPTIMIZERS } from '../src/sema/optimizers.ts';
import { SCHEDULES } from '../src/sema/schedules.ts';
import { FORMS, LEFT_OUT, PENDING } from './torch-forms.ts';

/** What nnc has for a name: something to write, or a reason why there is nothing. */
export type Answer =
  | { readonly kind: 'found' | 'form'; readonly nnc: string; readonly note?: string }
  | { readonly kind: 'left out' | 'pending'; readonly note: string };

const MODULES = ['torch.nn', 'torch.nn.functional', 'torch.optim', 'torch.optim.lr_scheduler'] as const;

/** The names that scripts/parity/names.py found, in full: `torch.nn.Linear`. */
export function torchNames(): readonly string[] {
  const path = join(import.meta.dirname, '..', 'test', 'parity', 'torch-names.json');
  const stored = JSON.parse(readFileSync(path, 'utf8')) as Readonly<Record<(typeof MODULES)[number], readonly string[]>>;
  return MODULES.flatMap((module) => stored[module].map((name) => `${module}.${name}`));
}

const last = (path: string): string => path.slice(path.lastIndexOf('.') + 1);
/** PyTorch writes a layer as `LeakyReLU` and its function as `leaky_relu`; a loss as `MSELoss` and as `mse_loss`. */
const folded = (path: string): string => last(path).toLowerCase().replaceAll('_', '').replace(/loss$/, '');

/** The name of PyTorch that the `torch` text of an entry starts with, if it does. */
const pathOf = (torch: string): string | undefined => /^torch\.[\w.]*\w/.exec(torch)?.[0];

/** Whether a name is one of torch.nn, torch.nn.functional or torch itself, and no method of tensors, nor of another module. */
const isPlain = (path: string): boolean => /^torch(\.nn(\.functional)?)?\.\w+$/.test(path);

/** Entries whose `torch` text is a name, and entries whose text is that of the function for a layer, or the other way round. */
function index(): { readonly exact: ReadonlyMap<string, string>; readonly related: ReadonlyMap<string, string> } {
  const exact = new Map<string, string>();
  const related = new Map<string, string>();
  const add = (name: string, torch: string, nnc: string, weights: boolean): void => {
    const path = pathOf(torch);
    if (path === undefined) return;
    // The same name may stand for several entries: torch.nn.Embedding is also that of Positions.
    if (!exact.has(path) || last(path) === name) exact.set(path, nnc);
    // A function of PyTorch is given its weights, and a layer has its own.
    const key = `${weights ? 'nn.' : ''}${folded(path)}`;
    if (isPlain(path) && !related.has(key)) related.set(key, nnc);
  };
  const weighted = FAMILIES['Layers with weights'];
  for (const [name, l] of Object.entries(LAYERS)) add(name, l.torch, name, Object.hasOwn(weighted, name));
  for (const [name, l] of Object.entries(LOSSES)) add(name, l.torch, `loss ${name}`, false);
  // Optimizers and schedules have PyTorch's names in small letters: AdamW is adamw, MultiStepLR is multi_step.
  for (const name of Object.keys(OPTIMIZERS)) related.set(`optim.${folded(name)}`, `optim ${name}`);
  for (const name of Object.keys(SCHEDULES)) related.set(`lr_scheduler.${folded(name)}lr`, `lr=${name}(...)`);
  return { exact, related };
}

/** Where related entries are kept for a name. */
function keysOf(path: string): readonly string[] {
  const key = folded(path);
  if (path.startsWith('torch.optim.lr_scheduler.')) return [`lr_scheduler.${key}`];
  if (path.startsWith('torch.optim.')) return [`optim.${key}`];
  return path.startsWith('torch.nn.functional.') ? [key] : [`nn.${key}`, key];
}

const { exact, related } = index();

/** What the compiler's own tables have for a name. */
export function found(path: string): string | undefined {
  const nnc = [exact.get(path), ...keysOf(path).map((key) => related.get(key))].find((n) => n !== undefined);
  // A loss is a line of its own, and a function too.
  return path.startsWith('torch.nn.functional.') ? nnc?.replace(/^loss /, '') : nnc;
}

/** Whether an entry of the tables names exactly this. */
export const isNamed = (path: string): boolean => exact.has(path);

/** What nnc has for a name of PyTorch; undefined if nobody has said. */
export function answer(path: string): Answer | undefined {
  const form = Object.hasOwn(FORMS, path) ? FORMS[path] : undefined;
  if (form) return { kind: 'form', ...form };
  // An entry may have the name and do something else; then a form is promised.
  const promised = (Object.hasOwn(PENDING, path) ? PENDING[path] : undefined) ?? '';
  const nnc = promised ? undefined : found(path);
  if (nnc !== undefined) return { kind: 'found', nnc };
  const reason = Object.hasOwn(LEFT_OUT, path) ? LEFT_OUT[path] : undefined;
  if (reason !== undefined) return { kind: 'left out', note: reason };
  return Object.hasOwn(PENDING, path) ? { kind: 'pending', note: 'not yet' } : undefined;
}

/** The rows of the documentation's table: a name of PyTorch, and what nnc has. */
export function torchRows(): readonly (readonly [name: string, nnc: string])[] {
  return torchNames().map((path) => {
    const a = answer(path);
    if (!a) return [path, ''];
    if (!('nnc' in a)) return [path, a.kind === 'pending' ? a.note : `left out: ${a.note}`];
    return [path, `\`${a.nnc}\`${a.note === undefined ? '' : `: ${a.note}`}`];
  });
}
