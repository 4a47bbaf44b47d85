/** Special functions in float64. */

/**
 * erf to about 1e-16: Maclaurin series for small arguments, continued fraction (Lentz) for erfc beyond.
 * Abramowitz and Stegun, Handbook of Mathematical Functions, 7.1.5 and 7.1.14.
 */
export function erf(x: number): number {
  const a = Math.abs(x);
  if (a > 6) return Math.sign(x);
  if (a < 2.5) {
    let term = a;
    let sum = a;
    for (let n = 1; n < 100; n++) {
      term *= (-a * a) / n;
      const add = term / (2 * n + 1);
      sum += add;
      if (Math.abs(add) < 1e-17 * Math.abs(sum)) break;
    }
    return Math.sign(x) * (2 / Math.sqrt(Math.PI)) * sum;
  }
  let f = a;
  let c = a;
  let d = 0;
  for (let k = 1; k < 200; k++) {
    const ak = k / 2;
    d = 1 / (a + ak * d);
    c = a + ak / c;
    const step = c * d;
    f *= step;
    if (Math.abs(step - 1) < 1e-16) break;
  }
  return Math.sign(x) * (1 - Math.exp(-a * a) / (Math.sqrt(Math.PI) * f));
}

/** x^y as in IEEE 754 and C: 1 if x is 1, and if x is -1 and y infinite; JavaScript gives NaN there. */
export function pow(x: number, y: number): number {
  return x === 1 || (x === -1 && Math.abs(y) === Infinity) ? 1 : x ** y;
}

/** Whether a comes before b in rising order, where NaN is the greatest, as PyTorch sorts. */
export function before(a: number, b: number): boolean {
  return a < b || (Number.isNaN(b) && !Number.isNaN(a));
}

/** Without overflow for large |x|. */
export function sigmoid(x: number): number {
  if (x >= 0) return 1 / (1 + Math.exp(-x));
  const e = Math.exp(x);
  return e / (1 + e);
}

/**
 * Rounds to IEEE 754 binary16 (11 bits, exponents from -14 to 15), ties to even; numbers that are too large become infinite. Adding 1.5 *
 * 2^52 units in the last place rounds a float64 to a whole number of them.
 */
export function roundF16(x: number): number {
  const a = Math.abs(x);
  if (!(a < 65520)) return x * Infinity;
  const rounder = 1.5 * 2 ** (42 + Math.max(-14, Math.floor(Math.log2(a))));
  return x + rounder - rounder;
}
