import type { Numbers } from './needs.ts';

/** Mean and (population) standard deviation of each feature; a constant feature has a deviation of 1. */
export function statisticsOf(values: Numbers, features: number): { readonly mean: readonly number[]; readonly std: readonly number[] } {
  const n = values.length / features;
  const [sum, square] = [new Float64Array(features), new Float64Array(features)];
  const add = (to: Float64Array, k: number, v: number): void => {
    to[k] = (to[k] ?? 0) + v;
  };
  for (let i = 0; i < values.length; i++) add(sum, i % features, values[i] ?? 0);
  const mean = sum.map((s) => s / n);
  for (let i = 0; i < values.length; i++) add(square, i % features, ((values[i] ?? 0) - (mean[i % features] ?? 0)) ** 2);
  return { mean: [...mean], std: Array.from(square, (s) => Math.sqrt(s / n) || 1) };
}
