import { get } from '../../base/errors.ts';
import type { ScalarExpr } from '../../base/scalar.ts';
import { count, fixedShape, type Shape } from '../../base/types.ts';
import type { GraphBuilder } from '../../ir/graph/builder.ts';
import type { Graph, NodeId } from '../../ir/graph/types.ts';
import { rebuild } from './rewrite.ts';

/** The state tensor that holds all parameters, concatenated. */
export const PARAMS = 'params';

/** A parameter's place in its vector. */
export interface PackedParam {
  readonly name: string;
  readonly shape: Shape;
  readonly offset: number;
  readonly size: number;
}

/** The parameters of one optimizer in the order of its vector: those with weight decay, those without, frozen ones. */
export interface Packing {
  /** The state that holds them: {@link PARAMS}, or a vector of its own if several optimizers take turns. */
  readonly vector: string;
  /** The state that predictions use and that is saved: the same, or the average of the parameters over the steps. */
  readonly saved: string;
  readonly params: readonly PackedParam[];
  readonly size: number;
  /** End of the parameters with weight decay. */
  readonly decayed: number;
  /** End of the trained parameters. */
  readonly trained: number;
  /** Consecutive ranges, each with its own settings; at least one. */
  readonly regions: readonly Region[];
}

export interface Region {
  readonly end: number;
  /** What differs from the optimizer's settings. */
  readonly settings: GroupSettings;
}

/** A group's overrides of the optimizer's settings: `lr`, `weight_decay`. */
export type GroupSettings = Readonly<Record<string, ScalarExpr>>;

export interface Groups {
  readonly noDecay: ReadonlySet<string>;
  readonly frozen: ReadonlySet<string>;
  /** Parameters with their own settings; no parameter is in two groups. */
  readonly groups: readonly { readonly params: ReadonlySet<string>; readonly settings: GroupSettings }[];
}

const NONE: GroupSettings = {};

export function packing(params: readonly { readonly name: string; readonly shape: Shape }[], groups?: Groups, vector = PARAMS): Packing {
  const rank = (name: string): number => (groups?.frozen.has(name) ? 2 : groups?.noDecay.has(name) ? 1 : 0);
  // Frozen parameters belong to no group.
  const groupOf = (name: string): number => (rank(name) === 2 ? -1 : (groups?.groups.findIndex((g) => g.params.has(name)) ?? -1));
  let offset = 0;
  const ends = [0, 0, 0];
  const packed: PackedParam[] = [];
  const regions: Region[] = [];
  for (const place of [0, 1, 2]) {
    const here = params.filter(({ name }) => rank(name) === place).sort((a, b) => groupOf(a.name) - groupOf(b.name));
    for (const { name, shape } of here) {
      const size = count(shape);
      packed.push({ name, shape, offset, size });
      offset += size;
      const last = regions.at(-1);
      // Frozen parameters extend the region before them; their settings do not matter.
      const settings = place === 2 && last ? last.settings : (groups?.groups[groupOf(name)]?.settings ?? NONE);
      if (last?.settings === settings) regions.pop();
      regions.push({ end: offset, settings });
    }
    ends[place] = offset;
  }
  return {
    vector,
    saved: vector,
    params: packed,
    size: offset,
    decayed: ends[0] ?? 0,
    trained: ends[1] ?? 0,
    regions: regions.length ? regions : [{ end: 0, settings: NONE }],
  };
}

/** Adds the whole parameter vector to a graph. */
export function paramVector(b: GraphBuilder, { vector, size }: Packing): NodeId {
  return b.add('state', [], { name: vector }, { dtype: 'f32', shape: [size] });
}

/** Makes every parameter a view of its optimizer's vector, so that one kernel can update all of them. */
export function pack(graph: Graph, packings: readonly Packing[]): Graph {
  const byName = new Map(packings.flatMap((packing) => packing.params.map((p) => [p.name, { p, packing }] as const)));
  return rebuild(graph, (node, _inputs, b) => {
    if (node.op !== 'param') return undefined;
    const { p, packing } = get(byName, node.attrs.name, 'parameter');
    const part = b.add('slice', [paramVector(b, packing)], { start: [p.offset], size: [p.size] });
    return b.reshape(part, fixedShape(p.shape));
  });
}
