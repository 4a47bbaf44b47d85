import type { Random } from './random.ts';

/** What flows: the shape of one example. */
export type Flowing = readonly number[];

/** A stage, and what flows out of it. */
export interface Step {
  readonly text: string;
  readonly shape: Flowing;
}

export const ACTIVATIONS = [
  'relu',
  'tanh',
  'sigmoid',
  'gelu',
  'silu',
  'softplus',
  'elu',
  'mish',
  'hardswish',
  'leaky_relu(0.1)',
  'softsign',
  'selu',
  'celu',
  'hardtanh',
  'relu6',
  'hardsigmoid',
  'logsigmoid',
  'tanhshrink',
  'softshrink',
  'erf',
  'atan',
] as const;

/** Layers and functions for what has so many axes, each as a stage that is drawn when it is picked. */
export function layersFor(r: Random, shape: Flowing): (() => Step)[] {
  return shape.length === 1 ? vectors(r, shape) : shape.length === 2 ? sequences(r, shape) : images(r, shape);
}

function vectors(r: Random, [n = 1]: Flowing): (() => Step)[] {
  // Now and then so many that kernels are cut into pieces.
  const m = r.unit() < 0.1 ? r.int(17, 40) : r.int(1, 6);
  const k = r.int(1, n);
  const all: (() => Step)[] = [
    () => ({ text: `Linear(${n}, ${m}${r.pick(['', '', ', bias=false', ', init=orthogonal'])})`, shape: [m] }),
    () => ({ text: `LayerNorm(${n}, eps=0.1)`, shape: [n] }),
    () => ({ text: `BatchNorm1d(${n}, eps=0.1${r.pick(['', ', momentum=0.3', ', affine=false'])})`, shape: [n] }),
    () => ({ text: r.pick(['softmax', 'log_softmax', 'normalize(eps=0.5)', 'cumsum', 'cummax', 'flip', 'roll(1)']), shape: [n] }),
    () => ({ text: `Linear(${n}, ${2 * m}) -> glu`, shape: [m] }),
    () => ({ text: `LayerNorm(${n}, eps=0.1) -> unsqueeze(2) -> amax(dim=2)`, shape: [n] }),
    () => ({ text: `${r.pick(['logsumexp', 'mean', 'var', 'amin'])}(dim=1, keepdim=true) -> tile([${n}])`, shape: [n] }),
    () => ({
      text: `LayerNorm(${n}, eps=0.1) -> unsqueeze(1) -> MaxPool1d(${Math.min(2, n)}, stride=1) -> flatten`,
      shape: [n - Math.min(2, n) + 1],
    }),
    () => ({ text: r.pick([`pad([1, 0], value=0.5)`, `concat(tanh, sigmoid[:, 0:1])`]), shape: [n + 1] }),
    () => ({ text: `unsqueeze(1) -> unfold(2, ${k}, 1)`, shape: [1, n - k + 1, k] }),
    () => ({ text: 'masked_fill(tanh, sigmoid > 0.5, 0.25)', shape: [n] }),
    () => ({ text: `one_hot(argmax, ${n}) * tanh`, shape: [n] }),
  ];
  if (n % 2 === 0) all.push(() => ({ text: `unflatten(1, [2, ${n / 2}])`, shape: [2, n / 2] }));
  return all;
}

function sequences(r: Random, [t = 1, d = 1]: Flowing): (() => Step)[] {
  const shape = [t, d];
  const m = r.pick([2, 4]);
  const kernel = Math.min(2, d);
  const heads = d % 2 === 0 ? 2 : 1;
  const recurrent = (): Step => {
    const cell = r.pick(['GRU', 'LSTM', 'RNN']);
    const [options, size] = r.pick([
      ['', m],
      [', bidirectional=true', 2 * m],
      [', num_layers=2', m],
      [', bias=false', m],
    ] as const);
    const last = r.unit() < 0.3;
    return { text: `${cell}(${d}, ${m}${options}${last ? ', last=true' : ''})`, shape: last ? [size] : [t, size] };
  };
  const loop = (): Step => {
    const next = r.pick([
      `fc: Linear(${d}, ${m}) + (h -> hh: Linear(${m}, ${m})) -> tanh`,
      `fc: Linear(${d}, ${m}) + 0.5 * h -> sin`,
      `fc: Linear(${d}, ${m}) * sigmoid(h) -> softmax`,
    ]);
    // A single number does for what works element by element.
    const start = r.pick([`zeros(${m})`, `ones(${m})`, ...(next.includes('hh:') ? [] : ['0.5'])]);
    const last = r.unit() < 0.3;
    return {
      text: `scan(${next}, h=${start}${r.unit() < 0.3 ? ', reverse=true' : ''}${last ? ', last=true' : ''})`,
      shape: last ? [m] : [t, m],
    };
  };
  const all: (() => Step)[] = [
    loop,
    () => ({ text: `Linear(${d}, ${m})`, shape: [t, m] }),
    () => ({
      text: r.pick([`RMSNorm(${d}, eps=0.1)`, `LayerNorm([${t}, ${d}], eps=0.1)`, ...(d > 1 ? [`InstanceNorm1d(${t}, eps=0.1)`] : [])]),
      shape,
    }),
    () => ({ text: `MultiheadAttention(${d}, ${heads}, causal=${r.pick(['true', 'false'])})`, shape }),
    () => ({ text: `TransformerEncoderLayer(${d}, ${heads}, dim_feedforward=3, dropout=0, layer_norm_eps=0.1)`, shape }),
    recurrent,
    recurrent,
    () => ({ text: 'transpose(1, 2)', shape: [d, t] }),
    () => ({ text: r.pick(['mean(dim=1)', 'amax(dim=1)', 'sum(dim=1)', 'logsumexp(dim=1)']), shape: [d] }),
    () => ({ text: `Conv1d(${t}, ${m}, ${kernel})`, shape: [m, d - kernel + 1] }),
    () => ({ text: `Conv1d(${t}, ${m}, ${kernel}, dilation=3, padding=3)`, shape: [m, d + 6 - 3 * (kernel - 1)] }),
    () => ({ text: r.pick(['softmax(dim=1)', 'flip(dim=1)', 'cumsum(dim=1)', 'tril', 'roll(1, dim=1)']), shape }),
  ];
  if (d % 2 === 0 && heads === 2 && (d / 2) % 2 === 0) all.push(() => ({ text: 'rotary(heads=2)', shape }));
  return all;
}

function images(r: Random, [c = 1, h = 1, w = 1]: Flowing): (() => Step)[] {
  const m = r.int(1, 3);
  const k = Math.min(3, h, w);
  const same = [c, h, w];
  const half = (n: number): number => Math.floor((n - 2) / 2) + 1;
  const all: (() => Step)[] = [
    () => ({ text: `Conv2d(${c}, ${m}, ${k}, padding=1)`, shape: [m, h + 3 - k, w + 3 - k] }),
    () => ({ text: `Conv2d(${c}, ${c * m}, ${k}, padding=same, groups=${c})`, shape: [c * m, h, w] }),
    () => ({ text: `Conv2d(${c}, ${m}, 2, padding=1, stride=2)`, shape: [m, half(h + 2), half(w + 2)] }),
    () => ({ text: `Conv2d(${c}, ${m}, 2, padding=2, dilation=3)`, shape: [m, h + 1, w + 1] }),
    () => ({ text: `GroupNorm(1, ${c}, eps=0.1)`, shape: same }),
    () => ({ text: `BatchNorm2d(${c}, eps=0.1)`, shape: same }),
    () => ({ text: `LocalResponseNorm(2, alpha=0.5)`, shape: same }),
    () => ({ text: 'flatten', shape: [c * h * w] }),
    () => ({ text: r.pick(['flatten(start_dim=2)', `flatten(start_dim=2) -> softmax`]), shape: [c, h * w] }),
    () => ({ text: `permute([0, 2, 3, 1])`, shape: [h, w, c] }),
    () => ({ text: `${r.pick(['AdaptiveAvgPool2d', 'AdaptiveMaxPool2d'])}([2, 1])`, shape: [c, 2, 1] }),
    () => ({
      text: `Conv2d(${c}, ${m}, ${k}, padding=same, padding_mode=${r.pick(['zeros', 'reflect', 'replicate', 'circular'])})`,
      shape: [m, h, w],
    }),
    () => ({ text: 'Dropout2d(0.3)', shape: same }),
    () => ({ text: 'Upsample(size=[3, 4], mode=bicubic)', shape: [c, 3, 4] }),
    () => ({ text: `mean(dim=[2, 3])`, shape: [c] }),
  ];
  if (h >= 2 && w >= 2) {
    all.push(() => ({ text: `InstanceNorm2d(${c}, eps=0.1${r.pick(['', ', affine=true'])})`, shape: same }));
    const reaching = [c, Math.floor(h / 2) + 1, Math.floor(w / 2) + 1];
    all.push(
      () => ({ text: 'MaxPool2d(2, padding=1, ceil_mode=true)', shape: reaching }),
      () => ({ text: 'AvgPool2d(2, padding=1, ceil_mode=true, count_include_pad=false)', shape: reaching }),
      () => ({ text: `${r.pick(['Reflection', 'Replication', 'Circular', 'Zero'])}Pad2d([1, 0, 0, 1])`, shape: [c, h + 1, w + 1] }),
      () => ({ text: 'Unfold(2)', shape: [4 * c, (h - 1) * (w - 1)] }),
      () => ({ text: `MaxPool2d(2)`, shape: [c, half(h), half(w)] }),
      () => ({ text: `AvgPool2d(2, stride=1)`, shape: [c, h - 1, w - 1] }),
    );
  }
  if (h <= 3 && w <= 3)
    all.push(
      () => ({ text: `ConvTranspose2d(${c}, ${m}, 2, stride=2)`, shape: [m, 2 * h, 2 * w] }),
      () => ({ text: `ConvTranspose2d(${c}, ${c}, 2, groups=${c}, dilation=2)`, shape: [c, h + 2, w + 2] }),
      () => ({ text: `Upsample(2${r.unit() < 0.5 ? ', mode=bilinear' : ''})`, shape: [c, 2 * h, 2 * w] }),
    );
  if (c === 4) all.push(() => ({ text: 'PixelShuffle(2)', shape: [1, 2 * h, 2 * w] }));
  return all;
}
