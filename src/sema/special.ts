import type { GraphBuilder } from '../ir/graph/builder.ts';
import type { NodeId } from '../ir/graph/types.ts';
import { magnitude, round } from './functions.ts';

/**
 * Special functions composed of operations, accurate to float64 where the operations are. Their derivatives follow from the composition.
 */
type B = GraphBuilder;

/** c[0] + c[1] x + c[2] x^2 ..., by Horner's rule. */
function polynomial(b: B, x: NodeId, c: readonly number[]): NodeId {
  return c.slice(0, -1).reduceRight<NodeId>((sum, k) => b.op('add', b.op('mul', sum, x), b.like(k, x)), b.like(c.at(-1) ?? 0, x));
}

/** x - round(x), so that sin(pi x) is exact far from 0. */
const beside = (b: B, x: NodeId): NodeId => b.op('sub', x, round(b, x));

/** The coefficients c2 to c20 of Abramowitz and Stegun 6.1.34: 1/gamma(1 + z) - 1, divided by z. */
const RECIPROCAL_GAMMA = [
  0.5772156649015329, -0.6558780715202538, -0.0420026350340952, 0.1665386113822915, -0.0421977345555443, -0.009621971527877,
  0.007218943246663, -0.0011651675918591, -0.0002152416741149, 0.0001280502823882, -0.0000201348547807, -0.0000012504934821,
  0.000001133027232, -0.0000002056338417, 0.000000006116095, 0.0000000050020075, -0.0000000011812746, 0.0000000001043427,
  0.0000000000077823,
];
/** Stirling's series for log gamma in odd powers of 1/y, and for digamma in even ones: Abramowitz and Stegun 6.1.41 and 6.3.18. */
const STIRLING = [1 / 12, -1 / 360, 1 / 1260, -1 / 1680, 1 / 1188, -691 / 360360, 1 / 156];
const STIRLING_SLOPE = [1 / 12, -1 / 120, 1 / 252, -1 / 240, 1 / 132, -691 / 32760, 1 / 12];

/** Rational functions for erfc(x) exp(x^2), from 1/2 to 4 and beyond: Cody, Rational Chebyshev Approximations for the Error Function (1969). */
const ERFC_NEAR = [
  [
    1230.3393547979972, 2051.0783778260716, 1712.0476126340707, 881.952221241769, 298.6351381974001, 66.11919063714163, 8.883149794388377,
    0.5641884969886701, 2.1531153547440383e-8,
  ],
  [
    1230.3393548037494, 3439.3676741437216, 4362.619090143247, 3290.7992357334596, 1621.3895745666903, 537.1811018620099, 117.6939508913125,
    15.744926110709835, 1,
  ],
] as const;
const ERFC_FAR = [
  [0.0006587491615298378, 0.016083785148742275, 0.12578172611122926, 0.36034489994980445, 0.30532663496123236, 0.016315387137302097],
  [0.0023352049762686918, 0.06051834131244132, 0.5279051029514285, 1.8729528499234673, 2.568520192289822, 1],
] as const;

/** 1 - erf(x); from 1/2 on, where that cancels, by functions for what is left. The derivative is that of 1 - erf(x). */
export function erfcOf(b: B, x: NodeId): NodeId {
  const num = (value: number): NodeId => b.like(value, x);
  const ratio = (y: NodeId, [above, below]: readonly [readonly number[], readonly number[]]): NodeId =>
    b.op('div', polynomial(b, y, above), polynomial(b, y, below));
  const plain = b.op('sub', num(1), b.op('erf', x));
  const [low, far] = [b.op('lt', x, num(0.5)), b.op('lt', num(4), x)];
  const near = ratio(b.op('select', b.op('or', low, far), num(1), x), ERFC_NEAR);
  const large = b.op('select', far, x, num(5));
  const square = b.op('div', b.op('div', num(1), large), large);
  const rest = b.op('mul', square, ratio(square, ERFC_FAR));
  const beyond = b.op('div', b.op('sub', num(1 / Math.sqrt(Math.PI)), rest), large);
  const tail = b.op('mul', b.op('exp', b.op('neg', b.op('mul', x, x))), b.op('select', far, beyond, near));
  // What is added has no derivative.
  return b.op('add', plain, b.op('detach', b.op('sub', b.op('select', low, plain, tail), plain)));
}

/** log gamma for x from -1/2 to 7/2, by the series around the nearest of 1, 2 and 3. */
function lgammaNear(b: B, x: NodeId): NodeId {
  const nearest = b.op('floor', b.op('add', x, b.like(0.5, x)));
  const z = b.op('sub', x, nearest);
  const around = b.op('neg', b.op('log1p', b.op('mul', z, polynomial(b, z, RECIPROCAL_GAMMA))));
  const is = (n: number): NodeId => b.op('eq', nearest, b.like(n, nearest));
  // gamma(x) = gamma(1 + x) / x, and gamma(2 + z) = gamma(1 + z) (1 + z).
  const below = b.op('neg', b.op('log', magnitude(b, b.op('select', is(0), x, b.like(1, x)))));
  const twice = b.op('log', b.op('add', b.op('select', is(3), z, b.like(-1, z)), b.like(2, z)));
  const above = b.op('add', b.op('log1p', b.op('select', is(1), b.like(0, z), z)), twice);
  return b.op('add', around, b.op('select', is(0), below, above));
}

/** log gamma from 7/2 on, by Stirling's series; small x are first moved up by four steps of the recurrence. */
function lgammaFar(b: B, x: NodeId): NodeId {
  const low = b.op('lt', x, b.like(7.5, x));
  const small = b.op('select', low, x, b.like(1, x));
  const plus = (k: number): NodeId => b.op('add', small, b.like(k, x));
  const steps = [plus(1), plus(2), plus(3)].reduce((p, q) => b.op('mul', p, q), small);
  const y = b.op('select', low, b.op('add', x, b.like(4, x)), x);
  const w = b.op('div', b.like(1, y), y);
  const rest = b.op('mul', w, polynomial(b, b.op('mul', w, w), STIRLING));
  // (y - 1/2) (log y - 1) - 1/2 + log(2 pi) / 2: this form avoids inf - inf.
  const main = b.op('mul', b.op('sub', y, b.like(0.5, y)), b.op('sub', b.op('log', y), b.like(1, y)));
  const whole = b.op('add', b.op('add', main, b.like(Math.log(2 * Math.PI) / 2 - 0.5, y)), rest);
  return b.op('select', low, b.op('sub', whole, b.op('log', steps)), whole);
}

/** log |gamma(x)|; below -1/2 by reflection: gamma(x) gamma(1 - x) sin(pi x) = pi. */
export function lgammaOf(b: B, x: NodeId): NodeId {
  const reflected = b.op('lt', x, b.like(-0.5, x));
  const u = b.op('select', reflected, b.op('sub', b.like(1, x), x), x);
  const near = b.op('lt', u, b.like(3.5, u));
  const core = b.op(
    'select',
    near,
    lgammaNear(b, b.op('select', near, u, b.like(1, u))),
    lgammaFar(b, b.op('select', near, b.like(4, u), u)),
  );
  const sine = b.op('sin', b.op('mul', b.op('select', reflected, beside(b, x), b.like(0.5, x)), b.like(Math.PI, x)));
  const other = b.op('sub', b.op('sub', b.like(Math.log(Math.PI), x), b.op('log', magnitude(b, sine))), core);
  return b.op('select', reflected, other, core);
}

/** The derivative of log gamma: small x are moved up by eight steps, then Stirling's series; below -1/2 by reflection. */
export function digammaOf(b: B, x: NodeId): NodeId {
  const reflected = b.op('lt', x, b.like(-0.5, x));
  const u = b.op('select', reflected, b.op('sub', b.like(1, x), x), x);
  const low = b.op('lt', u, b.like(8, u));
  const one = b.like(1, u);
  const small = b.op('select', low, u, one);
  const steps = Array.from({ length: 8 }, (_, k) => b.op('div', one, k === 0 ? small : b.op('add', small, b.like(k, u)))).reduce((p, q) =>
    b.op('add', p, q),
  );
  const y = b.op('select', low, b.op('add', u, b.like(8, u)), u);
  const w = b.op('div', one, y);
  const square = b.op('mul', w, w);
  const series = b.op('add', b.op('mul', w, b.like(0.5, w)), b.op('mul', square, polynomial(b, square, STIRLING_SLOPE)));
  const whole = b.op('sub', b.op('log', y), series);
  const core = b.op('select', low, b.op('sub', whole, steps), whole);
  const angle = b.op('mul', b.op('select', reflected, beside(b, x), b.like(0.25, x)), b.like(Math.PI, x));
  const cotangent = b.op('mul', b.op('div', b.op('cos', angle), b.op('sin', angle)), b.like(Math.PI, x));
  return b.op('select', reflected, b.op('sub', core, cotangent), core);
}

/** Numerators and denominators of Wichura's approximation of the normal quantile: algorithm AS 241 (PPND16), Applied Statistics 37, 1988. */
const CENTRE = [
  [
    3.3871328727963665, 133.14166789178438, 1971.5909503065513, 13731.69376550946, 45921.95393154987, 67265.7709270087, 33430.57558358813,
    2509.0809287301227,
  ],
  [
    1, 42.31333070160091, 687.1870074920579, 5394.196021424751, 21213.794301586597, 39307.89580009271, 28729.085735721943,
    5226.495278852854,
  ],
] as const;
const SIDES = [
  [
    1.4234371107496835, 4.630337846156546, 5.769497221460691, 3.6478483247632045, 1.2704582524523684, 0.2417807251774506,
    0.022723844989269184, 7.745450142783414e-4,
  ],
  [
    1, 2.053191626637759, 1.6763848301838038, 0.6897673349851, 0.14810397642748008, 0.015198666563616457, 5.475938084995345e-4,
    1.0507500716444169e-9,
  ],
] as const;
const TAILS = [
  [
    6.657904643501103, 5.463784911164114, 1.7848265399172913, 0.29656057182850487, 0.026532189526576124, 0.0012426609473880784,
    2.7115555687434876e-5, 2.0103343992922881e-7,
  ],
  [
    1, 0.599832206555888, 0.1369298809227358, 0.014875361290850615, 7.868691311456133e-4, 1.8463183175100548e-5, 1.421511758316446e-7,
    2.0442631033899397e-15,
  ],
] as const;

/** The quantile of the normal distribution at (1 + x) / 2, divided by the square root of 2. */
export function erfinvOf(b: B, x: NodeId): NodeId {
  const ratio = (r: NodeId, [p, q]: readonly [readonly number[], readonly number[]]): NodeId =>
    b.op('div', polynomial(b, r, p), polynomial(b, r, q));
  const [one, a] = [b.like(1, x), magnitude(b, x)];
  const central = b.op('le', a, b.like(0.85, x));
  const half = b.op('mul', b.op('select', central, x, b.like(0, x)), b.like(0.5, x));
  const centre = b.op('mul', half, ratio(b.op('sub', b.like(0.180625, x), b.op('mul', half, half)), CENTRE));
  const inside = b.op('lt', a, one);
  const outer = b.op('select', b.op('and', inside, b.op('not', central)), a, b.like(0.9, x));
  const r = b.op('sqrt', b.op('neg', b.op('log', b.op('mul', b.op('sub', one, outer), b.like(0.5, x)))));
  const near = b.op('le', r, b.like(5, r));
  const sides = ratio(b.op('sub', b.op('select', near, r, b.like(1.6, r)), b.like(1.6, r)), SIDES);
  const tails = ratio(b.op('sub', b.op('select', near, b.like(5, r), r), b.like(5, r)), TAILS);
  // Infinite at the ends, and NaN beyond them.
  const end = b.op('neg', b.op('log', b.op('sub', one, b.op('select', inside, b.like(0, a), a))));
  const size = b.op('select', inside, b.op('select', near, sides, tails), end);
  const signed = b.op('select', b.op('lt', x, b.like(0, x)), b.op('neg', size), size);
  return b.op('mul', b.op('select', central, centre, signed), b.like(Math.SQRT1_2, x));
}
