import { erf } from './math.ts';
import { normalAt, uniformAt } from './random.ts';

/** How a parameter is initialised. */
export type Init =
  | { readonly kind: 'uniform'; readonly low: number; readonly high: number }
  | { readonly kind: 'normal'; readonly mean: number; readonly std: number }
  | { readonly kind: 'trunc_normal'; readonly mean: number; readonly std: number; readonly low: number; readonly high: number }
  | { readonly kind: 'orthogonal'; readonly gain: number }
  /** `drawn`: PyTorch draws uniform numbers before it overwrites them with the constant, which advances its generator. */
  | { readonly kind: 'constant'; readonly value: number; readonly drawn?: boolean }
  /** Like `of`, but with one row of zeros. */
  | { readonly kind: 'zero_row'; readonly row: number; readonly of: Init }
  /** Numbers from the data, row-major. */
  | { readonly kind: 'values'; readonly values: readonly number[] };

/** The source of initial values: nnc's own numbers, or PyTorch's generator. */
export interface RandomSource {
  /** `n` numbers in [low, high). */
  uniform(n: number, low: number, high: number): Float32Array;
  normal(n: number, mean: number, std: number): Float32Array;
}

/** Streams of initial values start here, far from those of dropout. */
const INIT_STREAM = 0x10000;

/** The initial values of parameter `index` for a seed, from element `from` on. */
export function initialStream(seed: number, index: number, from = 0): RandomSource {
  const draw = (n: number, at: typeof uniformAt, scale: number, shift: number): Float32Array => {
    const out = new Float32Array(n);
    for (let i = 0; i < n; i++) out[i] = shift + scale * at(seed, INIT_STREAM + index, 0, from + i);
    return out;
  };
  return {
    uniform: (n, low, high) => draw(n, uniformAt, high - low, low),
    normal: (n, mean, std) => draw(n, normalAt, std, mean),
  };
}

/** Whether each element is drawn independently, so that the tensor can be drawn in blocks. */
export const isElementwise = ({ kind }: Init): boolean => kind === 'uniform' || kind === 'normal' || kind === 'constant';

/** The initial value of a tensor. */
export function initialValue(init: Init, shape: readonly number[], random: RandomSource): Float32Array {
  const n = shape.reduce((a, b) => a * b, 1);
  switch (init.kind) {
    case 'constant':
      if (init.drawn) random.uniform(n, 0, 1);
      return new Float32Array(n).fill(init.value);
    case 'values':
      return Float32Array.from(init.values);
    case 'uniform':
      return random.uniform(n, init.low, init.high);
    case 'normal':
      return random.normal(n, init.mean, init.std);
    case 'trunc_normal':
      return truncated(init, random.uniform(n, 0, 1));
    case 'zero_row': {
      const value = initialValue(init.of, shape, random);
      const width = n / (shape[0] ?? 1);
      return value.fill(0, init.row * width, (init.row + 1) * width);
    }
    case 'orthogonal': {
      const rows = shape[0] ?? 1;
      return orthogonal(random.normal(n, 0, 1), rows, n / rows, init.gain);
    }
  }
}

/** A truncated normal distribution, by the inverse of the distribution function at uniform numbers. */
function truncated(init: Extract<Init, { kind: 'trunc_normal' }>, uniform: Float32Array): Float32Array {
  const { mean, std, low, high } = init;
  const cdf = (x: number): number => (1 + erf((x - mean) / std / Math.SQRT2)) / 2;
  const [from, to] = [cdf(low), cdf(high)];
  return uniform.map((u) => {
    const p = from + u * (to - from);
    // Bisection is safe, and fast enough for something done once.
    let [a, b] = [low, high];
    for (let i = 0; i < 60; i++) {
      const middle = (a + b) / 2;
      if (cdf(middle) < p) a = middle;
      else b = middle;
    }
    return (a + b) / 2;
  });
}

/** Orthogonal rows (or columns, if there are fewer) of length `gain`: modified Gram-Schmidt on normal numbers. Saxe et al., 2013. */
function orthogonal(values: Float32Array, rows: number, columns: number, gain: number): Float32Array {
  const byRow = rows <= columns;
  const [count, length] = byRow ? [rows, columns] : [columns, rows];
  const place = (k: number, i: number): number => (byRow ? k * columns + i : i * columns + k);
  const q = Float64Array.from(values);
  const dot = (a: number, b: number): number => {
    let sum = 0;
    for (let i = 0; i < length; i++) sum += (q[place(a, i)] ?? 0) * (q[place(b, i)] ?? 0);
    return sum;
  };
  for (let k = 0; k < count; k++) {
    for (let j = 0; j < k; j++) {
      const d = dot(k, j);
      for (let i = 0; i < length; i++) q[place(k, i)] = (q[place(k, i)] ?? 0) - d * (q[place(j, i)] ?? 0);
    }
    const norm = Math.sqrt(dot(k, k)) || 1;
    for (let i = 0; i < length; i++) q[place(k, i)] = (q[place(k, i)] ?? 0) / norm;
  }
  return Float32Array.from(q, (v) => v * gain);
}
