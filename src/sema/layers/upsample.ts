import { at } from '../../base/errors.ts';
import { showShape, type Dim } from '../../base/types.ts';
import type { GraphBuilder } from '../../ir/graph/builder.ts';
import type { NodeId } from '../../ir/graph/types.ts';
import { layer, problem, type LayerContext, type Problem } from './layer.ts';
import { alongAxis, matrix } from './matrices.ts';
import { each, listLength } from './windows.ts';

/** Resizing, by repetition or by interpolation. */

/** One axis: n elements become m, and element i of the result is at `step` * i of the input. */
interface Scaling {
  readonly n: number;
  readonly m: number;
  readonly step: number;
  readonly corners: boolean;
}
type Weights = (b: GraphBuilder, s: Scaling) => NodeId;

const num = (b: GraphBuilder, v: number, like: NodeId): NodeId => b.like(v, like);

/** The input position of output element i, aligned by the corners or by the centres. */
function source(b: GraphBuilder, i: NodeId, { n, m, step, corners }: Scaling): NodeId {
  if (corners) return b.op('mul', i, num(b, m > 1 ? (n - 1) / (m - 1) : 0, i));
  return b.op('sub', b.op('mul', b.op('add', i, num(b, 0.5, i)), num(b, step, i)), num(b, 0.5, i));
}

/** Slightly more than 1, so that float32 rounding never pushes a whole quotient below its integer. */
const HAIR = 1 + 2 ** -22;

/** 1 at one input element: the one at the start of output i, or at its centre (`exact`). */
const nearest =
  (exact: boolean): Weights =>
  (b, s) =>
    matrix(b, s.m, s.n, (i, j) => {
      const from = exact ? b.op('add', i, num(b, 0.5, i)) : i;
      const place = b.op('floor', b.op('mul', from, num(b, s.step * HAIR, i)));
      return b.op('select', b.op('eq', b.op('min', place, num(b, s.n - 1, i)), j), num(b, 1, i), num(b, 0, i));
    });

/** Linear interpolation; positions outside take the outermost value. */
const linear: Weights = (b, s) =>
  matrix(b, s.m, s.n, (i, j) => {
    const inside = b.op('min', b.op('max', source(b, i, s), num(b, 0, i)), num(b, s.n - 1, i));
    return b.op('max', num(b, 0, i), b.op('sub', num(b, 1, i), b.op('abs', b.op('sub', inside, j))));
  });

/** Keys, 1981, with PyTorch's a = -3/4. */
const A = -0.75;
/** The weight of an element at distance t <= 1; then of one at 1 <= t <= 2. */
function near(b: GraphBuilder, t: NodeId): NodeId {
  const inner = b.op('sub', b.op('mul', t, num(b, A + 2, t)), num(b, A + 3, t));
  return b.op('add', b.op('mul', inner, b.op('mul', t, t)), num(b, 1, t));
}
function far(b: GraphBuilder, t: NodeId): NodeId {
  const square = b.op('add', b.op('mul', b.op('sub', b.op('mul', t, num(b, A, t)), num(b, 5 * A, t)), t), num(b, 8 * A, t));
  return b.op('sub', b.op('mul', square, t), num(b, 4 * A, t));
}

/** Cubic interpolation between four elements; those past the end repeat the outermost one. */
const cubic: Weights = (b, s) =>
  matrix(b, s.m, s.n, (i, j) => {
    const place = source(b, i, s);
    const first = b.op('floor', place);
    const t = b.op('sub', place, first);
    const one = num(b, 1, i);
    const distances = [b.op('add', t, one), t, b.op('sub', one, t), b.op('sub', num(b, 2, i), t)];
    return distances
      .map((d, k) => {
        const neighbour = b.op('add', first, num(b, k - 1, i));
        const inside = b.op('min', b.op('max', neighbour, num(b, 0, i)), num(b, s.n - 1, i));
        return b.op('select', b.op('eq', inside, j), k === 0 || k === 3 ? far(b, d) : near(b, d), num(b, 0, i));
      })
      .reduce((p, q) => b.op('add', p, q));
  });

interface Way {
  readonly weights: Weights;
  /** The number of spatial axes that it needs; any number by default. */
  readonly axes?: number;
  /** Whether align_corners is possible. */
  readonly corners: boolean;
}
const WAYS: Readonly<Record<string, Way>> = {
  nearest: { weights: nearest(false), corners: false },
  linear: { weights: linear, axes: 1, corners: true },
  bilinear: { weights: linear, axes: 2, corners: true },
  bicubic: { weights: cubic, axes: 2, corners: true },
  trilinear: { weights: linear, axes: 3, corners: true },
  'nearest-exact': { weights: nearest(true), corners: false },
};

interface Given {
  readonly scale_factor?: number | readonly number[];
  readonly size?: number | readonly number[];
}

/** The output size and the step of each axis. */
function scalings(cx: LayerContext, x: NodeId, { scale_factor, size }: Given, corners: boolean): Scaling[] | Problem {
  const shape = cx.b.shape(x);
  const places = shape.slice(2) as number[];
  if ((scale_factor === undefined) === (size === undefined))
    return problem(
      'NN202',
      `${cx.text} needs either 'scale_factor' or 'size'`,
      'scale_factor=2 gives twice as many places, size=32 gives 32',
    );
  const given = each(size ?? scale_factor ?? 1, places.length);
  if (!given) return problem('NN202', listLength(cx.text, places.length));
  const all = places.map((n, i) => {
    const g = at(given, i);
    // PyTorch uses the given factor, even where n * factor is not an integer.
    return size === undefined ? { n, m: Math.floor(n * g), step: 1 / g, corners } : { n, m: g, step: n / g, corners };
  });
  return all.every(({ m }) => m >= 1) ? all : problem('NN203', `nothing is left of ${showShape(shape)}`, 'take a larger scale_factor');
}

export const Upsample = layer({
  doc: 'resizes by repetition (nearest) or by interpolation',
  torch: 'torch.nn.Upsample, where size comes first',
  shape: '[B, channels, places...] -> [B, channels, scale_factor * places...]',
  parameters: {
    scale_factor: { type: 'factors', min: 1e-6, doc: 'factor of the size' },
    mode: { type: 'string', default: 'nearest', choices: Object.keys(WAYS), doc: 'interpolation mode' },
    align_corners: { type: 'bool', default: false, doc: 'aligns the centres of the corner pixels of input and output' },
    size: { type: 'sizes', min: 1, doc: 'output size, instead of scale_factor' },
  },
  optional: ['scale_factor', 'size'],
  build(cx, args, x) {
    const { b } = cx;
    const shape = b.shape(x);
    const axes = shape.length - 2;
    if (axes < 1) return problem('NN203', `${cx.text} takes [B, channels, places...], and ${showShape(shape)} flows in`);
    const way = WAYS[args.mode] as Way;
    if (way.axes !== undefined && way.axes !== axes)
      return problem(
        'NN206',
        `${args.mode} does not fit ${showShape(shape)}`,
        'linear takes one axis of places, bilinear and bicubic two, trilinear three',
      );
    if (args.align_corners && !way.corners)
      return problem(
        'NN206',
        `mode=${args.mode} repeats places, so there are no corners to align`,
        'align_corners belongs to the modes that interpolate',
      );
    const all = scalings(cx, x, args, args.align_corners);
    if ('code' in all) return all;
    return all.reduce((y, s, k) => {
      const axis = 2 + k;
      if (s.n === s.m && s.step === 1) return y;
      if (way.corners || s.step > 1 || s.m % s.n !== 0 || s.m * s.step !== s.n) return alongAxis(b, y, axis, way.weights(b, s));
      // An integer number of copies of each element.
      const before = b.shape(y);
      const apart: Dim[] = [...before.slice(0, axis + 1), s.m / s.n, ...before.slice(axis + 1)];
      return b.reshape(b.unreduce(y, apart, [axis + 1]), [...before.slice(0, axis), s.m, ...before.slice(axis + 1)]);
    }, x);
  },
});
