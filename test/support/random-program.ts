import { Random } from './random.ts';

/** What flows: the shape of one example. */
type Flowing = readonly number[];

interface Step {
  readonly text: string;
  readonly shape: Flowing;
}

const ACTIVATIONS = [
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
];

/** A random well-typed program: layers, blocks, functions, residuals, repeats, shared values, several inputs; a loss and an optimizer. */
export function randomProgram(seed: number): string {
  return new Writer(new Random(seed)).program();
}

class Writer {
  private readonly defs: string[] = [];
  private readonly r: Random;

  constructor(r: Random) {
    this.r = r;
  }

  program(): string {
    const { r } = this;
    const kind = r.pick(['vector', 'vector', 'image', 'sequence', 'tokens'] as const);
    const shapes = {
      vector: [r.int(1, 6)],
      image: [r.int(1, 3), r.int(4, 6), r.int(4, 6)],
      sequence: [r.int(2, 4), r.pick([2, 4, 6])],
      tokens: [r.int(2, 4)],
    } as const;
    let shape: Flowing = shapes[kind];
    const lines = [`input x: ${kind === 'tokens' ? 'int' : ''}[${shape.join(', ')}]`];
    const stages: string[] = [];
    if (kind === 'tokens') {
      const d = r.pick([2, 4]);
      stages.push(r.unit() < 0.5 ? `Embedding(5, ${d})` : `e: Embedding(5, ${d}) + p: Positions(${shape[0] ?? 1}, ${d})`);
      shape = [...shape, d];
    }
    const n = r.int(2, 5);
    for (let i = 0; i < n; i++) {
      const step = this.step(shape, 2);
      stages.push(step.text);
      ({ shape } = step);
    }
    if (shape.length > 1) {
      stages.push('flatten');
      shape = [shape.reduce((a, b) => a * b, 1)];
    }
    const labels = r.unit() < 0.3;
    const out = labels ? r.int(2, 4) : r.int(1, 3);
    stages.push(`Linear(${shape[0] ?? 1}, ${out})`);
    lines.push(`layer ${stages.join('\n  -> ')}`);
    lines.push(
      `loss ${labels ? r.pick(['cross_entropy', 'cross_entropy(label_smoothing=0.1)']) : r.pick(['mse', 'l1', 'huber(delta=0.5)', 'mean(sin(pred - target)^2)', 'smooth_l1'])}`,
    );
    if (r.unit() < 0.3) lines.push(labels ? 'metric perplexity' : 'metric mae');
    lines.push(
      `optim ${r.pick(['sgd lr=0.1', 'sgd lr=0.1 momentum=0.9 weight_decay=0.01 no_decay=bias', 'sgd lr=cosine(0.1) clip=0.5', 'rmsprop lr=0.01 eps=0.1', 'adamw lr=0.01 eps=0.1'])}`,
    );
    lines.push('train steps=2');
    return `${[...this.defs, ...lines].join('\n')}\n`;
  }

  /** One stage for what flows. `depth` bounds how deep definitions nest. */
  private step(shape: Flowing, depth: number): Step {
    const { r } = this;
    const choices: (() => Step)[] = [() => ({ text: r.pick(ACTIVATIONS), shape }), () => this.arithmetic(shape)];
    if (depth > 0)
      choices.push(
        () => this.residual(shape, depth),
        () => this.block(shape, depth),
        () => this.repeat(shape, depth),
        () => this.fn(shape),
      );
    choices.push(...(shape.length === 1 ? this.vectors(shape) : shape.length === 2 ? this.sequences(shape) : this.images(shape)));
    return r.pick(choices)();
  }

  private vectors([n = 1]: Flowing): (() => Step)[] {
    const { r } = this;
    const m = r.int(1, 6);
    return [
      () => ({ text: `Linear(${n}, ${m}${r.unit() < 0.3 ? ', bias=false' : ''})`, shape: [m] }),
      () => ({ text: `LayerNorm(${n}, eps=0.1)`, shape: [n] }),
      () => ({ text: `BatchNorm1d(${n}, eps=0.1)`, shape: [n] }),
      () => ({ text: 'softmax', shape: [n] }),
      () => ({ text: `Linear(${n}, ${2 * m}) -> glu`, shape: [m] }),
      () => ({ text: 'cumsum', shape: [n] }),
      () => ({ text: `LayerNorm(${n}, eps=0.1) -> unsqueeze(2) -> amax(dim=2)`, shape: [n] }),
      () => ({
        text: `LayerNorm(${n}, eps=0.1) -> unsqueeze(1) -> MaxPool1d(${Math.min(2, n)}, stride=1) -> flatten`,
        shape: [n - Math.min(2, n) + 1],
      }),
    ];
  }

  private sequences([t = 1, d = 1]: Flowing): (() => Step)[] {
    const { r } = this;
    const shape = [t, d];
    const m = r.pick([2, 4]);
    return [
      () => ({ text: `Linear(${d}, ${m})`, shape: [t, m] }),
      () => ({ text: `RMSNorm(${d}, eps=0.1)`, shape }),
      () => ({ text: `MultiheadAttention(${d}, ${d % 2 === 0 ? 2 : 1}, causal=${r.pick(['true', 'false'])})`, shape }),
      () => ({ text: `${r.pick(['GRU', 'LSTM', 'RNN'])}(${d}, ${m})`, shape: [t, m] }),
      () => ({ text: 'transpose(1, 2)', shape: [d, t] }),
      () => ({ text: 'mean(dim=1)', shape: [d] }),
      () => ({ text: `Conv1d(${t}, ${m}, ${Math.min(2, d)})`, shape: [m, d - Math.min(2, d) + 1] }),
      () => ({ text: 'softmax(dim=1)', shape }),
    ];
  }

  private images([c = 1, h = 1, w = 1]: Flowing): (() => Step)[] {
    const { r } = this;
    const m = r.int(1, 3);
    const k = Math.min(3, h, w);
    const half = (n: number): number => Math.floor((n - 2) / 2) + 1;
    const all: (() => Step)[] = [
      () => ({ text: `Conv2d(${c}, ${m}, ${k}, padding=1)`, shape: [m, h + 3 - k, w + 3 - k] }),
      () => ({ text: `GroupNorm(1, ${c}, eps=0.1)`, shape: [c, h, w] }),
      () => ({ text: `BatchNorm2d(${c}, eps=0.1)`, shape: [c, h, w] }),
      () => ({ text: 'flatten', shape: [c * h * w] }),
      () => ({ text: `AdaptiveAvgPool2d([2, 1])`, shape: [c, 2, 1] }),
      () => ({ text: 'AdaptiveMaxPool2d([2, 1])', shape: [c, 2, 1] }),
      () => ({
        text: `Conv2d(${c}, ${m}, ${k}, padding=same, padding_mode=${r.pick(['zeros', 'reflect', 'replicate', 'circular'])})`,
        shape: [m, h, w],
      }),
      () => ({ text: 'Dropout2d(0.3)', shape: [c, h, w] }),
      () => ({ text: 'Upsample(size=[3, 4], mode=bicubic)', shape: [c, 3, 4] }),
    ];
    if (h >= 2 && w >= 2) {
      const reaching = [c, Math.floor(h / 2) + 1, Math.floor(w / 2) + 1];
      all.push(
        () => ({ text: 'MaxPool2d(2, padding=1, ceil_mode=true)', shape: reaching }),
        () => ({ text: 'AvgPool2d(2, padding=1, ceil_mode=true, count_include_pad=false)', shape: reaching }),
        () => ({ text: `${r.pick(['Reflection', 'Replication', 'Circular', 'Zero'])}Pad2d([1, 0, 0, 1])`, shape: [c, h + 1, w + 1] }),
        () => ({ text: 'Unfold(2)', shape: [4 * c, (h - 1) * (w - 1)] }),
      );
    }
    if (h >= 2 && w >= 2)
      all.push(
        () => ({ text: `MaxPool2d(2)`, shape: [c, half(h), half(w)] }),
        () => ({ text: `AvgPool2d(2, stride=1)`, shape: [c, h - 1, w - 1] }),
      );
    if (h <= 3 && w <= 3)
      all.push(
        () => ({ text: `ConvTranspose2d(${c}, ${m}, 2, stride=2)`, shape: [m, 2 * h, 2 * w] }),
        () => ({ text: `Upsample(2${r.unit() < 0.5 ? ', mode=bilinear' : ''})`, shape: [c, 2 * h, 2 * w] }),
      );
    return all;
  }

  private arithmetic(shape: Flowing): Step {
    const { r } = this;
    const a = r.pick(ACTIVATIONS);
    return { text: r.pick([`(${a} * 0.5 + 0.25)`, `(${a} - ${r.pick(ACTIVATIONS)})`, `(${a} * tanh)`, '-sigmoid']), shape };
  }

  /** A stage that keeps the shape, for what must come out as it went in. */
  private keeping(shape: Flowing, depth: number): string {
    const { r } = this;
    const [first = 1] = shape;
    const last = shape.at(-1) ?? 1;
    const inner =
      shape.length === 3
        ? `Conv2d(${first}, ${first}, 3, padding=1)`
        : r.pick([`Linear(${last}, ${last})`, `Linear(${last}, 3) -> ${r.pick(ACTIVATIONS)} -> Linear(3, ${last})`]);
    return depth > 0 && r.unit() < 0.3 ? `${inner} -> ${this.residual(shape, depth - 1).text}` : `${inner} -> ${r.pick(ACTIVATIONS)}`;
  }

  private residual(shape: Flowing, depth: number): Step {
    return { text: `residual(${this.keeping(shape, depth - 1)})`, shape };
  }

  private repeat(shape: Flowing, depth: number): Step {
    const { r } = this;
    return { text: r.unit() < 0.7 ? `repeat 2 (${this.keeping(shape, depth - 1)})` : `share(${this.keeping(shape, 0)})`, shape };
  }

  private fn(shape: Flowing): Step {
    const name = `f${this.defs.length}`;
    const body = this.r.pick([
      'x * sigmoid(a * x)',
      'where(x > a, x, 0.1 * x)',
      'max(x, -x) * a',
      'x / (1 + square(x)) + a',
      'sin(x) + a * cos(x)',
      'x * detach(sin(x)) + a',
      'a * x - amax(x, dim=-1, keepdim=true)',
      'min(x, a) + max(x, amin(x, dim=-1, keepdim=true) + a)',
    ]);
    this.defs.push(`fn ${name}(x, a=0.5) = ${body}`);
    return { text: this.r.unit() < 0.5 ? name : `${name}(a=${this.r.pick(['0.25', '1.5'])})`, shape };
  }

  private block(shape: Flowing, depth: number): Step {
    const { r } = this;
    const name = `Block${this.defs.length}`;
    // The value is used twice or more: gradients meet.
    const body = [
      `  let h = x -> ${this.keeping(shape, depth - 1)}`,
      `  let g = h -> ${r.pick(ACTIVATIONS)}`,
      `  ${r.pick(['h * g + x', 'x + h - 0.5 * g', 'where(g > h, g, h)', 'x * (g - h)'])}`,
    ];
    this.defs.push(`block ${name}() {\n${body.join('\n')}\n}`);
    return { text: `${name}()`, shape };
  }
}
