import { ACTIVATIONS, layersFor, type Flowing, type Step } from './random-layers.ts';
import { randomLoss, randomMetric, randomOptimizer, randomRun, type Goal } from './random-training.ts';
import { Random } from './random.ts';

/**
 * A random well-typed program: layers, blocks, functions, residuals, repeats, shared values, several inputs, masks, indices, text; a loss,
 * an optimizer with schedules and groups, and settings of the run.
 */
export function randomProgram(seed: number): string {
  return new Writer(new Random(seed)).program();
}

class Writer {
  private readonly defs: string[] = [];
  private readonly inputs: string[] = [];
  private readonly r: Random;

  constructor(r: Random) {
    this.r = r;
  }

  program(): string {
    const { r } = this;
    const kind = r.pick(['vector', 'vector', 'image', 'sequence', 'tokens', 'text'] as const);
    const whole = kind === 'tokens' || kind === 'text';
    const shapes = {
      vector: [r.int(1, 6)],
      image: [r.int(1, 3), r.int(4, 6), r.int(4, 6)],
      sequence: [r.int(2, 4), r.pick([2, 4, 6])],
      tokens: [r.int(2, 4)],
      text: [r.int(2, 4)],
    } as const;
    let shape: Flowing = shapes[kind];
    this.inputs.push(`input x: ${whole ? 'int' : ''}[${shape.join(', ')}]`);
    const stages: string[] = [];
    if (whole) {
      const d = r.pick([2, 4]);
      stages.push(r.unit() < 0.5 ? `Embedding(5, ${d})` : `e: Embedding(5, ${d}) + p: Positions(${shape[0] ?? 1}, ${d})`);
      shape = [...shape, d];
    }
    const n = r.int(2, 5);
    for (let i = 0; i < n; i++) {
      const step = kind === 'text' ? this.alongText(shape) : this.step(shape, 2);
      stages.push(step.text);
      ({ shape } = step);
    }
    if (shape.length > 1 && kind !== 'text') {
      stages.push('flatten');
      shape = [shape.reduce((a, b) => a * b, 1)];
    }
    const goal: Goal = kind === 'text' ? 'classes' : r.unit() < 0.3 ? 'class' : 'numbers';
    const out = goal === 'numbers' ? r.int(1, 3) : r.int(2, 4);
    stages.push(`head: Linear(${shape.at(-1) ?? 1}, ${out})`);
    const lines = [`layer ${stages.join('\n  -> ')}`, randomLoss(r, goal, 'head.weight')];
    if (r.unit() < 0.3) lines.push(randomMetric(r, goal));
    lines.push(randomOptimizer(r), randomRun(r));
    return `${[...this.defs, ...this.inputs, ...lines].join('\n')}\n`;
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
        () => this.context(shape),
      );
    if (shape.length === 2) choices.push(() => this.masked(shape));
    choices.push(...layersFor(r, shape));
    return r.pick(choices)();
  }

  /** A stage of a language model: the places stay. */
  private alongText(shape: Flowing): Step {
    const { r } = this;
    const [t = 1, d = 1] = shape;
    const h = d % 2 === 0 ? 2 : 1;
    return r.pick([
      () => ({ text: `residual(LayerNorm(${d}, eps=0.1) -> MultiheadAttention(${d}, ${h}, causal=true))`, shape }),
      () => ({ text: `TransformerEncoderLayer(${d}, ${h}, dim_feedforward=5, causal=true, dropout=0, norm_first=true)`, shape }),
      () => ({ text: `${r.pick(['GRU', 'LSTM', 'RNN'])}(${d}, ${d})`, shape }),
      () => this.masked(shape),
      () => this.repeat(shape, 1),
      () => this.block([t, d], 1),
    ])();
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
        : r.pick([
            `Linear(${last}, ${last})`,
            `Linear(${last}, 3) -> ${r.pick(ACTIVATIONS)} -> Linear(3, ${last})`,
            ...(shape.length === 2 ? [`${r.pick(['GRU', 'RNN'])}(${last}, ${last})`] : []),
          ]);
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
      'masked_fill(x, x > a, 0.25 * a)',
      'where(x > -a, x, 0) + where(x < a, tanh(x), 0)',
      'where(any(x > a, dim=-1, keepdim=true), x, a * x)',
      'log1p(exp(a * x)) - expm1(-square(x))',
    ]);
    this.defs.push(`fn ${name}(x, a=0.5) = ${body}`);
    return { text: this.r.unit() < 0.5 ? name : `${name}(a=${this.r.pick(['0.25', '1.5'])})`, shape };
  }

  private block(shape: Flowing, depth: number): Step {
    const { r } = this;
    if (r.unit() < 0.15)
      return this.define(shape, '', ['let s, places = sort(x)', r.pick(['s * tanh(x)', 'x + where(places == 0, s, 0.5)'])]);
    // The value is used twice or more: gradients meet.
    return this.define(shape, '', [
      `let h = x -> ${this.keeping(shape, depth - 1)}`,
      `let g = h -> ${r.pick(ACTIVATIONS)}`,
      r.pick(['h * g + x', 'x + h - 0.5 * g', 'where(g > h, g, h)', 'x * (g - h)']),
    ]);
  }

  /** A second input: numbers, a class, or indices into what flows. */
  private context(shape: Flowing): Step {
    const { r } = this;
    const [n = 1, ...rest] = shape;
    const spread = rest.map((_, i) => ` -> unsqueeze(${i + 2})`).join('');
    const k = r.int(1, 3);
    const numbers = (): Step =>
      this.define(shape, this.input(`[${k}]`), [
        `let g = c -> gate: Linear(${k}, ${n}) -> sigmoid${spread}`,
        r.pick(['x * g', 'x - g', 'x + g * tanh(x)']),
      ]);
    const label = (): Step =>
      this.define(shape, this.input('int[]'), [
        r.pick([`let e = c -> Embedding(3, ${n})${spread}`, `let e = one_hot(c, 3) -> Linear(3, ${n})${spread}`]),
        'x + e',
      ]);
    const picked = (): Step =>
      this.define(shape, this.input(`int[${n}]`), [
        r.pick(['x + gather(x, c, dim=1)', 'tanh(x) * where(c == 1, x, 0.5)', 'scatter_add(x, c, 0.5 * x, dim=1)']),
      ]);
    return r.pick(shape.length === 1 && n >= 2 ? [numbers, label, picked] : [numbers, label])();
  }

  /** Attention that does not see everything: boolean masks and ones that are added, from an input or from what flows. */
  private masked(shape: Flowing): Step {
    const { r } = this;
    const [t = 1, d = 1] = shape;
    const heads = d % 2 === 0 ? 2 : 1;
    const qkv = [`let q = x -> q: Linear(${d}, ${d})`, `let k = x -> k: Linear(${d}, ${d})`];
    return r.pick([
      () =>
        this.define(shape, this.input(`[${t}, ${t}]`), [
          ...qkv,
          `attention(q, k, x, ${heads}, mask=${r.pick(['c', `max(c, eye(${t})) > 0`])})`,
        ]),
      () =>
        this.define(shape, this.input(`[${t}]`), [
          `x -> MultiheadAttention(${d}, ${heads}, key_padding_mask=max(c, c[:, 0:1] + 0.1) > c[:, 0:1])`,
        ]),
      () => this.define(shape, '', [...qkv, `attention(q, k, tanh(x), ${heads}, mask=tril(ones(${t}, ${t})) > 0)`]),
    ])();
  }

  private input(type: string): string {
    const name = `c${this.inputs.length}`;
    this.inputs.push(`input ${name}: ${type}`);
    return name;
  }

  /** A stage that is a block of its own, with a second input as its argument. */
  private define(shape: Flowing, input: string, body: readonly string[]): Step {
    const name = `Block${this.defs.length}`;
    this.defs.push(`block ${name}(${input ? 'c' : ''}) {\n${body.map((line) => `  ${line}`).join('\n')}\n}`);
    return { text: `${name}(${input})`, shape };
  }
}
