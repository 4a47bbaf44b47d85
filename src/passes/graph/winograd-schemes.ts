import { at } from '../../base/errors.ts';
import { transposed, type Matrix } from '../../base/matrix.ts';

/**
 * What is done beside the products, in the time of so many of them, measured on one core with 128-bit SIMD: for each channel of a tile of x, for each
 * channel of a tile of results or cotangents, and for each weight. What whole windows need beside their products is taken off.
 */
interface Costs {
  readonly x: number;
  readonly y: number;
  readonly weight: number;
  /** The time of a product, compared with one of whole windows. */
  readonly product: number;
}

/**
 * Winograd's F(m x m, 3 x 3): A^T ((G g G^T) * (B^T d B)) A is the convolution of a tile d of (m + 2)^2 numbers with a kernel g of 3 x 3, m^2 results
 * of (m + 2)^2 products instead of 9 m^2 (Lavin and Gray, Fast Algorithms for Convolutional Neural Networks, 2015, section 4).
 */
export interface Scheme {
  /** m */
  readonly results: number;
  /** B^T, G and A^T */
  readonly input: Matrix;
  readonly kernel: Matrix;
  readonly result: Matrix;
  readonly costs: { readonly forward: Costs; readonly gradient: Costs };
}

/**
 * The matrices for m results, from m + 1 points: along an axis, two polynomials are multiplied by their values at these points and at infinity, as
 * Toom and Cook do for numbers (Blahut, Fast Algorithms for Signal Processing, 2010, section 5.2).
 */
function schemeOf(points: readonly number[], costs: Scheme['costs']): Scheme {
  const results = points.length - 1;
  const powers = (n: number): number[][] => points.map((p) => Array.from({ length: n }, (_, k) => p ** k));
  const last = (n: number): number[] => Array.from({ length: n }, (_, k) => (k === n - 1 ? 1 : 0));
  /** The coefficients of the product of x - p, the constant first. */
  const withRoots = (roots: readonly number[]): number[] =>
    roots.reduce<number[]>((c, p) => [...c, 0].map((_, k) => (c[k - 1] ?? 0) - p * (c[k] ?? 0)), [1]);
  const others = points.map((_, j) => points.filter((_, i) => i !== j));
  const distances = points.map((p, j) => at(others, j).reduce((n, q) => n * (p - q), 1));
  return {
    results,
    input: [...others.map((roots) => [...withRoots(roots), 0]), withRoots(points)],
    kernel: [...powers(3).map((row, j) => row.map((v) => v / at(distances, j))), last(3)],
    result: transposed([...powers(results), last(results)]),
    costs,
  };
}

/**
 * Tiles of 2 x 2 and of 4 x 4 results. Points of few bits make A and B exact. Of 0, p, -p, q and -q with multiples of 1/8 up to 2, these round least on
 * random numbers: about as much as sums over whole windows (docs/numerics.md), and a quarter of the usual 0, 1, -1, 2 and -2.
 */
export const SCHEMES: readonly Scheme[] = [
  schemeOf([0, 1, -1], {
    forward: { x: 250, y: 145, weight: 150, product: 1 },
    gradient: { x: 250, y: 230, weight: 50, product: 1.2 },
  }),
  schemeOf([0, 5 / 8, -5 / 8, 3 / 2, -3 / 2], {
    forward: { x: 600, y: 1020, weight: 600, product: 1 },
    gradient: { x: 600, y: 420, weight: 500, product: 1.2 },
  }),
];

/** The length of a tile, and the products that it takes. */
export const lengthOf = (f: Scheme): number => f.input.length;
export const productsOf = (f: Scheme): number => lengthOf(f) ** 2;
