import { showShape } from '../../base/types.ts';
import { aroundOf, correlate, padding } from './correlate.ts';
import { layer, problem, type Layer } from './layer.ts';
import { eachOf, listLength, sizes, surround, type Axes } from './windows.ts';

/** Convolutions with computed weights: the functions behind Conv1d, Conv2d and Conv3d. */

const convolution = (axes: Axes): Layer =>
  layer({
    doc: `convolution over the last ${axes === 1 ? 'axis' : `${axes} axes`}; weight is [out, in/groups, kernel], bias=b adds a bias to each output channel`,
    torch: `torch.nn.functional.conv${axes}d`,
    shape: `[B, in, places], [out, in/groups, window] -> [B, out, places]`,
    inputs: ['x', 'weight'],
    named: ['bias'],
    parameters: {
      stride: sizes('stride of the kernel', 1),
      padding,
      dilation: sizes('spacing between the elements of the kernel', 1),
      groups: { type: 'int', default: 1, min: 1, doc: 'number of groups of channels that are convolved separately' },
    },
    build(cx, args, x, w = x) {
      const { b, named } = cx;
      const [shape, kernel] = [b.shape(x), b.shape(w)];
      const [stride, dilation] = eachOf([args.stride, args.dilation], axes) ?? [];
      if (!stride || !dilation) return problem('NN202', listLength(cx.text, axes));
      const [batch, cin] = shape;
      const [cout, perGroup, ...size] = kernel;
      const { groups } = args;
      if (
        shape.length !== axes + 2 ||
        kernel.length !== axes + 2 ||
        batch === undefined ||
        typeof cin !== 'number' ||
        kernel.some((d) => typeof d !== 'number')
      )
        return problem(
          'NN203',
          `conv${axes}d takes ${axes + 2} axes and a weight of as many, and these are ${showShape(shape)} and ${showShape(kernel)}`,
        );
      const [out, window] = [cout as number, size as number[]];
      if (cin % groups !== 0 || out % groups !== 0 || perGroup !== cin / groups)
        return problem(
          'NN203',
          `a weight ${showShape(kernel)} does not fit ${cin} channels in ${groups} ${groups === 1 ? 'group' : 'groups'}`,
        );
      const sliding = { size: window, stride, dilation };
      const around = aroundOf(cx.text, args.padding, sliding);
      if ('code' in around) return around;
      const y = correlate(b, surround(b, x, around, 0), () => w, sliding, groups);
      if (y === undefined) return problem('NN203', `a window of [${window.join(', ')}] does not fit into ${showShape(shape)}`);
      const { bias } = named;
      if (bias === undefined) return y;
      return b.shape(bias).length === 1 && b.shape(bias)[0] === out
        ? b.op('add', y, b.broadcast(bias, b.shape(y), [1]))
        : problem('NN203', `bias is one number for each of ${out} channels, and this is ${showShape(b.shape(bias))}`);
    },
  });

export const conv1d = convolution(1);
export const conv2d = convolution(2);
export const conv3d = convolution(3);
