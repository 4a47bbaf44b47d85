import { at } from '../../base/errors.ts';
import { transposed, type Matrix } from '../../base/matrix.ts';

/**
 * What is done beside the products, in the time of so many of them, for each product of a tile: for each channel of x, for each channel of the results
 * or cotangents, and for each weight. Measured on one core with 128-bit SIMD; what whole windows need beside their products is taken off.
 */
interface Costs {
  readonly x: number;
  readonly y: number;
  readonly weight: number;
  /** The time of a product, compared with one of whole windows. */
  readonly product: number;
}

/**
 * Winograd's F(m x m, r x r): A^T ((G g G^T) * (B^T d B)) A is the convolution of a tile d of (m + r - 1)^2 numbers with a kernel g of r x r, m^2 results of
 * (m + r - 1)^2 products instead of m^2 r^2; along one axis, or three, likewise (Lavin and Gray, Fast Algorithms for Convolutional Neural Networks,
 * 2015, section 4).
 */
export interface Scheme {
  /** r and m */
  readonly size: number;
  readonly results: number;
  /** B^T, G and A^T */
  readonly input: Matrix;
  readonly kernel: Matrix;
  readonly result: Matrix;
  readonly costs: { readonly forward: Costs; readonly gradient: Costs };
}

/**
 * The matrices for kernels of a size, from points: along an axis, two polynomials are multiplied by their values at these points and at infinity, as
 * Toom and Cook do for numbers (Blahut, Fast Algorithms for Signal Processing, 2010, section 5.2).
 */
function schemeOf(size: number, points: readonly number[], costs: Scheme['costs']): Scheme {
  const results = points.length + 2 - size;
  const powers = (n: number): number[][] => points.map((p) => Array.from({ length: n }, (_, k) => p ** k));
  const last = (n: number): number[] => Array.from({ length: n }, (_, k) => (k === n - 1 ? 1 : 0));
  /** The coefficients of the product of x - p, the constant first. */
  const withRoots = (roots: readonly number[]): number[] =>
    roots.reduce<number[]>((c, p) => [...c, 0].map((_, k) => (c[k - 1] ?? 0) - p * (c[k] ?? 0)), [1]);
  const others = points.map((_, j) => points.filter((_, i) => i !== j));
  const distances = points.map((p, j) => at(others, j).reduce((n, q) => n * (p - q), 1));
  return {
    size,
    results,
    input: [...others.map((roots) => [...withRoots(roots), 0]), withRoots(points)],
    kernel: [...powers(size).map((row, j) => row.map((v) => v / at(distances, j))), last(size)],
    result: transposed([...powers(results), last(results)]),
    costs,
  };
}

const SMALL_TILE = [0, 1, -1];
/**
 * Points of few bits make A and B exact. Of 0, p, -p, q and -q with multiples of 1/8 up to 2, these round least on random numbers: about as much as sums
 * over whole windows (docs/numerics.md), and a quarter of the usual 0, 1, -1, 2 and -2.
 */
const LARGE_TILE = [0, 5 / 8, -5 / 8, 3 / 2, -3 / 2];

export const SCHEMES: readonly Scheme[] = [
  schemeOf(3, SMALL_TILE, {
    forward: { x: 16, y: 9, weight: 10, product: 1 },
    gradient: { x: 16, y: 14, weight: 3, product: 1.2 },
  }),
  schemeOf(3, LARGE_TILE, {
    forward: { x: 17, y: 28, weight: 17, product: 1 },
    gradient: { x: 17, y: 12, weight: 14, product: 1.2 },
  }),
  schemeOf(5, LARGE_TILE, {
    forward: { x: 17, y: 20, weight: 20, product: 1 },
    gradient: { x: 17, y: 12, weight: 20, product: 1.2 },
  }),
];

/** A kernel computes a whole tile, and would be too large for more products. */
const MOST_PRODUCTS = 64;

/** The schemes for windows of a size along some axes. */
export const schemesFor = (size: number, axes: number): readonly Scheme[] =>
  SCHEMES.filter((f) => f.size === size && productsOf(f, axes) <= MOST_PRODUCTS);

/** The length of a tile, and the products that it takes along some axes. */
export const lengthOf = (f: Scheme): number => f.input.length;
export const productsOf = (f: Scheme, axes: number): number => lengthOf(f) ** axes;
