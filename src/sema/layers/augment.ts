import { product, showShape, type Dim, type Shape } from '../../base/types.ts';
import type { GraphBuilder } from '../../ir/graph/builder.ts';
import type { NodeId } from '../../ir/graph/types.ts';
import { pixels } from './grid.ts';
import { layer, problem, type Layer, type LayerContext } from './layer.ts';

/** Augmentation: images are changed at random while training, each in its own way. */

/** One uniform number for each example, in a shape of so many axes. */
function drawn(cx: LayerContext, shape: Shape): NodeId {
  const { b } = cx;
  const [batch] = shape as [Dim];
  return b.broadcast(cx.random([batch]), shape, [0]);
}

const flipping = (doc: string, torch: string, back: 1 | 2): Layer =>
  layer({
    doc,
    torch,
    shape: '[B, ..., height, width], which stays',
    parameters: { p: { type: 'number', default: 0.5, min: 0, max: 1, doc: 'probability of a flip' } },
    keepsShape: true,
    build(cx, { p }, x) {
      const { b } = cx;
      const shape = b.shape(x);
      if (shape.length < 3) return problem('NN203', `${cx.text} takes [B, ..., height, width], and ${showShape(shape)} flows in`);
      if (!cx.training) return x;
      const u = drawn(cx, shape);
      return b.op('select', b.op('lt', u, b.like(p, u)), b.add('flip', [x], { axes: [shape.length - back] }), x);
    },
  });

export const RandomHorizontalFlip = flipping(
  'flips images left to right at random while training, each example by itself',
  'torchvision.transforms.v2.RandomHorizontalFlip',
  1,
);
export const RandomVerticalFlip = flipping(
  'flips images upside down at random while training, each example by itself',
  'torchvision.transforms.v2.RandomVerticalFlip',
  2,
);

/** Where the part of an axis begins in the image that is not padded, as f32 in a shape: at random, or in the middle. */
function begin(cx: LayerContext, shape: Shape, room: number, padding: number): NodeId {
  const { b } = cx;
  if (!cx.training) return b.full(Math.floor(room / 2) - padding, { dtype: 'f32', shape });
  const u = drawn(cx, shape);
  return b.op('sub', b.op('floor', b.op('mul', u, b.like(room + 1, u))), b.like(padding, u));
}

const place = (b: GraphBuilder, shape: Shape, axis: number, from: NodeId): NodeId =>
  b.op('add', b.add('iota', [], { axis }, { dtype: 'f32', shape }), from);

export const RandomCrop = layer({
  doc: 'cuts a part out of each image, with zeros around it: at random while training, in the middle in predictions',
  torch: 'torchvision.transforms.v2.RandomCrop',
  shape: '[B, channels, height, width] -> [B, channels, size, size]',
  parameters: {
    size: { type: 'sizes', min: 1, doc: 'height and width of the part' },
    padding: { type: 'int', default: 0, min: 0, doc: 'zeros that are put around the image before' },
  },
  build(cx, args, x) {
    const { b } = cx;
    const [batch, channels, height, width, ...more] = b.shape(x);
    const [high, wide = high, ...others] = [args.size].flat();
    if (high === undefined || wide === undefined || others.length > 0)
      return problem('NN202', 'the size is one number, or (height, width)');
    if (batch === undefined || typeof channels !== 'number' || typeof height !== 'number' || typeof width !== 'number' || more.length > 0)
      return problem('NN203', `${cx.text} takes [B, channels, height, width], and ${showShape(b.shape(x))} flows in`);
    const rooms = [height + 2 * args.padding - high, width + 2 * args.padding - wide] as const;
    if (Math.min(...rooms) < 0)
      return problem('NN203', `a part of ${high} x ${wide} does not fit into ${height} x ${width}`, 'take a smaller one, or more padding');
    const shape = [batch, high, wide];
    const image = { rows: b.reshape(b.permute(x, [0, 2, 3, 1]), [product([batch, height, width]), channels]), height, width };
    const top = place(b, shape, 1, begin(cx, shape, rooms[0], args.padding));
    const left = place(b, shape, 2, begin(cx, shape, rooms[1], args.padding));
    return b.permute(pixels(b, image, left, top), [0, 3, 1, 2]);
  },
});
