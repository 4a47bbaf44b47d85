import { at } from '../../base/errors.ts';
import { product, sameDim, showShape, type Dim, type Shape } from '../../base/types.ts';
import type { GraphBuilder } from '../../ir/graph/builder.ts';
import type { NodeId } from '../../ir/graph/types.ts';
import * as f from '../functions.ts';
import { layer, problem } from './layer.ts';

/** Sampling of images on a grid, as in spatial transformers: Jaderberg et al., 2015. */

const align_corners = {
  type: 'bool',
  default: false,
  doc: '-1 and 1 are the centres of the corner pixels, not their outer edges',
} as const;

export const affine_grid = layer({
  doc: 'sampling grid for grid_sample, from an affine matrix for each example',
  torch: 'torch.nn.functional.affine_grid',
  shape: '[B, 2, 3] -> [B, height, width, 2]',
  inputs: ['theta'],
  parameters: {
    size: { type: 'sizes', min: 1, doc: 'size of the output image: [channels, height, width] or [height, width]' },
    align_corners,
  },
  build({ b }, args, theta) {
    const shape = b.shape(theta);
    const size = [args.size].flat();
    const [height, width] = size.slice(-2);
    if (shape.length !== 3 || shape[1] !== 2 || shape[2] !== 3)
      return problem('NN203', `affine_grid takes [B, 2, 3], and ${showShape(shape)} flows in`);
    if (height === undefined || width === undefined || size.length > 3)
      return problem('NN202', 'the size is [height, width] or [channels, height, width]', 'the batch is that of theta');
    const plane = [height, width, 1];
    // Pixel centres, from -1 to 1.
    const middle = (axis: number, n: number): NodeId => {
      const place = b.add('iota', [], { axis }, { dtype: 'f32', shape: plane });
      if (n === 1) return b.like(0, place);
      const [step, start] = args.align_corners ? [2 / (n - 1), -1] : [2 / n, 1 / n - 1];
      return b.op('add', b.op('mul', place, b.like(step, place)), b.like(start, place));
    };
    const ones = b.full(1, { dtype: 'f32', shape: plane });
    const base = b.add('concat', [middle(1, width), middle(0, height), ones], { axis: 2 });
    return b.contract('nic,hwc->nhwi', theta, base);
  },
});

/** Maps a coordinate in [-1, 1] to one of n pixels. */
function pixel(b: GraphBuilder, x: NodeId, n: number, aligned: boolean): NodeId {
  const from = b.op('add', x, b.like(1, x));
  if (aligned) return b.op('mul', from, b.like((n - 1) / 2, x));
  return b.op('mul', b.op('sub', b.op('mul', from, b.like(n, x)), b.like(1, x)), b.like(0.5, x));
}

/** Clamps to the pixels; at the border and beyond the gradient is 0, as in PyTorch. */
function clipped(b: GraphBuilder, x: NodeId, n: number): NodeId {
  const [low, high] = [b.like(0, x), b.like(n - 1, x)];
  return b.op('select', b.op('le', x, low), low, b.op('select', b.op('le', high, x), high, x));
}

/** Reflects at both ends until it is inside: at the centres of the outermost pixels, or at their edges. */
function reflected(b: GraphBuilder, x: NodeId, n: number, aligned: boolean): NodeId {
  const [low, span] = aligned ? [0, n - 1] : [-0.5, n];
  if (span === 0) return b.like(0, x);
  const beyond = b.op('sub', x, b.like(low, x));
  const away = b.op('select', b.op('lt', beyond, b.like(0, x)), b.op('neg', beyond), beyond);
  const turns = b.op('floor', b.op('div', away, b.like(span, x)));
  const rest = b.op('sub', away, b.op('mul', turns, b.like(span, x)));
  const half = b.op('mul', turns, b.like(0.5, x));
  const even = b.op('eq', b.op('floor', half), half);
  const inside = b.op('select', even, rest, b.op('sub', b.like(span, x), rest));
  return b.op('add', inside, b.like(low, x));
}

export interface Image {
  /** All pixels as rows of channels. */
  readonly rows: NodeId;
  readonly height: number;
  readonly width: number;
}

/** The pixels at integer coordinates, [..., channels]; 0 outside the image. */
export function pixels(b: GraphBuilder, { rows, height, width }: Image, x: NodeId, y: NodeId): NodeId {
  const within = (v: NodeId, n: number): NodeId => b.op('and', b.op('le', b.like(0, v), v), b.op('le', v, b.like(n - 1, v)));
  const inside = b.op('and', within(x, width), within(y, height));
  // Coordinates far outside would not fit into an i32, so they become 0 before the cast.
  const place = (v: NodeId, n: number): NodeId => b.cast(b.op('select', within(v, n), v, b.like(0, v)), 'i32');
  const example = b.add('iota', [], { axis: 0 }, { dtype: 'i32', shape: b.shape(x) });
  const row = b.op('add', b.op('mul', example, b.like(height, example)), place(y, height));
  const found = b.op('gather', rows, b.op('add', b.op('mul', row, b.like(width, row)), place(x, width)));
  const shape = b.shape(found);
  const wide = b.cast(b.unreduce(b.cast(inside, 'i32'), shape, [shape.length - 1]), 'bool');
  return b.op('select', wide, found, b.like(0, found));
}

/** Interpolates between the four neighbouring pixels. */
function bilinear(b: GraphBuilder, image: Image, x: NodeId, y: NodeId): NodeId {
  const [left, top] = [b.op('floor', x), b.op('floor', y)];
  const [fx, fy] = [b.op('sub', x, left), b.op('sub', y, top)];
  const parts = [0, 1].flatMap((dy) =>
    [0, 1].map((dx) => {
      const share = (f: NodeId, d: number): NodeId => (d === 1 ? f : b.op('sub', b.like(1, f), f));
      const next = (v: NodeId, d: number): NodeId => (d === 1 ? b.op('add', v, b.like(1, v)) : v);
      const found = pixels(b, image, next(left, dx), next(top, dy));
      const shape: Shape = b.shape(found);
      return b.op('mul', found, b.unreduce(b.op('mul', share(fx, dx), share(fy, dy)), shape, [shape.length - 1]));
    }),
  );
  return parts.reduce((p, q) => b.op('add', p, q));
}

export const grid_sample = layer({
  doc: 'samples an image at the (x, y) coordinates of a grid, which go from -1 to 1',
  torch: 'torch.nn.functional.grid_sample',
  shape: '[B, channels, height, width], [B, h, w, 2] -> [B, channels, h, w]',
  inputs: ['x', 'grid'],
  parameters: {
    mode: {
      type: 'string',
      default: 'bilinear',
      choices: ['bilinear', 'nearest'],
      doc: 'interpolation: bilinear between four pixels, or the nearest pixel',
    },
    padding_mode: {
      type: 'string',
      default: 'zeros',
      choices: ['zeros', 'border', 'reflection'],
      doc: 'values outside the image: zeros, the border pixels, or the reflected image',
    },
    align_corners,
  },
  build({ b }, args, x, grid = x) {
    const [shape, places] = [b.shape(x), b.shape(grid)];
    const [batch, channels, height, width] = shape;
    if (
      shape.length !== 4 ||
      typeof channels !== 'number' ||
      typeof height !== 'number' ||
      typeof width !== 'number' ||
      batch === undefined
    )
      return problem('NN203', `grid_sample takes [B, channels, height, width], and ${showShape(shape)} flows in`);
    if (places.length !== 4 || places[3] !== 2 || !sameDim(at(places, 0), batch))
      return problem('NN203', `a grid is [${showShape([batch]).slice(1, -1)}, height, width, 2], and this is ${showShape(places)}`);
    const image: Image = {
      rows: b.reshape(b.permute(x, [0, 2, 3, 1]), [product([batch, height, width]), channels]),
      height,
      width,
    };
    const coordinate = (i: 0 | 1, n: number): NodeId => {
      const own = b.reshape(f.part(b, grid, 3, i, 1), places.slice(0, 3) as Dim[]);
      const scaled = pixel(b, own, n, args.align_corners);
      if (args.padding_mode === 'zeros') return scaled;
      return clipped(b, args.padding_mode === 'border' ? scaled : reflected(b, scaled, n, args.align_corners), n);
    };
    const [px, py] = [coordinate(0, width), coordinate(1, height)];
    const sampled = args.mode === 'bilinear' ? bilinear(b, image, px, py) : pixels(b, image, f.round(b, px), f.round(b, py));
    return b.permute(sampled, [0, 3, 1, 2]);
  },
});
