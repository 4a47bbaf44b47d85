import { describe, expect, it } from 'vitest';
import { cutRows } from '../../src/passes/graph/cut-rows.ts';
import { plan, model, running } from '../support/programs.ts';
import { uniformAt } from '../../src/base/random.ts';

/** Held-out examples in batches give what all of them at once give. */
const ROWS = 301;
const numbers = (n: number, stream: number): Float32Array => Float32Array.from({ length: n }, (_, i) => 2 * uniformAt(3, stream, 0, i) - 1);
const labels = (n: number, classes: number): Int32Array =>
  Int32Array.from({ length: n }, (_, i) => Math.floor(classes * uniformAt(4, 9, 0, i)));

interface Case {
  readonly text: string;
  readonly x: number;
  readonly y: (n: number) => Float32Array | Int32Array;
  readonly ints?: number;
}

const CASES: Readonly<Record<string, Case>> = {
  'numbers, with metrics that look at all rows': {
    text: 'layer Linear(3, 8) -> tanh -> Linear(8, 2); loss mse; metric mae; metric rmse; metric r2',
    x: 3,
    y: (n) => numbers(2 * n, 2),
  },
  'classes, counted': {
    text: 'layer Linear(3, 8) -> relu -> Linear(8, 4); loss cross_entropy; metric accuracy; metric top_k(k=2); metric precision; metric recall; metric f1; metric perplexity',
    x: 3,
    y: (n) => labels(n, 4),
  },
  'yes and no, compared in pairs': {
    text: 'layer Linear(3, 8) -> relu -> Linear(8, 1); loss bce_with_logits; metric auc; metric accuracy',
    x: 3,
    y: (n) => Float32Array.from(labels(n, 2)),
  },
  'images, normalised by what was measured in training': {
    text: 'input x: [1, 6, 6]; layer Conv2d(1, 4, 3) -> BatchNorm2d(4) -> relu -> MaxPool2d(2) -> flatten -> Linear(16, 3); loss cross_entropy; metric accuracy',
    x: 36,
    y: (n) => labels(n, 3),
  },
  'a text': {
    text: 'input t: int[5]; layer Embedding(7, 8) -> LSTM(8, 8) -> Linear(8, 7); loss cross_entropy(dim=-1); metric accuracy; metric perplexity',
    x: 5,
    ints: 7,
    y: (n) => labels(5 * n, 7),
  },
  'a long sequence, in a loop': {
    text: 'input t: int[20]; layer Embedding(7, 4) -> GRU(4, 6, bidirectional=true) -> Linear(12, 7); loss cross_entropy(dim=-1); metric accuracy',
    x: 20,
    ints: 7,
    y: (n) => labels(20 * n, 7),
  },
  'rows that lie on a later axis': {
    text: 'input x: [4, 3]; target y: [4, 3]; layer Linear(3, 3) -> tanh; let q = permute(pred, 1, 0, 2); loss mean((q - permute(y, 1, 0, 2))^2)',
    x: 12,
    y: (n) => numbers(12 * n, 2),
  },
  attention: {
    text: 'input t: [4, 8]; layer MultiheadAttention(8, 2) -> flatten -> Linear(32, 1); loss l1',
    x: 32,
    y: (n) => numbers(n, 2),
  },
};

describe.each(['cpu', 'gpu'] as const)('held out in batches on the %s', (device) => {
  // The graphs are the same on both, and shaders take long to compile.
  it.each(Object.entries(CASES).slice(0, device === 'gpu' ? 1 : undefined))('%s', async (_name, { text, x, y, ints }) => {
    const given = [ints ? labels(ROWS * x, ints) : numbers(ROWS * x, 1), y(ROWS)];
    const evaluated = async (batch: number, batched: boolean): Promise<Readonly<Record<string, number>>> => {
      const made = plan(`${text}; optim sgd lr=0.1; train epochs=1 batch=${batch}`, { rows: 400, holdout: ROWS, devices: device });
      expect(made.holdout?.batch !== undefined).toBe(batched);
      return running(made, device, (m) => {
        m.setHoldout(...given);
        return m.evaluate();
      });
    };
    const whole = await evaluated(400, false);
    const parts = await evaluated(7, true);
    expect(Object.keys(parts)).toEqual(Object.keys(whole));
    for (const [name, value] of Object.entries(whole)) expect(parts[name], name).toBeCloseTo(value, 5);
  });
});

it('what looks at all rows from the beginning is not cut', () => {
  const { model: m } = model('input x: [2]; let centred = x - mean(x, dim=0); layer centred -> Linear(2, 1); loss mse; optim sgd lr=0.1');
  expect(m.evaluation && cutRows(m.evaluation)).toBeUndefined();
});
