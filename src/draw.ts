import { at, get } from './base/errors.ts';
import type { RandomSource } from './base/init.ts';
import { normalAt, uniformAt } from './base/random.ts';
import type { Numbers } from './data/needs.ts';
import { evaluate } from './reference/evaluate.ts';
import type { DataSpec } from './sema/model.ts';

/** Streams of drawn data start here, far from those of initial values and dropout. */
const DRAW_STREAM = 0x20000;

/** nnc's own random numbers, with a stream for each draw. */
export function nativeDraws(seed: number): RandomSource {
  let stream = DRAW_STREAM;
  const fill = (n: number, value: (stream: number, i: number) => number): Float32Array => {
    stream++;
    return Float32Array.from({ length: n }, (_, i) => value(stream, i));
  };
  return {
    uniform: (n, low, high) => fill(n, (s, i) => low + (high - low) * uniformAt(seed, s, 0, i)),
    normal: (n, mean, std) => fill(n, (s, i) => mean + std * normalAt(seed, s, 0, i)),
  };
}

/** Draws the examples of `data n=100 { ... }`, in source order; one array for each of `names`. */
export function drawData(draw: NonNullable<DataSpec['draw']>, names: readonly string[], random: RandomSource, seed = 0): Numbers[] {
  const { graph, draws } = draw;
  const inputs = new Map<string, Float32Array>();
  for (const d of draws) {
    const n = d.shape.reduce((a, b) => a * b, 1);
    inputs.set(d.input, d.kind === 'uniform' ? random.uniform(n, 0, 1) : random.normal(n, 0, 1));
  }
  const value = evaluate(graph, { inputs, state: new Map(), scalars: { step: 0, seed, total: 1 } }, { single: true });
  const outputs = new Map(Object.entries(graph.outputs));
  return names.map((name) => {
    const id = get(outputs, name, 'drawn value');
    const { data } = value(id);
    return at(graph.nodes, id).type.dtype === 'f32' ? Float32Array.from(data) : Int32Array.from(data);
  });
}
