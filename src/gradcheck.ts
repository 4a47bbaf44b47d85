import { at, get } from './base/errors.ts';
import { initialValue } from './base/init.ts';
import { uniformAt } from './base/random.ts';
import { count, fixedShape } from './base/types.ts';
import type { Graph } from './ir/graph/types.ts';
import { bindBatch, select } from './passes/graph/cleanup.ts';
import { gradOutput } from './passes/graph/differentiate.ts';
import type { VjpTable } from './autodiff/vjp.ts';
import { gradientPipeline, runPasses } from './passes/pipeline.ts';
import { evaluate, type Values } from './reference/evaluate.ts';
import type { Model, ParamInfo } from './sema/model.ts';

/** How well a parameter's symbolic gradient agrees with differences of the loss. */
export interface ParamCheck {
  readonly param: ParamInfo;
  readonly checked: number;
  /** Largest disagreement, relative to the largest gradient of the parameter. */
  readonly worst: number;
  readonly element: number;
  readonly symbolic: number;
  readonly numeric: number;
  readonly ok: boolean;
}

export interface GradcheckOptions {
  /** Examples of each input by name, and of `target`, row-major; random ones where they are not given. */
  readonly data?: ReadonlyMap<string, ArrayLike<number>> | undefined;
  readonly rows: number;
  readonly seed: number;
  /** Elements of a parameter that are tried at the most. */
  readonly elements?: number;
  readonly table?: VjpTable;
}

/** Step of the differences: about the cube root of float64's precision, where truncation and rounding balance. */
const H = 6e-6;
/** Relative disagreement that float64 differences can be trusted for. */
export const TOLERANCE = 1e-5;

/**
 * Checks the gradient of every parameter in float64 against central differences. Where the loss has a kink between the
 * two points, any slope between those of the two sides is right.
 */
export function gradcheck(model: Model, training: Graph, options: GradcheckOptions): ParamCheck[] {
  const names = model.params.map((p) => p.name);
  const bound = (g: Graph): Graph => bindBatch(g, options.rows);
  const grads = bound(runPasses(training, gradientPipeline(names, options.table)));
  const loss = bound(select(training, ['loss']));
  const state = new Map([...model.params, ...model.states].map((p, i) => [p.name, randomParam(p, i, options.seed)]));
  const values: Values = { inputs: examples(loss, model, options), state, scalars: { step: 0, seed: options.seed, total: 1 } };

  const lossAt = (): number => at([...evaluate(loss, values)(get(new Map(Object.entries(loss.outputs)), 'loss')).data], 0);
  const symbolic = evaluate(grads, values);
  const base = lossAt();
  return model.params.map((param) => {
    const id = grads.outputs[gradOutput(param.name)];
    const data = state.get(param.name) ?? new Float64Array(0);
    const gradient = id === undefined ? new Float64Array(data.length) : symbolic(id).data;
    const scale = gradient.reduce((a, g) => Math.max(a, Math.abs(g)), 1e-6);
    let worst = { error: -1, element: 0, numeric: 0 };
    const tried = pick(data.length, options.elements ?? 24, options.seed);
    for (const i of tried) {
      const w = data[i] ?? 0;
      const h = H * Math.max(1, Math.abs(w));
      const shifted = (by: number): number => {
        data[i] = w + by;
        const l = lossAt();
        data[i] = w;
        return l;
      };
      const [up, down] = [shifted(h), shifted(-h)];
      const exact = gradient[i] ?? 0;
      const numeric = (up - down) / (2 * h);
      const sides = [(up - base) / h, (base - down) / h];
      // A kink between the points: the slope of either side, and all between, are subgradients.
      const outside = Math.max(0, Math.min(...sides) - exact, exact - Math.max(...sides));
      const kink = Math.abs(at(sides, 0) - at(sides, 1)) > 1e-3 * scale;
      // What rounding of the loss alone makes of a difference says nothing.
      const noise = (8 * Number.EPSILON * Math.max(1, Math.abs(base))) / h;
      const error = Math.max(0, (kink ? outside : Math.abs(numeric - exact)) - noise) / Math.max(scale, Math.abs(numeric));
      if (error > worst.error) worst = { error, element: i, numeric };
    }
    const error = Math.max(0, worst.error);
    return {
      param,
      checked: tried.length,
      worst: error,
      element: worst.element,
      symbolic: gradient[worst.element] ?? 0,
      numeric: worst.numeric,
      ok: error <= TOLERANCE,
    };
  });
}

/** Spread over the whole parameter; all of it if it is small. */
function pick(size: number, most: number, seed: number): number[] {
  if (size <= most) return Array.from({ length: size }, (_, i) => i);
  return [...new Set(Array.from({ length: most }, (_, i) => Math.floor(uniformAt(seed, 77, 0, i) * size)))].sort((a, b) => a - b);
}

/** Values away from zero, so that few kinks are met; constants of 1 or 0 stay near what they are. */
function randomParam(p: ParamInfo, index: number, seed: number): Float64Array {
  const u = (i: number): number => uniformAt(seed, 500 + index, 0, i);
  const n = count(p.shape);
  const spread = (size: number, low: number, high: number): Float32Array =>
    Float32Array.from({ length: size }, (_, i) => low + (high - low) * u(i));
  if (p.init.kind === 'constant') {
    const { value } = p.init;
    return Float64Array.from({ length: n }, (_, i) => value + 0.2 * (u(i) - 0.5));
  }
  return Float64Array.from(
    initialValue(p.init, p.shape, { uniform: spread, normal: (_n, mean, std) => spread(n, mean - std, mean + std) }),
  );
}

function examples(loss: Graph, model: Model, o: GradcheckOptions): Map<string, ArrayLike<number>> {
  const out = new Map<string, ArrayLike<number>>();
  for (const node of loss.nodes) {
    if (node.op !== 'input') continue;
    const target = model.targets.find((t) => t.name === node.attrs.name);
    const isTarget = target !== undefined;
    const n = count(fixedShape(node.type.shape));
    const given = o.data?.get(node.attrs.name);
    const classes = target?.classes ?? 2;
    const u = (i: number): number => uniformAt(o.seed, isTarget ? 902 : 901 + 2 * node.id, 0, i);
    const random = Float64Array.from({ length: n }, (_, i) =>
      node.type.dtype === 'i32' ? Math.floor(u(i) * classes) : u(i) * 2 - (isTarget ? 0 : 1),
    );
    out.set(node.attrs.name, given ? Float64Array.from(given).subarray(0, n) : random);
  }
  return out;
}
