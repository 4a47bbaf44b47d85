import { at } from '../base/errors.ts';
import { namesOf, type Learned } from '../base/learned.ts';
import type { NetColumn, NetLayer } from '../pictures/description.ts';
import type { Model } from '../sema/model.ts';
import type { Flow } from './net-flow.ts';

/** Weights by PyTorch's names. */
export type KnownWeights = Readonly<Record<string, { readonly data: ArrayLike<number> }>>;

/** The units of a chain of Linear layers with activations between them; undefined if the model is anything else. */
export function columnsOf(model: Model, { parts }: Flow, weights?: KnownWeights, learned?: Learned): NetColumn[] | undefined {
  const [input, ...others] = model.inputs;
  const size = input.type.shape[1];
  // Units of a layer that is used twice would be drawn once.
  const uses = new Map<number, number>();
  for (const node of model.predict.nodes) for (const i of node.inputs) uses.set(i, (uses.get(i) ?? 0) + 1);
  if (model.predict.nodes.some((n) => n.op === 'param' && (uses.get(n.id) ?? 0) > 1)) return undefined;
  if (others.length > 0 || input.type.dtype !== 'f32' || input.type.shape.length !== 2 || typeof size !== 'number') return undefined;
  const known = learned?.columns[input.name]?.flatMap(namesOf) ?? model.data?.columns.get(input.name) ?? [];
  const own = Array.from({ length: size }, (_, i) => (size === 1 ? input.name : `${input.name}[${i}]`));
  const columns: NetColumn[] = [{ size, names: known.length === size ? known : own, title: '', text: 'input' }];
  for (const part of parts) {
    const call = part.calls[0];
    const shape = at(model.predict.nodes, part.last).type.shape;
    const width = shape[1];
    const last = columns.at(-1);
    if (part.kind !== 'layer' || !call || !last || shape.length !== 2 || typeof width !== 'number') return undefined;
    if (/^Linear\(/.test(call.text)) {
      const [weight, bias] = ['weight', 'bias'].map((key) => weights?.[`${part.path}.${key}`]?.data);
      columns.push({
        size: width,
        names: [],
        title: '',
        text: call.text,
        ...(weight ? { weights: weight } : {}),
        ...(bias ? { biases: bias } : {}),
      });
    } else if (columns.length > 1 && last.title === '' && width === last.size && !/^[A-Z]/.test(call.text)) {
      columns[columns.length - 1] = { ...last, title: call.text };
    } else if (!/^Dropout/.test(call.text)) return undefined;
  }
  if (columns.length < 2) return undefined;
  const out = at(columns, columns.length - 1);
  columns[columns.length - 1] = {
    ...out,
    names: learned?.classes[model.targets[0]?.shown ?? '']?.slice(0, out.size) ?? outputNames(model, out.size),
  };
  return columns;
}

function outputNames({ targets, data }: Model, size: number): readonly string[] {
  const [only, ...others] = targets;
  if (!only || others.length > 0) return [];
  const known = data?.columns.get('y') ?? data?.columns.get(only.shown) ?? [];
  if (known.length === size) return known;
  return size === 1 ? [only.shown] : only.classes === size ? Array.from({ length: size }, (_, i) => `class ${i}`) : [];
}

/** The layers of a block; of equal copies, whose paths begin with a number, only the first. */
export function folded(layers: readonly NetLayer[]): { readonly copies: number; readonly layers: readonly NetLayer[] } {
  const groups = new Map<string, NetLayer[]>();
  for (const layer of layers) {
    const [, index, path = ''] = /^(\d+)\.?(.*)$/.exec(layer.path) ?? [];
    // A layer without a path belongs to the copy that was begun.
    const key = index ?? [...groups.keys()].at(-1) ?? '';
    const mine = groups.get(key) ?? [];
    if (layer.path !== '' && index === undefined) return { copies: 1, layers };
    groups.set(key, [...mine, index === undefined ? layer : { ...layer, path }]);
  }
  const [first = [], ...others] = [...groups.values()];
  const text = (group: readonly NetLayer[]): string => group.map((l) => `${l.path} ${l.text}`).join('\n');
  const equal = others.length > 0 && others.every((o) => text(o) === text(first));
  return equal ? { copies: groups.size, layers: first } : { copies: 1, layers };
}
