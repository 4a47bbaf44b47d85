import { blocksInAnyOrder, type Values } from './values.ts';

/**
 * Mean and (population) standard deviation of each feature; a constant feature has a deviation of 1. The sums are compensated (Neumaier:
 * "Rundungsfehleranalyse einiger Verfahren zur Summation endlicher Summen", 1974), so that the order of the rows does not matter.
 */
export function statisticsOf(values: Values, features: number): { readonly mean: readonly number[]; readonly std: readonly number[] } {
  const n = values.length / features;
  const summed = (of: (v: number, feature: number) => number): Float64Array => {
    const [sums, lost] = [new Float64Array(features), new Float64Array(features)];
    for (const block of blocksInAnyOrder(values))
      for (let i = 0; i < block.length; i++) {
        const k = i % features;
        const [sum, v] = [sums[k] as number, of(block[i] as number, k)];
        const next = sum + v;
        lost[k] = (lost[k] as number) + (Math.abs(sum) >= Math.abs(v) ? sum - next + v : v - next + sum);
        sums[k] = next;
      }
    return sums.map((s, k) => s + (lost[k] as number));
  };
  const mean = summed((v) => v).map((s) => s / n);
  const square = summed((v, k) => (v - (mean[k] ?? 0)) ** 2);
  return { mean: [...mean], std: Array.from(square, (s) => Math.sqrt(s / n) || 1) };
}
