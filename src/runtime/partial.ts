import { fail } from '../base/errors.ts';
import { initialStream, initialValue } from '../base/init.ts';
import type { Plan } from '../plan.ts';
import type { Tensor, Weights } from './api.ts';
import { sizeOf } from './weights.ts';

/** How weights of another model are taken over. */
export interface PartialOptions {
  /** `pattern=name`: `{i}` in both stands for any text between dots; a `^T` behind the name transposes a matrix. */
  readonly rename?: readonly string[] | undefined;
  /** Parameters that the weights lack are drawn, and tensors that the model has not are left out. */
  readonly allowMissing?: boolean | undefined;
  /** The seed of what is drawn. */
  readonly seed?: number | undefined;
}

/** Weights in the names of a model, and what became of each. */
export interface Taken {
  readonly weights: Weights;
  readonly taken: readonly string[];
  /** Parameters that were not there, which are drawn. */
  readonly drawn: readonly string[];
  /** Tensors of the file that the model does not have. */
  readonly left: readonly string[];
}

/** Renames tensors, and chooses those that a model has. Shapes must be equal where names are. */
export function takePart(plan: Plan, given: Weights, from: string, { rename = [], allowMissing = false, seed = 0 }: PartialOptions): Taken {
  const rules = rename.map(ruleOf);
  const used = rules.map(() => false);
  const renamed: Record<string, Tensor> = {};
  for (const [name, tensor] of Object.entries(given)) {
    const k = rules.findIndex((r) => r.pattern.test(name));
    const rule = rules[k];
    const to = rule ? name.replace(rule.pattern, rule.name) : name;
    if (rule) used[k] = true;
    if (renamed[to]) fail('NN402', `two tensors of ${from} would be called '${to}'`, { help: 'make the patterns of --rename narrower' });
    renamed[to] = rule?.transposes ? transposed(name, tensor) : tensor;
  }
  const idle = used.indexOf(false);
  if (idle >= 0)
    fail('NN402', `--rename '${rename[idle] ?? ''}' fits no tensor of ${from}`, { help: `it holds ${listOf(Object.keys(given))}` });
  if (!allowMissing) return { weights: renamed, taken: Object.keys(renamed), drawn: [], left: [] };
  const known = new Map<string, readonly number[]>([
    ...plan.params.map((p) => [p.name, p.shape] as const),
    ...plan.counters.map((c) => [c.name, []] as const),
  ]);
  const weights: Record<string, Tensor> = {};
  const left: string[] = [];
  for (const [name, tensor] of Object.entries(renamed)) {
    const shape = known.get(name);
    if (!shape) left.push(name);
    else if (shape.join() !== tensor.shape.join())
      fail('NN402', `'${name}' is [${tensor.shape.join(', ')}] in ${from}, and the model has [${shape.join(', ')}]`, {
        help: `give it another name to leave it out: --rename '${name}=unused.${name}'`,
      });
    else weights[name] = tensor;
  }
  const drawn = plan.params.map((p) => p.name).filter((name) => !weights[name]);
  if (drawn.length === plan.params.length)
    fail('NN402', `the model has none of the tensors of ${from}`, {
      help: `it has ${listOf(drawn)}, and the file ${listOf(Object.keys(renamed))}; --rename OLD=NEW maps names`,
    });
  const taken = Object.keys(weights);
  plan.params.forEach((p, i) => {
    weights[p.name] ??= { shape: p.shape, data: Float32Array.from(initialValue(p.init, p.shape, initialStream(seed, i, 0))) };
  });
  return { weights, taken, drawn, left };
}

const SHOWN = 8;
const listOf = (names: readonly string[]): string =>
  `${names.slice(0, SHOWN).join(', ')}${names.length > SHOWN ? `, ... (${names.length})` : ''}`;

interface Rule {
  readonly pattern: RegExp;
  readonly name: string;
  readonly transposes: boolean;
}

/** `transformer.h.{i}.attn.c_attn.weight=blocks.{i}.attn.qkv.weight^T` */
function ruleOf(text: string): Rule {
  const cut = text.indexOf('=');
  const [old, after] = [text.slice(0, cut).trim(), text.slice(cut + 1).trim()];
  const transposes = after.endsWith('^T');
  const name = transposes ? after.slice(0, -2).trim() : after;
  if (cut < 1 || name === '')
    return fail('NN501', `--rename takes OLD=NEW, not '${text}'`, { help: "as in --rename 'h.{i}.fc.weight=blocks.{i}.fc1.weight^T'" });
  const places = [...old.matchAll(/\{(\w+)\}/g)].map((m) => m[1] ?? '');
  const escape = (t: string): string => t.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
  const pattern = old
    .split(/\{\w+\}/)
    .map(escape)
    .join('([^.]+)');
  const target = name.replace(/\{(\w+)\}/g, (_, key: string) => {
    const i = places.indexOf(key);
    if (i < 0) fail('NN501', `--rename '${text}': '{${key}}' is not in the old name`);
    return `$${i + 1}`;
  });
  // A name without an ending maps everything below it.
  return { pattern: new RegExp(`^${pattern}(\\..*)?$`), name: `${target}$${places.length + 1}`, transposes };
}

function transposed(name: string, { shape, data }: Tensor): Tensor {
  const [rows = 0, columns = 0] = shape;
  // A bias that a pattern covers with its weight has nothing to transpose.
  if (shape.length < 2) return { shape, data };
  if (shape.length > 2) return fail('NN402', `'${name}' is [${shape.join(', ')}], and only matrices can be transposed`);
  const out = data instanceof Float32Array ? new Float32Array(sizeOf(shape)) : new Int32Array(sizeOf(shape));
  for (let i = 0; i < rows; i++) for (let j = 0; j < columns; j++) out[j * rows + i] = data[i * columns + j] ?? 0;
  return { shape: [columns, rows], data: out };
}
