import { describe, expect, it } from 'vitest';
import { VJP, type VjpTable } from '../../src/autodiff/vjp.ts';
import { differences } from '../../src/gradcheck/differences.ts';
import { gradcheck, type ParamCheck } from '../../src/gradcheck.ts';
import { model } from '../support/programs.ts';

const checked = (text: string, table: VjpTable = VJP): ParamCheck[] => {
  const m = model(text).model;
  if (!m.training) throw new Error('no loss');
  return gradcheck(m, m.training, { rows: 3, seed: 1, table });
};

describe('no alarm', () => {
  it.each([
    ['a head that starts at 0', 'layer Linear(3, 4) -> relu -> Linear(4, 2, init=zeros)\nloss cross_entropy'],
    ['relu of zeros everywhere', 'layer Linear(3, 4, init=zeros) -> relu -> Linear(4, 2)\nloss mse'],
    ['kinks that make no kink together', 'fn f(x) = relu(x) - relu(-x)\nlayer Linear(3, 4, init=zeros) -> f -> Linear(4, 2)\nloss l1'],
    ['a root of a square', 'fn f(x) = sqrt(x * x)\nlayer Linear(3, 4) -> f -> Linear(4, 2)\nloss mse'],
    ['a logarithm of what may be 0', 'fn f(x) = log(abs(x))\nlayer Linear(3, 4) -> f -> Linear(4, 2)\nloss mse'],
    ['steps', 'fn f(x) = floor(x) + sign(x) + round(2 * x)\nlayer Linear(3, 4, init=zeros) -> f -> Linear(4, 2)\nloss mse'],
    ['a jump', 'fn f(x) = where(x < 0, x - 1, x + 1)\nlayer Linear(3, 4, init=zeros) -> f -> Linear(4, 2)\nloss mse'],
    ['detached values', 'fn f(x) = x * detach(x) + detach(sin(x))\nlayer Linear(3, 4) -> f -> Linear(4, 2)\nloss mse'],
    ['a gradient that passes straight through', 'fn f(x) = x + detach(round(x) - x)\nlayer Linear(3, 4) -> f -> Linear(4, 2)\nloss mse'],
    ['equal maxima', 'input x: [1, 4, 4]\nlayer Conv2d(1, 2, 1, init=zeros) -> MaxPool2d(2) -> flatten -> Linear(8, 1)\nloss mse'],
    ['a norm whose variance is 0', 'layer Linear(3, 4, init=zeros) -> BatchNorm1d(4) -> relu -> Linear(4, 2)\nloss mse'],
    [
      'two norms and a mask',
      'layer Linear(3, 4) -> BatchNorm1d(4) -> Dropout(0.5) -> LayerNorm(4) -> relu -> Linear(4, 1)\nloss bce_with_logits',
    ],
    ['a bias that a norm takes away', 'layer Linear(3, 40) -> BatchNorm1d(40) -> tanh -> Linear(40, 1)\nloss mse'],
    [
      'a cosine that turns within eps of 0',
      'param w: [2, 3] = zeros\nlayer Linear(3, 1)\nloss mean((pred - 1) ^ 2) + mean(cosine_similarity(w, w * w + 1))',
    ],
    ['a target that only a metric needs', 'input x: [4]\nlayer Linear(4, 2)\nloss mean(pred^2)\nmetric mae\noptim adam'],
    ['large numbers', 'fn f(x) = exp(20 * x)\nlayer Linear(3, 4) -> f -> Linear(4, 2)\nloss mse'],
  ])('for %s', (_what, text) => {
    const results = checked(text);
    expect(results.filter((r) => !r.ok)).toEqual([]);
    expect(results.every((r) => r.tried > 0)).toBe(true);
    if (text.includes('relu(-x)')) expect(results.flatMap((r) => r.remarks).join()).toContain('its operations have kinks');
  });
});

describe('an alarm', () => {
  const program = (stage: string): string => `layer Linear(3, 4) -> ${stage} -> Linear(4, 2)\nloss mse`;
  it.each<[string, string, Partial<VjpTable>]>([
    [
      '|x| with slope 1 at 0',
      program('abs'),
      { abs: ({ b, x }, ct) => [b.op('select', b.op('le', b.like(0, x), x), ct, b.op('neg', ct))] },
    ],
    [
      'both of two equal operands that get all of it',
      program('f').replace(/^/, 'fn f(x) = max(x + sin(x), x + x)\n'),
      {
        max: ({ b, x, y }, ct) => [
          b.op('select', b.op('le', y, x), ct, b.like(0, ct)),
          b.op('select', b.op('le', x, y), ct, b.like(0, ct)),
        ],
      },
    ],
    [
      'equal maxima that get all of it each',
      'input x: [1, 4, 4]\nlayer Conv2d(1, 2, 1, init=zeros) -> MaxPool2d(2) -> flatten -> Linear(8, 1)\nloss mse',
      {
        reduce_max: ({ b, node, x, out }, ct) => {
          const { axes } = node.attrs;
          const hit = b.op('eq', x, b.unreduce(out, b.shape(x), axes));
          return [b.op('select', hit, b.unreduce(ct, b.shape(x), axes), b.like(0, x))];
        },
      },
    ],
    [
      'a power that forgets that x^0 has no slope',
      'fn f(x) = x ^ 0 + x\nlayer Linear(3, 4, init=zeros, bias_init=zeros) -> f -> Linear(4, 2)\nloss mse',
      { pow: ({ b, x, y }, ct) => [b.op('mul', ct, b.op('mul', y, b.op('pow', x, b.op('sub', y, b.like(1, y))))), null] },
    ],
  ])('for %s', (_what, text, rules) => {
    expect(checked(text).filter((r) => !r.ok)).toEqual([]);
    expect(checked(text, { ...VJP, ...rules }).some((r) => !r.ok)).toBe(true);
  });
});

describe('differences', () => {
  const of = (f: (t: number) => number) => differences(f, f(0), 1, 1e-16);
  it('bound their own error where a function is smooth', () => {
    for (const [f, slope] of [
      [Math.sin, 1],
      [Math.exp, 1],
      [(t: number): number => Math.sin(1000 * t), 1000],
      [(t: number): number => 3 * t + 1e6 * t ** 3, 3],
      [(t: number): number => t / Math.max(Math.abs(t), 1e-8), 1e8],
      [(t: number): number => Math.tanh(1e8 * t), 1e8],
    ] as const) {
      const d = of(f);
      if (d.kind !== 'smooth') throw new Error(d.kind);
      expect(Math.abs(d.slope - slope)).toBeLessThanOrEqual(d.bound);
    }
  });

  it('bound their own error where a kink is near, however near', () => {
    for (let i = 1; i < 400; i++) {
      const at = i * 1e-7;
      for (const size of [1e-5, 1e-3, 0.1, 1, 10]) {
        const d = of((t) => 2 * t + size * Math.max(0, t - at));
        if (d.kind === 'smooth') expect(Math.abs(d.slope - 2)).toBeLessThanOrEqual(d.bound);
        const e = of((t) => 2 * t + size * Math.max(0, -at - t));
        if (e.kind === 'smooth') expect(Math.abs(e.slope - 2)).toBeLessThanOrEqual(e.bound);
      }
    }
  });

  it('see a kink, and where nothing is', () => {
    expect(of(Math.abs)).toEqual({ kind: 'kink', below: -1, above: 1 });
    expect(of((t) => (t < 0 ? 0 : 1)).kind).toBe('kink');
    expect(of(Math.log).kind).toBe('none');
  });
});
