import { seeded } from './random.mjs';
import { CHAIN, WORKLOADS } from './workloads.mjs';

/** Results that are looked at before a kernel is timed. */
const SAMPLES = 64;
/** Largest error, as a share of the sum of the magnitudes that went into a result. */
const TOLERANCE = 1e-5;

/** The operands of a kernel workload. */
export function kernelInputs(name) {
  const { matrix, vector } = WORKLOADS[name];
  const random = seeded(matrix ?? vector);
  if (matrix === undefined) return { x: new Float32Array(vector).map(() => random.uniform() * 4 - 2) };
  const square = () => new Float32Array(matrix * matrix).map(() => random.uniform() - 0.5);
  return { a: square(), b: square() };
}

/** Places of the result that are checked: the corners and others all over it. */
export function samplePlaces(name) {
  const { matrix, vector } = WORKLOADS[name];
  const size = matrix === undefined ? vector : matrix * matrix;
  const random = seeded(7);
  return [0, size - 1, ...Array.from({ length: SAMPLES - 2 }, () => random.below(size))];
}

/** Throws if a result is not what float64 says it is. */
export function checkSamples(name, inputs, places, got) {
  places.forEach((place, i) => {
    const { value, scale } = expected(name, inputs, place);
    const off = Math.abs(got[i] - value) / scale;
    if (!(off <= TOLERANCE)) throw new Error(`wrong result: element ${place} is ${got[i]}, and float64 says ${value}`);
  });
}

function expected(name, { a, b, x }, place) {
  const { matrix: n } = WORKLOADS[name];
  if (n === undefined) {
    const z = x[place] * CHAIN.scale + CHAIN.shift;
    const value = 0.5 * z * (1 + erf(z * Math.SQRT1_2)) * CHAIN.gain + CHAIN.offset;
    return { value, scale: Math.max(1, Math.abs(value)) };
  }
  const [row, column] = [Math.floor(place / n), place % n];
  let value = 0;
  let scale = 0;
  for (let k = 0; k < n; k++) {
    const product = a[row * n + k] * b[k * n + column];
    value += product;
    scale += Math.abs(product);
  }
  return { value, scale };
}

/** The error function by its Taylor series: exact to float64 for the small arguments of F. */
function erf(x) {
  let term = x;
  let sum = x;
  for (let n = 1; Math.abs(term) > 1e-18; n++) {
    term *= (-x * x) / n;
    sum += term / (2 * n + 1);
  }
  return (2 / Math.sqrt(Math.PI)) * sum;
}
