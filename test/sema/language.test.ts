import { describe, expect, it } from 'vitest';
import { gradcheck } from '../../src/gradcheck.ts';
import { compile } from '../../src/compile.ts';
import { DEVICES } from '../support/devices.ts';
import { News } from '../support/news.ts';
import { lossesOf, model, running } from '../support/programs.ts';
import { Random } from '../support/random.ts';

/** Programs with everything that the language has: their parameters' names, their gradients, and the same losses everywhere. */
interface Case {
  readonly name: string;
  readonly text: string;
  readonly params: string;
}

const END = '\nloss mse\noptim sgd lr=0.01\ntrain steps=3';
const CASES: readonly Case[] = [
  {
    name: 'a block with named and unnamed stages',
    text: `block Mlp(d) { Linear(d, 2*d) -> gelu -> out: Linear(2*d, d) }\nlayer Linear(3, 4) -> Mlp(4) -> m: Mlp(4)${END}`,
    params: '0.weight 0.bias 1.0.weight 1.0.bias 1.out.weight 1.out.bias m.0.weight m.0.bias m.out.weight m.out.bias',
  },
  {
    name: 'residual, which adds no level',
    text: `layer Linear(3, 4) -> residual(Linear(4, 4) -> tanh) -> Linear(4, 1)${END}`,
    params: '0.weight 0.bias 1.weight 1.bias 3.weight 3.bias',
  },
  {
    name: 'repeat, whose copies have weights of their own',
    text: `block B(d) { fc: Linear(d, d) }\nlayer Linear(3, 4) -> blocks: repeat 2 B(4) -> repeat 2 (Linear(4, 4) -> relu)${END}`,
    params:
      '0.weight 0.bias blocks.0.fc.weight blocks.0.fc.bias blocks.1.fc.weight blocks.1.fc.bias 2.0.0.weight 2.0.0.bias 2.1.0.weight 2.1.0.bias',
  },
  {
    name: 'share, which uses one set twice',
    text: `let s = share(Linear(4, 4))\nlayer Linear(3, 4) -> s -> tanh -> s -> Linear(4, 1)${END}`,
    params: '0.weight 0.bias s.weight s.bias 4.weight 4.bias',
  },
  {
    name: 'lifted arithmetic on stages',
    text: `layer a: Linear(3, 4) + b: Linear(3, 4) -> tanh * 2 - 0.5 -> c: Linear(4, 1)${END}`,
    params: 'a.weight a.bias b.weight b.bias c.weight c.bias',
  },
  {
    name: 'a function, as a stage and in an expression',
    text: `fn swish(x, beta=1) = x * sigmoid(beta * x)\nlayer Linear(3, 4) -> swish -> swish(beta=2) -> Linear(4, 1)${END}`,
    params: '0.weight 0.bias 1.weight 1.bias',
  },
  {
    name: 'params and a loss written out',
    text: 'param scale: [4] = ones\nparam shift = 0.5\ninput x: [3]\nlayer Linear(3, 4) * scale + shift -> tanh -> Linear(4, 2)\nloss mean((pred - target)^2) + 1e-3 * sum(scale^2)\noptim adam lr=0.01\ntrain steps=3',
    params: 'scale shift 0.weight 0.bias 2.weight 2.bias',
  },
  {
    name: 'values used several times, indexing and where',
    text: `input x: [6]\nblock Gate(d) {\n  let a, b = x -> split(2)\n  let c = where(a > 0, a, 0.1 * a) + max(a, b)\n  concat(c, x[:, 0:1]) -> Linear(d + 1, 2)\n}\nlayer Gate(3)${END}`,
    params: '0.0.weight 0.0.bias',
  },
  {
    name: 'convolutions and pooling',
    text: `input x: [2, 9, 8]\nlayer Conv2d(2, 4, 3, stride=2, padding=1) -> relu -> AvgPool2d(2) -> Conv2d(4, 4, [1, 2], groups=2) -> GroupNorm(2, 4) -> flatten -> Linear(8, 1)${END}`,
    params: '0.weight 0.bias 3.weight 3.bias 4.weight 4.bias 6.weight 6.bias',
  },
  {
    name: 'a sequence',
    text: `input x: [2, 11]\nlayer Conv1d(2, 3, 3, dilation=2) -> elu -> MaxPool1d(3, stride=2) -> flatten -> Linear(9, 1)${END}`,
    params: '0.weight 0.bias 4.weight 4.bias',
  },
  {
    name: 'attention over tokens',
    text: `block Attend(d) {\n  let q, k, v = x -> qkv: Linear(d, 3*d) -> split(3)\n  attention(q, k, v, 2, causal=true)\n}\ninput t: int[5]\nlayer tok: Embedding(7, 4) + pos: Positions(5, 4) -> RMSNorm(4) -> Attend(4) -> Linear(4, 7)\nloss cross_entropy(label_smoothing=0.1)\noptim adamw lr=linear(0.01, warmup=2) clip=0.5\ntrain steps=3`,
    params: 'tok.weight pos.weight 1.weight 2.qkv.weight 2.qkv.bias 3.weight 3.bias',
  },
  {
    name: 'reductions of every kind',
    text: `input x: [4, 3]\nlayer x - mean(x, dim=-1, keepdim=true) -> softplus -> cumsum(dim=1) -> log1p -> reshape([12]) -> norm(dim=1, keepdim=true) -> Linear(1, 1)${END}`,
    params: '5.weight 5.bias',
  },
  {
    name: 'products, exponentials and products of matrices',
    text: `input x: [3, 3]\nlayer x @ transpose(x, 1, 2) / 4 -> tanh -> logsumexp -> square -> sqrt -> Linear(3, 1) -> prod(dim=1) -> reshape([1])${END}`,
    params: '4.weight 4.bias',
  },
  {
    name: 'normalisation with running statistics',
    text: `input x: [2, 5, 4]\nlayer Conv2d(2, 3, 3, bias=false) -> bn: BatchNorm2d(3) -> relu -> flatten -> Linear(18, 4) -> BatchNorm1d(4) -> Linear(4, 1)${END}`,
    params: '0.weight bn.weight bn.bias 4.weight 4.bias 5.weight 5.bias 6.weight 6.bias',
  },
  {
    name: 'up and down: a small U-Net',
    text: `block Down(i, o) { Conv2d(i, o, 3, padding=1) -> InstanceNorm2d(o) -> silu }
block Unet(c) {
  let a = x -> d1: Down(1, c)
  let b = a -> MaxPool2d(2) -> d2: Down(c, 2*c)
  let u = b -> up: ConvTranspose2d(2*c, c, 2, stride=2)
  concat(u, a, dim=1) -> out: Conv2d(2*c, 1, 1)
}
input x: [1, 4, 4]
layer Unet(2)${END}`,
    params: '0.d1.0.weight 0.d1.0.bias 0.d2.0.weight 0.d2.0.bias 0.up.weight 0.up.bias 0.out.weight 0.out.bias',
  },
  {
    name: 'borders of every kind, windows that reach over the end, and statistics of examples',
    text: `input x: [4, 5, 6]
layer Conv2d(4, 4, 3, padding=same, padding_mode=reflect) -> Dropout2d(0.2) -> InstanceNorm2d(4, affine=true, track_running_stats=true)
  -> MaxPool2d(3, stride=2, padding=1, ceil_mode=true) -> LocalResponseNorm(3, alpha=0.5) -> Upsample(size=[5, 3], mode=bicubic)
  -> Conv2d(4, 2, 2, padding=1, padding_mode=circular) -> AvgPool2d(3, stride=2, padding=1, ceil_mode=true, count_include_pad=false)
  -> ReplicationPad2d([1, 0, 0, 2]) -> LPPool2d(2, 2) -> AdaptiveMaxPool2d([2, 1]) -> flatten -> Linear(4, 1)${END}`,
    params: '0.weight 0.bias 2.weight 2.bias 6.weight 6.bias 12.weight 12.bias',
  },
  {
    name: 'values that go back to where they stood, and places that become channels',
    text: `block Back(c) {
  let v, i = MaxPool2d(x, 2, return_indices=true)
  MaxUnpool2d(v -> Conv2d(c, c, 1) -> tanh, i, 2) -> PixelUnshuffle(2) -> ChannelShuffle(2) -> Conv2d(4*c, 4*c, 1, groups=2) -> PixelShuffle(2)
}
input x: [2, 4, 6]
layer Identity -> Back(2) -> Unfold([2, 3], stride=[1, 2]) -> tanh -> Fold([4, 6], [2, 3], stride=[1, 2]) -> flatten -> Linear(48, 1)${END}`,
    params: '1.0.weight 1.0.bias 1.2.weight 1.2.bias 6.weight 6.bias',
  },
  {
    name: 'bags of tokens with padding, slopes and noise that are drawn',
    text: `input t: int[5]
block Sides() {
  let bag = x -> bag: EmbeddingBag(7, 4, padding_idx=5)
  let most = x -> most: EmbeddingBag(7, 4, mode=max)
  let each = x -> each: Embedding(7, 4, padding_idx=-1)
  bag + most + sum(each, dim=1) -> AlphaDropout(0.3)
}
layer Sides() -> rrelu -> Linear(4, 6) -> softplus(beta=2, threshold=1) -> threshold(0.2, 0.1) -> Linear(6, 3) -> FeatureAlphaDropout(0.2) -> softmin -> Linear(3, 7)
loss cross_entropy
optim sgd lr=0.01
train steps=3`,
    params: '0.bag.weight 0.most.weight 0.each.weight 2.weight 2.bias 5.weight 5.bias 8.weight 8.bias',
  },
  {
    name: 'recurrent layers',
    text: `input x: [4, 3]\nlayer GRU(3, 3, bidirectional=true) -> LSTM(6, 2, last=true) -> Linear(2, 1)${END}`,
    params:
      '0.weight_ih_l0 0.weight_hh_l0 0.bias_ih_l0 0.bias_hh_l0 0.weight_ih_l0_reverse 0.weight_hh_l0_reverse 0.bias_ih_l0_reverse 0.bias_hh_l0_reverse 1.weight_ih_l0 1.weight_hh_l0 1.bias_ih_l0 1.bias_hh_l0 2.weight 2.bias',
  },
  {
    name: 'grouped heads with rotary positions, as in Llama',
    text: `block Llama(d) {
  let n = x -> ln: RMSNorm(d)
  let q = n -> wq: Linear(d, d, bias=false) -> rotary(2)
  let k = n -> wk: Linear(d, d/2, bias=false) -> rotary(1)
  let v = n -> wv: Linear(d, d/2, bias=false)
  let h = x + (attention(q, k, v, 2, kv_heads=1, causal=true) -> wo: Linear(d, d, bias=false))
  h + (h -> fc: Linear(d, 6) -> swiglu -> proj: Linear(3, d))
}
input t: int[3]
layer Embedding(7, 8) -> repeat 2 Llama(8) -> Linear(8, 7)
loss cross_entropy(ignore_index=3)
optim adamw lr=one_cycle(0.01) no_decay=[bias, norm, Embedding] clip_value=0.1
train steps=3`,
    params:
      '0.weight 1.0.ln.weight 1.0.wq.weight 1.0.wk.weight 1.0.wv.weight 1.0.wo.weight 1.0.fc.weight 1.0.fc.bias 1.0.proj.weight 1.0.proj.bias 1.1.ln.weight 1.1.wq.weight 1.1.wk.weight 1.1.wv.weight 1.1.wo.weight 1.1.fc.weight 1.1.fc.bias 1.1.proj.weight 1.1.proj.bias 2.weight 2.bias',
  },
  {
    name: 'several inputs, metrics, and a block that takes a second value',
    text: `block Film(d, c) { let s = c -> scale: Linear(2, d)\n x * s }
input a: [3]
input c: [2]
layer Linear(3, 4) -> Film(4, c) -> tanh -> Linear(4, 1)
loss  smooth_l1
metric mae
metric mean((pred - target)^2)
optim nadam lr=0.01 weight_decay=linear(0.1)
train steps=3`,
    params: '0.weight 0.bias 1.scale.weight 1.scale.bias 3.weight 3.bias',
  },
  {
    name: 'initialisers, frozen layers and a gradient penalty',
    text: `input x: [3]\nparam w: [3] = [1, -1, 0.5]\nlayer body: Linear(3, 4, init=orthogonal, bias_init=zeros) -> softplus -> Linear(4, 1, init=xavier_normal(gain=2))\nloss mean((pred - target)^2) + 0.1 * sum(grad(sum(sin(w * w)), w)^2)\noptim lion lr=0.01 freeze=[body]\ntrain steps=3`,
    params: 'w body.weight body.bias 2.weight 2.bias',
  },
  {
    name: 'muon for matrices, weighted classes',
    text: 'layer Linear(3, 4) -> hardswish -> Linear(4, 7)\nloss cross_entropy(weight=[1, 2, 1, 1, 3, 1, 0.5])\nmetric accuracy\nmetric top_k(2)\noptim muon lr=0.01 clip=cosine(1)\ntrain steps=3',
    params: '0.weight 0.bias 2.weight 2.bias',
  },
  {
    name: 'the result and the target in a let, a loss of several parts, and a weight by its name',
    text: 'input x: [3]\ntarget price: [2]\nlayer fc1: Linear(3, 4) -> tanh -> Linear(4, 2)\nlet err = pred - price\nloss mean(err^2) + 0.1 * huber(pred, target, delta=0.5) + 0.1 * l1(fc1.weight)\nmetric mean(abs(err))\noptim sgd lr=0.01\ntrain steps=3',
    params: 'fc1.weight fc1.bias 2.weight 2.bias',
  },
  {
    name: "a function of one's own as loss and metric",
    text: 'fn tilted(p, t, q=0.5) = mean(max(q * (t - p), (q - 1) * (t - p)))\nlayer Linear(3, 4) -> tanh -> Linear(4, 2)\nloss tilted(q=0.8)\nmetric tilted\noptim sgd lr=0.01\ntrain steps=3',
    params: '0.weight 0.bias 2.weight 2.bias',
  },
  {
    name: 'several targets with a loss each',
    text: 'input x: [3]\ntarget price: [1]\ntarget kind: int[]\nlayer Linear(3, 8)\nloss mse(pred[:, 0:1], price) + cross_entropy(pred[:, 1:8], kind)\nmetric accuracy(pred[:, 1:8], kind)\noptim sgd lr=0.01\ntrain steps=3',
    params: '0.weight 0.bias',
  },
  {
    name: 'a loss that compares with nothing',
    text: 'input x: [4]\nblock Code(d) {\n  let z = x -> in: Linear(4, d) -> tanh\n  (z -> out: Linear(d, 4)) - x\n}\nlayer Code(2)\nloss mean(pred^2)\noptim sgd lr=0.01\ntrain steps=3',
    params: '0.in.weight 0.in.bias 0.out.weight 0.out.bias',
  },
  {
    name: 'a tied head, with a table that is indexed',
    text: 'input t: int[3]\nparam places: [3, 4] = normal\nlayer (tok: Embedding(7, 4) + places[arange(3)] -> LayerNorm(4)) @ transpose(tok.weight)\nloss cross_entropy\noptim sgd lr=0.01\ntrain steps=3',
    params: 'places tok.weight 1.weight 1.bias',
  },
  {
    name: 'params of a block, and stages that are called',
    text: `block Scale(d) {\n  param s: [d] = ones\n  param shift: [d]\n  x * s + shift\n}\ninput x: [3]\nlet up = share(Linear(3, 3) -> tanh)\nlet a = up(x)\nlet b = up(a)\nlayer a + b -> Scale(3) -> last: Scale(3)${END}`,
    params: 'up.0.weight up.0.bias 0.s 0.shift last.s last.shift',
  },
  {
    name: 'steps, new axes and the rest of the axes in brackets',
    text: `input x: [6, 4]\nlayer x[:, ::2, 1:] -> (Linear(3, 2)[..., 0])[:, :, None] -> flatten -> Linear(3, 1)${END}`,
    params: '0.weight 0.bias 2.weight 2.bias',
  },
  {
    name: 'random numbers, new at every step',
    text: 'block Vae(d) {\n  let mu, logvar = x -> enc: Linear(4, 2*d) -> split(2)\n  mu + exp(0.5 * logvar) * randn_like(mu) -> dec: Linear(d, 4)\n}\ninput x: [4]\nlayer Vae(2) + 0.1 * normal()\nloss mse\noptim sgd lr=0.01\ntrain steps=3',
    params: '0.enc.weight 0.enc.bias 0.dec.weight 0.dec.bias',
  },
  {
    name: 'a token in front of every example',
    text: `input x: [5, 4]\nparam cls: [1, 4] = normal\nlayer concat(expand(cls, [1, 4], like=x), x, dim=1) -> flatten -> Linear(24, 2)${END}`,
    params: 'cls 1.weight 1.bias',
  },
  {
    name: 'classes on axis 1 with a label that does not count',
    text: 'input x: [3, 2, 2]\ntarget y: int[2, 2]\nlayer Conv2d(3, 7, 1)\nloss cross_entropy(dim=1, ignore_index=3, label_smoothing=0.1, weight=[1, 2, 1, 1, 3, 1, 0.5])\noptim sgd lr=0.01\ntrain steps=3',
    params: '0.weight 0.bias',
  },
  ...(['adadelta', 'radam', 'adamax', 'lamb'] as const).map((optim) => ({
    name: `the optimizer ${optim}`,
    text: `layer Linear(3, 4) -> silu -> Linear(4, 1)\nloss mse\noptim ${optim} lr=0.02 weight_decay=0.01\ntrain steps=3`,
    params: '0.weight 0.bias 2.weight 2.bias',
  })),
];

const news = [new News('gpu'), new News('gpu')] as const;
const labelled = CASES.map((c) => ({ ...c, compiled: model(c.text).model }));

describe.each(labelled)('$name', ({ compiled: m, params, text }) => {
  it('names its parameters as PyTorch would', () => {
    expect(m.params.map((p) => p.name).join(' ')).toBe(params);
  });

  it('has gradients that agree with differences', () => {
    if (!m.training) throw new Error('no loss');
    // Of many parameters fewer elements each.
    const elements = m.params.length > 10 ? 3 : 8;
    for (const seed of [1, 2]) {
      const wrong = gradcheck(m, m.training, { rows: 3, seed, elements }).filter((r) => !r.ok);
      expect(wrong.map((r) => `${r.param.name}: ${r.symbolic} and ${r.numeric}`)).toEqual([]);
    }
  });

  it('has the same losses on both devices, fused and unfused', async () => {
    const rows = 6;
    const all: number[][] = [];
    for (const level of [0, 1] as const) {
      for (const device of DEVICES) {
        if (device === 'gpu' && !news[level].in(m.training ?? m.predict)) continue;
        // Unfused kernels are those of single operations, each of which test/parity has.
        if (device === 'gpu' && level === 0 && text.length % 3 > 0) continue;
        const { plan } = compile(m, { rows, level, devices: device });
        const sizes = plan.data?.tensors.map((t) => t.shape.reduce((p, q) => p * q, 1)) ?? [];
        const data = sizes.map((n, i) =>
          plan.data?.tensors[i]?.dtype === 'i32' ? Array.from({ length: n }, (_, j) => (j * 5) % 7) : new Random(9 + i).floats(n),
        );
        all.push(
          await running(plan, device, async (run) => {
            run.setData(...data);
            return lossesOf(run);
          }),
        );
      }
    }
    for (const losses of all)
      losses.forEach((l, i) => expect(Math.abs(l - (all[0]?.[i] ?? NaN)) / Math.max(1e-3, Math.abs(l))).toBeLessThan(1e-4));
    for (const losses of all) expect(losses).toHaveLength(3);
  });
});
