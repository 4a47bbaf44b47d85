import { describe, expect, it } from 'vitest';
import { bindBatch } from '../../src/passes/graph/cleanup.ts';
import { evaluate } from '../../src/reference/evaluate.ts';
import { model } from '../support/programs.ts';

/** Metrics by value: a program whose model is what its input says, the input, the target, and every metric. */
function metrics(text: string, x: readonly number[], target: readonly number[]): number[] {
  const { model: m } = model(text);
  if (!m.evaluation) throw new Error('no graph');
  const graph = bindBatch(m.evaluation, 4);
  const all = evaluate(graph, {
    inputs: new Map([
      ['x', x],
      ['target', target],
    ]),
    state: new Map(m.params.map((p) => [p.name, [1]])),
    scalars: { step: 0, seed: 0, total: 1 },
  });
  return m.metrics.map((name) => all(graph.outputs[`metric:${name}`] ?? -1).data[0] ?? NaN);
}

const logits = [-1, 0.25, 0.4, 2];
const truth = [0, 1, 1, 0];

describe('accuracy of yes and no', () => {
  const one = (rest: string): number[] => metrics(`input x: [1]\nparam w = ones\nlayer x * w\n${rest}`, logits, truth);

  it('cuts probabilities at a half', () => {
    expect(one('loss bce\nmetric accuracy')).toEqual([0.25]);
    expect(one('loss mse\nmetric accuracy')).toEqual([0.25]);
  });

  it.each(['bce_with_logits', 'multilabel_soft_margin', 'bce_with_logits(pos_weight=[2])'])('cuts the logits of %s at 0', (loss) => {
    expect(one(`loss ${loss}\nmetric accuracy`)).toEqual([0.75]);
  });

  it('cuts at 0 too where the loss stands in an expression, and probabilities made of the logits at a half', () => {
    expect(one('loss 2 * bce_with_logits(pred, target) + 0.1 * l1(w)\nmetric accuracy\nmetric accuracy(sigmoid(pred), target)')).toEqual([
      0.75, 0.75,
    ]);
  });

  it('cuts where it is told to', () => {
    expect(one('loss bce_with_logits\nmetric accuracy(threshold=0.3)')).toEqual([0.5]);
  });

  it('takes scores of margins with targets of +1 and -1', () => {
    expect(metrics('input x: [1]\nparam w = ones\nlayer x * w\nloss hinge\nmetric accuracy', logits, [-1, 1, 1, -1])).toEqual([0.75]);
  });

  it.each([
    ['int[1]', 'bce_with_logits(pred, float(y))', 0.75],
    ['int[1]', 'mean((pred - float(y))^2)', 0.25],
    ['int[]', 'bce_with_logits(pred[:, 0], float(y))', 0.25],
  ])('takes whole numbers: %s with %s', (type, loss, want) => {
    expect(metrics(`input x: [1]\ntarget y: ${type}\nparam w = ones\nlayer x * w\nloss ${loss}\nmetric accuracy`, logits, truth)).toEqual([
      want,
    ]);
  });
});

describe('metrics of classes', () => {
  const x = [3, 1, 2, 0, 5, 1, 1, 2, 3, 9, 0, 0];
  const labels = [0, 1, 1, 0];
  const classes = (target: string, loss: string): number[] =>
    metrics(
      `input x: [3]\ntarget y: ${target}\nparam w = ones\nlayer x * w\nloss ${loss}\nmetric accuracy\nmetric top_k(2)\nmetric perplexity`,
      x,
      labels,
    );
  const [a, b] = [classes('int[]', 'cross_entropy'), classes('int[1]', 'mean(pred) + 0 * mean(float(y))')];

  it('take int[1] as int', () => {
    expect(b).toEqual(a);
    expect(a.slice(0, 2)).toEqual([0.75, 1]);
  });
});

describe('r2', () => {
  const r2 = (x: readonly number[], y: readonly number[]): number =>
    metrics('input x: [1]\nparam w = ones\nlayer x * w\nloss mse\nmetric r2', x, y)[0] ?? 0;

  it('is none of targets that are all equal, whatever their mean is rounded to', () => {
    expect(r2([1, 2, 3, 4], [0, 4, 0, 4])).toBeCloseTo(1 - 14 / 16, 6);
    for (const y of [3, 0.1, -1e7, 0]) expect(r2([2, 2, 2, 1], [y, y, y, y])).toBeNaN();
  });
});

describe('precision, recall, f1 and auc', () => {
  const all = 'metric precision\nmetric recall\nmetric f1';
  const close = (found: readonly number[], want: readonly number[]): void =>
    want.forEach((w, i) => expect(found[i], String(i)).toBeCloseTo(w, 6));

  it('of yes and no', () => {
    // Predicted yes: 1, 2 and 3; of these 1 and 2 are yes, and all that are yes were found.
    close(metrics(`input x: [1]\nparam w = ones\nlayer x * w\nloss bce_with_logits\n${all}\nmetric auc`, logits, truth), [
      2 / 3,
      1,
      0.8,
      0.5,
    ]);
    const never = metrics(`input x: [1]\nparam w = ones\nlayer x * w\nloss bce_with_logits\n${all}`, [-1, -2, -3, -4], truth);
    close(never, [0, 0, 0]);
  });

  it('auc counts ties half', () => {
    close(metrics('input x: [1]\nparam w = ones\nlayer x * w\nloss mse\nmetric auc', [1, 1, 2, 0], [1, 0, 1, 0]), [0.875]);
  });

  it('of classes, as means over those that occur', () => {
    // Predicted 0 1 1 2 for the labels 0 1 2 2 of four classes.
    const rows = [9, 0, 0, 0, 0, 9, 0, 0, 0, 9, 0, 0, 0, 0, 9, 0];
    const program = `input x: [4]\nparam w = ones\nlayer x * w\nloss cross_entropy\n${all}`;
    close(metrics(program, rows, [0, 1, 2, 2]), [(1 + 1 / 2 + 1) / 3, (1 + 1 + 1 / 2) / 3, (1 + 2 / 3 + 2 / 3) / 3]);
  });

  it('of classes without the label that the loss ignores', () => {
    const rows = [9, 0, 0, 0, 0, 9, 0, 0, 0, 9, 0, 0, 0, 0, 9, 0];
    const program = `input x: [4]\nparam w = ones\nlayer x * w\nloss cross_entropy(ignore_index=-1)\n${all}`;
    close(metrics(program, rows, [0, 1, -1, 2]), [1, 1, 1]);
  });
});
