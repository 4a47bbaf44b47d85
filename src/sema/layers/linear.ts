import { BATCH, product, showDim, showShape } from '../../base/types.ts';
import { layer, problem } from './layer.ts';

/** y = x W^T + b over the last axis; W and b start uniform in +-1/sqrt(in_features), as torch.nn.Linear does. */
export const Linear = layer({
  doc: 'y = x W^T + b over the last axis',
  torch: 'torch.nn.Linear',
  parameters: {
    in_features: { type: 'int', min: 1, doc: 'size of the last axis that flows in' },
    out_features: { type: 'int', min: 1, doc: 'size of the last axis that flows out' },
    bias: { type: 'bool', default: true, doc: 'adds a trainable b' },
  },
  expects: ({ in_features }) => ({ dtype: 'f32', shape: [in_features] }),
  assume: ({ out_features }, shape) => [...(shape.length > 1 ? shape.slice(0, -1) : [BATCH]), out_features],
  build(cx, { in_features, out_features, bias }, x) {
    const { b } = cx;
    const shape = b.shape(x);
    const last = shape.at(-1);
    if (shape.length < 2 || last !== in_features) {
      const flat = product(shape.slice(1));
      if (shape.length > 2 && flat === in_features)
        return problem(
          'NN203',
          `${cx.text} takes [*, ${in_features}], and ${showShape(shape)} flows in`,
          `flatten it first: flatten -> ${cx.text}`,
        );
      const wanted =
        last === undefined || shape.length < 2 ? undefined : `Linear(${showDim(last)}, ${out_features}${bias ? '' : ', bias=false'})`;
      return problem(
        'NN203',
        `${cx.text} takes [*, ${in_features}], and ${showShape(shape)} flows in`,
        wanted ? `write ${wanted}` : undefined,
      );
    }
    const bound = 1 / Math.sqrt(in_features);
    const init = { kind: 'uniform', low: -bound, high: bound } as const;
    const w = cx.param('weight', [out_features, in_features], init);
    const lead = 'abcdefghijklm'.slice(0, shape.length - 1);
    const y = b.contract(`${lead}z,yz->${lead}y`, x, w);
    if (!bias) return y;
    const out = b.shape(y);
    return b.op('add', y, b.broadcast(cx.param('bias', [out_features], init), out, [out.length - 1]));
  },
});
