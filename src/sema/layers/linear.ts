import { BATCH, product, sameShape, showDim, showShape } from '../../base/types.ts';
import type { GraphBuilder } from '../../ir/graph/builder.ts';
import type { NodeId } from '../../ir/graph/types.ts';
import { layer, problem } from './layer.ts';

/** x W^T + b over the last axis. */
export function linear(b: GraphBuilder, x: NodeId, w: NodeId, bias: NodeId | undefined): NodeId {
  const lead = 'abcdefghijklm'.slice(0, b.shape(x).length - 1);
  const y = b.contract(`${lead}z,yz->${lead}y`, x, w);
  const out = b.shape(y);
  return bias === undefined ? y : b.op('add', y, b.broadcast(bias, out, [out.length - 1]));
}

/** y = x W^T + b over the last axis; W and b start uniform in +-1/sqrt(in_features), as torch.nn.Linear does. */
export const Linear = layer({
  doc: 'y = x W^T + b over the last axis',
  torch: 'torch.nn.Linear',
  shape: '[..., in_features] -> [..., out_features]',
  parameters: {
    in_features: { type: 'int', min: 1, doc: 'size of the last axis of the input' },
    out_features: { type: 'int', min: 1, doc: 'size of the last axis of the output' },
    bias: { type: 'bool', default: true, doc: 'adds a trainable bias b' },
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
    return linear(b, x, w, bias ? cx.param('bias', [out_features], init) : undefined);
  },
});

/** y = a^T W b + c; W and c start uniform in +-1/sqrt(in1_features), as torch.nn.Bilinear does. */
export const Bilinear = layer({
  doc: 'y = a^T W b + c of two inputs a and b',
  torch: 'torch.nn.Bilinear',
  shape: '[..., in1], [..., in2] -> [..., out]',
  inputs: ['a', 'b'],
  parameters: {
    in1_features: { type: 'int', min: 1, doc: 'size of the last axis of a' },
    in2_features: { type: 'int', min: 1, doc: 'size of the last axis of b' },
    out_features: { type: 'int', min: 1, doc: 'size of the last axis of the output' },
    bias: { type: 'bool', default: true, doc: 'adds a trainable bias c' },
  },
  build(cx, { in1_features: n, in2_features: m, out_features, bias }, x, y = x) {
    const { b } = cx;
    const [p, q] = [b.shape(x), b.shape(y)];
    if (p.at(-1) !== n || q.at(-1) !== m || !sameShape(p.slice(0, -1), q.slice(0, -1)))
      return problem('NN203', `${cx.text} takes [*, ${n}] and [*, ${m}], and ${showShape(p)} and ${showShape(q)} flow in`);
    const bound = 1 / Math.sqrt(n);
    const init = { kind: 'uniform', low: -bound, high: bound } as const;
    const w = cx.param('weight', [out_features, n, m], init);
    const lead = 'abcdefgh'.slice(0, p.length - 1);
    const half = b.contract(`${lead}x,zxy->${lead}zy`, x, w);
    const out = b.contract(`${lead}zy,${lead}y->${lead}z`, half, y);
    if (!bias) return out;
    const shape = b.shape(out);
    return b.op('add', out, b.broadcast(cx.param('bias', [out_features], init), shape, [shape.length - 1]));
  },
});
