import { showShape } from '../../base/types.ts';
import { layer, problem } from './layer.ts';

/** Krizhevsky et al., 2012, with the sum divided by size as PyTorch has it. */
export const LocalResponseNorm = layer({
  doc: 'x / (k + alpha * mean of x^2 over neighbouring channels)^beta; missing neighbours count as 0',
  torch: 'torch.nn.LocalResponseNorm',
  parameters: {
    size: { type: 'int', min: 1, doc: 'number of neighbouring channels (axis 1)' },
    alpha: { type: 'number', default: 1e-4, doc: 'factor of the mean of squares' },
    beta: { type: 'number', default: 0.75, doc: 'exponent' },
    k: { type: 'number', default: 1, doc: 'additive constant' },
  },
  keepsShape: true,
  build({ b, text }, { size, alpha, beta, k }, x) {
    const shape = b.shape(x);
    if (shape.length < 3) return problem('NN203', `${text} takes [B, channels, places...], and ${showShape(shape)} flows in`);
    const [before, behind] = [Math.floor(size / 2), Math.floor((size - 1) / 2)];
    const ends = (n: number): number[] => shape.map((_, i) => (i === 1 ? n : 0));
    const square = b.op('mul', x, x);
    const padded = before > 0 ? b.add('pad', [square], { low: ends(before), high: ends(behind), value: 0 }) : square;
    const near = b.sum(b.add('window', [padded], { axis: 1, size, stride: 1, dilation: 1 }), [shape.length]);
    const base = b.op('add', b.op('mul', near, b.like(alpha / size, near)), b.like(k, near));
    return b.op('div', x, b.op('pow', base, b.like(beta, base)));
  },
});
