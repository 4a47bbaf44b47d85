import { at } from '../../base/errors.ts';
import { product, showShape, type Dim } from '../../base/types.ts';
import { windowPlaces } from '../../ir/graph/views.ts';
import { layer, problem } from './layer.ts';
import { each, eachOf, listLength, overlap, sizes, surround, windows } from './windows.ts';

/** Layers that move elements between channels and places. */

export const Identity = layer({
  anyType: true,
  doc: 'the input, unchanged',
  torch: 'torch.nn.Identity',
  parameters: {},
  keepsShape: true,
  build: (_cx, _args, x) => x,
});

/** Shi et al., 2016. */
export const PixelShuffle = layer({
  doc: 'turns r * r channels into r by r pixels',
  torch: 'torch.nn.PixelShuffle',
  shape: '[B, channels*r*r, height, width] -> [B, channels, height*r, width*r]',
  parameters: { upscale_factor: { type: 'int', min: 1, doc: 'upscale factor r' } },
  build({ b, text }, { upscale_factor: r }, x) {
    const [batch, channels, h, w] = b.shape(x);
    if (b.shape(x).length !== 4 || batch === undefined || typeof channels !== 'number' || channels % (r * r) !== 0)
      return problem(
        'NN203',
        `${text} takes [B, channels, height, width] with a multiple of ${r * r} channels, and ${showShape(b.shape(x))} flows in`,
      );
    const c = channels / (r * r);
    const apart = b.reshape(x, [batch, c, r, r, h as number, w as number]);
    return b.reshape(b.permute(apart, [0, 1, 4, 2, 5, 3]), [batch, c, (h as number) * r, (w as number) * r]);
  },
});

export const PixelUnshuffle = layer({
  doc: 'turns r by r pixels into r * r channels',
  torch: 'torch.nn.PixelUnshuffle',
  shape: '[B, channels, height*r, width*r] -> [B, channels*r*r, height, width]',
  parameters: { downscale_factor: { type: 'int', min: 1, doc: 'downscale factor r' } },
  build({ b, text }, { downscale_factor: r }, x) {
    const [batch, channels, ...places] = b.shape(x);
    const [h = 0, w = 0] = places as number[];
    if (places.length !== 2 || batch === undefined || h % r !== 0 || w % r !== 0)
      return problem(
        'NN203',
        `${text} takes [B, channels, height, width] in squares of ${r} by ${r}, and ${showShape(b.shape(x))} flows in`,
      );
    const apart = b.reshape(x, [batch, channels as number, h / r, r, w / r, r]);
    return b.reshape(b.permute(apart, [0, 1, 3, 5, 2, 4]), [batch, (channels as number) * r * r, h / r, w / r]);
  },
});

/** Zhang et al., 2018. */
export const ChannelShuffle = layer({
  doc: 'interleaves the channels (axis 1) of all groups',
  torch: 'torch.nn.ChannelShuffle',
  parameters: { groups: { type: 'int', min: 1, doc: 'number of groups of channels' } },
  keepsShape: true,
  build({ b, text }, { groups }, x) {
    const shape = b.shape(x);
    const [batch, channels, ...places] = shape;
    if (batch === undefined || typeof channels !== 'number' || channels % groups !== 0)
      return problem('NN203', `${text} takes [B, channels, ...] in ${groups} equal groups, and ${showShape(shape)} flows in`);
    const apart = b.reshape(x, [batch, groups, channels / groups, ...places]);
    return b.reshape(b.permute(apart, [0, 2, 1, ...places.map((_, i) => 3 + i)]), shape);
  },
});

const sliding = {
  kernel_size: sizes('size of the window'),
  dilation: sizes('spacing between the elements of the window', 1),
  padding: sizes('zero padding at both ends', 0),
  stride: sizes('stride of the window', 1),
} as const;

export const Unfold = layer({
  doc: 'the sliding windows of an image as columns (im2col)',
  torch: 'torch.nn.Unfold',
  shape: '[B, channels, height, width] -> [B, channels*window, windows]',
  parameters: sliding,
  build({ b, text }, args, x) {
    const shape = b.shape(x);
    const [size, dilation, padding, stride] = eachOf([args.kernel_size, args.dilation, args.padding, args.stride], 2) ?? [];
    if (!size || !dilation || !padding || !stride) return problem('NN202', listLength(text, 2));
    if (shape.length !== 4) return problem('NN203', `${text} takes [B, channels, height, width], and ${showShape(shape)} flows in`);
    const view = windows(b, surround(b, x, { low: padding, high: padding }, 0), { size, stride, dilation });
    if (view === undefined) return problem('NN203', `a window of [${size.join(', ')}] does not fit into ${showShape(shape)}`);
    const [batch, channels, ...rest] = b.shape(view);
    // [B, channels, places, window] -> [B, channels, window, places]
    const columns = b.permute(view, [0, 1, 4, 5, 2, 3]);
    return b.reshape(columns, [batch as Dim, (channels as number) * (product(size) as number), product(rest.slice(0, 2))]);
  },
});

export const Fold = layer({
  doc: 'sums columns back into the windows of an image (col2im): the adjoint of Unfold',
  torch: 'torch.nn.Fold',
  shape: '[B, channels*window, windows] -> [B, channels, height, width]',
  parameters: { output_size: sizes('size of the output image'), ...sliding },
  build({ b, text }, args, x) {
    const shape = b.shape(x);
    const out = each(args.output_size, 2);
    const [size, dilation, padding, stride] = eachOf([args.kernel_size, args.dilation, args.padding, args.stride], 2) ?? [];
    if (!out || !size || !dilation || !padding || !stride) return problem('NN202', listLength(text, 2));
    const whole = out.map((n, i) => n + 2 * at(padding, i));
    const places = whole.map((n, i) => windowPlaces(n, at(size, i), at(stride, i), at(dilation, i)));
    const inside = product(size) as number;
    if (places.some((n) => n < 1))
      return problem('NN203', `a window of [${size.join(', ')}] does not fit into an image of [${whole.join(', ')}]`);
    const [batch, rows, columns] = shape;
    if (shape.length !== 3 || batch === undefined || typeof rows !== 'number' || rows % inside !== 0 || columns !== product(places))
      return problem(
        'NN203',
        `${text} takes [B, channels*${inside}, ${product(places) as number}], and ${showShape(shape)} flows in`,
        'rows are channels times the places of a window, and there is a column for each window of the image',
      );
    const apart = b.reshape(x, [batch, rows / inside, ...size, ...places]);
    const view = b.permute(apart, [0, 1, 4, 5, 2, 3]);
    const sum = overlap(b, view, { stride, dilation }, whole);
    return padding.some((p) => p > 0) ? b.add('slice', [sum], { start: [0, 0, ...padding], size: [batch, rows / inside, ...out] }) : sum;
  },
});
