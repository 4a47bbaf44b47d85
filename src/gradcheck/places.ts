import { initialStream, initialValue } from '../base/init.ts';
import { uniformAt } from '../base/random.ts';
import { count, fixedShape } from '../base/types.ts';
import type { Graph } from '../ir/graph/types.ts';
import type { Model, ParamInfo } from '../sema/model.ts';

/** A point in the space of parameters and states. */
export interface CheckPoint {
  readonly name: string;
  /** Whether training may come here, as opposed to places constructed to have ties. */
  readonly natural: boolean;
  readonly state: ReadonlyMap<string, Float64Array>;
}

/** The places at which gradients are checked, the most informative first. */
export function places(model: Model, seed: number): CheckPoint[] {
  const all = [...model.params, ...model.states];
  const start = (p: ParamInfo, i: number): Float64Array => Float64Array.from(initialValue(p.init, p.shape, initialStream(seed, i)));
  const every = (value: (p: ParamInfo, i: number) => Float64Array): CheckPoint['state'] =>
    new Map(all.map((p, i) => [p.name, i < model.params.length ? value(p, i) : start(p, i)]));
  const layers = [...new Set(model.params.map(layerOf))];
  // Little gradient passes a layer of zeros, so alternate layers are zero.
  const zeros = (rest: number): CheckPoint['state'] =>
    every((p, i) => (layers.indexOf(layerOf(p)) % 2 === rest ? new Float64Array(count(p.shape)) : random(p, i, seed)));
  return [
    { name: 'random', natural: true, state: new Map(all.map((p, i) => [p.name, random(p, i, seed)])) },
    { name: 'as it starts', natural: true, state: every(start) },
    { name: 'all 0', natural: false, state: every((p) => new Float64Array(count(p.shape))) },
    { name: 'even layers 0', natural: false, state: zeros(0) },
    { name: 'odd layers 0', natural: false, state: zeros(1) },
    { name: 'all equal', natural: false, state: every((p) => new Float64Array(count(p.shape)).fill(evenly(p.shape))) },
  ];
}

/** The parameter's name without its last part. */
const layerOf = (p: ParamInfo): string => p.name.slice(0, Math.max(0, p.name.lastIndexOf('.')));

/** One value for all elements, small enough that sums over them stay near 1. */
function evenly(shape: readonly number[]): number {
  const terms = shape.slice(1).reduce((a, b) => a * b, 1);
  return 0.5 / Math.sqrt(terms);
}

/** Values away from zero, so that few kinks are hit; constants of 1 or 0 stay near their value. */
function random(p: ParamInfo, index: number, seed: number): Float64Array {
  const u = (i: number): number => uniformAt(seed, 500 + index, 0, i);
  const spread = (size: number, low: number, high: number): Float32Array =>
    Float32Array.from({ length: size }, (_, i) => low + (high - low) * u(i));
  if (p.init.kind === 'constant') {
    const { value } = p.init;
    return Float64Array.from({ length: count(p.shape) }, (_, i) => value + 0.2 * (u(i) - 0.5));
  }
  return Float64Array.from(
    initialValue(p.init, p.shape, { uniform: spread, normal: (_n, mean, std) => spread(_n, mean - std, mean + std) }),
  );
}

/** The given examples, or random ones if there are none. */
export function examples(
  loss: Graph,
  model: Model,
  data: ReadonlyMap<string, ArrayLike<number>> | undefined,
  seed: number,
): Map<string, ArrayLike<number>> {
  const out = new Map<string, ArrayLike<number>>();
  for (const node of loss.nodes) {
    if (node.op !== 'input') continue;
    const target = model.targets.find((t) => t.name === node.attrs.name);
    const isTarget = target !== undefined;
    const n = count(fixedShape(node.type.shape));
    const given = data?.get(node.attrs.name);
    const classes = target?.classes ?? 2;
    const u = (i: number): number => uniformAt(seed, isTarget ? 902 : 901 + 2 * node.id, 0, i);
    const random = Float64Array.from({ length: n }, (_, i) =>
      node.type.dtype === 'i32' ? Math.floor(u(i) * classes) : u(i) * 2 - (isTarget ? 0 : 1),
    );
    out.set(node.attrs.name, given ? Float64Array.from(given).subarray(0, n) : random);
  }
  return out;
}
