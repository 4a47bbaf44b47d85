import { at } from '../../base/errors.ts';
import { showShape } from '../../base/types.ts';
import { windowPlaces } from '../../ir/graph/views.ts';
import { layer, problem, type Layer } from './layer.ts';
import { each, sizes, type Axes } from './windows.ts';

/** Convolutions whose weights are computed: the functions of which Conv1d, Conv2d and Conv3d are the layers. */

// Labels: n batch, g group, c channel, o output channel; d h w places, z y x inside of the window.
const LABELS: Readonly<Record<Axes, readonly [string, string]>> = { 1: ['h', 'y'], 2: ['hw', 'yx'], 3: ['dhw', 'zyx'] };

const convolution = (axes: Axes): Layer =>
  layer({
    doc: `slides a window over the last ${axes === 1 ? 'axis' : `${axes} axes`}; weight is [out, in/groups, window], bias=b adds a number to each channel`,
    torch: `torch.nn.functional.conv${axes}d`,
    shape: `[B, in, places], [out, in/groups, window] -> [B, out, places]`,
    inputs: ['x', 'weight'],
    named: ['bias'],
    parameters: {
      stride: sizes('steps between windows', 1),
      padding: sizes('zeros around', 0),
      dilation: sizes('steps inside of the window', 1),
      groups: { type: 'int', default: 1, min: 1, doc: 'groups of channels that do not see one another' },
    },
    build(cx, args, x, w = x) {
      const { b, named } = cx;
      const [shape, kernel] = [b.shape(x), b.shape(w)];
      const lists = [args.stride, args.padding, args.dilation].map((v) => each(v, axes));
      const [stride, padding, dilation] = lists;
      if (!stride || !padding || !dilation) return problem('NN202', `${cx.text} takes one number, or ${axes} in a list`);
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
      const pads = [0, 0, ...padding];
      let view = pads.some((p) => p > 0) ? b.add('pad', [x], { low: pads, high: pads, value: 0 }) : x;
      for (const [k, n] of window.entries()) {
        const length = b.shape(view)[2 + k];
        const [step, inner] = [at(stride, k), at(dilation, k)];
        if (typeof length !== 'number' || windowPlaces(length, n, step, inner) < 1)
          return problem('NN203', `a window of [${window.join(', ')}] does not fit into ${showShape(shape)}`);
        view = b.add('window', [view], { axis: 2 + k, size: n, stride: step, dilation: inner });
      }
      const places = b.shape(view).slice(2, 2 + axes);
      const [p, k] = LABELS[axes];
      const grouped = b.reshape(view, [batch, groups, cin / groups, ...places, ...window]);
      const weights = b.reshape(w, [groups, out / groups, cin / groups, ...window]);
      const y = b.reshape(b.contract(`ngc${p}${k},goc${k}->ngo${p}`, grouped, weights), [batch, out, ...places]);
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
