import type { GraphBuilder } from '../ir/graph/builder.ts';
import type { NodeId } from '../ir/graph/types.ts';

/** The length and the angle of points of the plane. */
type B = GraphBuilder;

/** Powers of two, so that scaling rounds nothing: where numbers are beyond, what they are multiplied by. */
interface Scales {
  readonly above: number;
  readonly down: number;
  readonly below: number;
  readonly up: number;
}

/** The factor for a point whose larger coordinate has this size, and its inverse. */
function scaleOf(b: B, size: NodeId, { above, down, below, up }: Scales): readonly [scale: NodeId, inverse: NodeId] {
  const [far, near] = [b.op('lt', b.like(above, size), size), b.op('lt', size, b.like(below, size))];
  const choose = (large: number, small: number): NodeId =>
    b.op('select', far, b.like(large, size), b.op('select', near, b.like(small, size), b.like(1, size)));
  return [choose(down, up), choose(1 / down, 1 / up)];
}

const larger = (b: B, x: NodeId, y: NodeId): NodeId => b.op('max', b.op('abs', x), b.op('abs', y));

/** Squares overflow from 2^64 on, and below 2^-50 they lose places. Cotangents are multiplied by the inverse, so that is no larger than needed. */
const SQUARED: Scales = { above: 2 ** 60, down: 2 ** -66, below: 2 ** -50, up: 2 ** 76 };

/** sqrt(x^2 + y^2), which overflows only where the result does. */
export function hypot(b: B, x: NodeId, y: NodeId): NodeId {
  const [scale, inverse] = scaleOf(b, larger(b, x, y), SQUARED);
  const square = (v: NodeId): NodeId => {
    const scaled = b.op('mul', v, scale);
    return b.op('mul', scaled, scaled);
  };
  return b.op('mul', b.op('sqrt', b.op('add', square(x), square(y))), inverse);
}

/** GPUs divide by numbers up to 2^126; beyond, the reciprocal may count as 0. */
const DIVIDED: Scales = { above: 2 ** 100, down: 2 ** -60, below: 2 ** -100, up: 2 ** 60 };

/** The angle of the point (x, y). */
export function atan2(b: B, y: NodeId, x: NodeId): NodeId {
  const zero = b.like(0, x);
  const nowhere = b.op('and', b.op('eq', x, zero), b.op('eq', y, zero));
  // Two infinities are equally far away; NaN stays what it is.
  const distant = b.op('not', b.op('or', b.op('finite', x), b.op('finite', y)));
  const [scale] = scaleOf(b, larger(b, x, y), DIVIDED);
  const scaled = (v: NodeId): NodeId => {
    const side = b.op('select', b.op('lt', zero, v), b.like(1, v), b.op('select', b.op('lt', v, zero), b.like(-1, v), v));
    return b.op('select', distant, side, b.op('mul', v, scale));
  };
  const [across, up] = [scaled(x), scaled(y)];
  // Divides the smaller coordinate by the larger one; steep angles are measured from the vertical, and pi is added or subtracted on the
  // left.
  const steep = b.op('lt', b.op('abs', across), b.op('abs', up));
  const below = b.op('select', steep, up, b.op('select', nowhere, b.like(1, x), across));
  const angle = b.op('atan', b.op('div', b.op('select', steep, across, up), below));
  const turn = b.op('select', b.op('lt', y, zero), b.like(-Math.PI, x), b.like(Math.PI, x));
  const flat = b.op('select', b.op('lt', x, zero), b.op('add', angle, turn), angle);
  const upright = b.op('sub', b.op('mul', turn, b.like(0.5, x)), angle);
  return b.op('select', nowhere, zero, b.op('select', steep, upright, flat));
}
