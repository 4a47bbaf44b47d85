import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { lastEpoch, ranked, rankingOf, type Judged } from '../../src/cli/ranking.ts';
import { model } from '../support/programs.ts';
import { nncIn, temporary, type Outcome } from '../support/cli.ts';

/** Which of many nets is the best: what they make of examples that they were not trained on, or of a whole epoch. */

const net = (label: string, losses: readonly number[], accuracy: readonly number[], holdout?: Judged['holdout']): Judged => ({
  label,
  losses: Float32Array.from(losses),
  metrics: { accuracy: Float32Array.from(accuracy) },
  holdout,
  stepsPerEpoch: 2,
  steps: 4,
  stopped: false,
});
const order = (nets: readonly Judged[], better: Record<string, 'higher' | 'lower'>, holdout: boolean): string =>
  ranked(nets, rankingOf({ better }, holdout))
    .map((n) => n.label)
    .join('');

describe('nets are ranked', () => {
  const nets = [
    net('a', [9, 0.5, 0.1], [0, 0.9, 0.2], { loss: 2, accuracy: 0.7 }),
    net('b', [9, 0.2, 0.3], [0, 0.5, 0.5], { loss: 1, accuracy: 0.6 }),
    net('c', [9, 0.1, NaN], [0, 1, NaN], { loss: NaN, accuracy: NaN }),
    net('d', [9, 1, 0], [0, 1, 1], { loss: 3, accuracy: 0.8 }),
  ];

  it('by the last epoch and not by its last minibatch, where nothing is held out', () => {
    expect(order(nets, {}, false)).toBe('badc');
    expect(rankingOf({ better: {} }, false).by).toBe('loss of the last epoch');
  });

  it('by the first metric that says which values are better', () => {
    expect(order(nets, { accuracy: 'higher' }, false)).toBe('dabc');
    expect(order(nets, { accuracy: 'lower' }, false)).toBe('badc');
  });

  it('by metrics that some batches have no value of, such as auc where there is one class', () => {
    const gaps = [net('a', [1, 1, 1], [0, NaN, 0.7]), net('b', [1, 1, 1], [0, 0.9, NaN]), net('c', [1, 1, NaN], [0, 1, NaN])];
    expect(order(gaps, { accuracy: 'higher' }, false)).toBe('bac');
    expect(gaps.map((n) => lastEpoch(n, 'accuracy'))).toEqual([expect.closeTo(0.7), expect.closeTo(0.9), NaN]);
    expect(lastEpoch(net('d', [1, 1, 2], [NaN, NaN, NaN]), 'accuracy')).toBeNaN();
  });

  it('by what is held out', () => {
    expect(order(nets, {}, true)).toBe('badc');
    expect(order(nets, { accuracy: 'higher' }, true)).toBe('dabc');
    expect(rankingOf({ better: { accuracy: 'higher' } }, true).by).toBe('held-out accuracy');
  });

  it('by the held-out loss where they are equal, and then by that of training', () => {
    const equal = [
      net('a', [9, 1, 2], [0, 1, 1], { loss: 0.3, accuracy: 1 }),
      net('b', [9, 2, 2], [0, 1, 1], { loss: 0.1, accuracy: 1 }),
      net('c', [9, 1, 2], [0, 1, 1], { loss: 0.1, accuracy: 1 }),
      net('d', [9, 1, 1], [0, 1, 1], { loss: 0, accuracy: 0.5 }),
      net('e', [9, 0, 0], [0, 1, 1], { loss: 0, accuracy: NaN }),
      net('f', [9, 0, 0], [0, 1, 1], { loss: NaN, accuracy: 1 }),
    ];
    expect(order(equal, { accuracy: 'higher' }, true)).toBe('cbafde');
    expect(order([...equal].reverse(), { accuracy: 'higher' }, true)).toBe('cbafde');
    const unheld = equal.slice(0, 4).map((n) => ({ ...n, holdout: undefined }));
    expect(order(unheld, { accuracy: 'higher' }, false)).toBe('dacb');
  });

  it('by metrics that are named, of which the tables know', () => {
    const { model: m } = model(
      'target y: [1]\nlayer Linear(1, 1)\nloss mse\nmetric mean(pred)\nmetric r2\nmetric l1\nmetric rmse\noptim sgd',
    );
    expect(Object.entries(m.better)).toEqual([
      ['r2', 'higher'],
      ['l1', 'lower'],
      ['rmse', 'lower'],
    ]);
  });
});

describe('nnc train --seeds', () => {
  it('says that the held-out examples give no metric, and not that the nets diverged', async () => {
    const dir = temporary();
    writeFileSync(join(dir, 'five.csv'), 'a,y\n1,2.1\n2,4.3\n3,6.2\n4,8\n5,9.9\n');
    writeFileSync(join(dir, 'a.nn'), 'data "five.csv" split=0.8\nlayer Linear(1, 1)\nloss mse\nmetric r2\noptim adam\ntrain epochs=2\n');
    const { code, stderr } = await nncIn(dir, {}, 'train', 'a.nn', '--device', 'cpu', '--seeds', '2');
    expect([code, stderr]).toEqual([1, expect.stringContaining('no net has a held-out r2 that is a number\n  = help: auc takes')]);
  });

  const dir = temporary();
  const data = (more: string): string => `data n=60 seed=3 { x = normal(); y = sin(2*x) + 0.3*normal() }${more}`;
  const run = (...args: readonly string[]): Promise<Outcome> => nncIn(dir, {}, 'train', ...args);
  const rest = 'layer Linear(1, 8) -> tanh -> Linear(8, 1)\nloss mse\nmetric r2\noptim adam lr=0.02\ntrain epochs=20 batch=10 shuffle\n';
  writeFileSync(
    join(dir, 'x.csv'),
    `x,y\n${Array.from({ length: 60 }, (_, i) => `${i / 20 - 1.5},${Math.sin(i / 5) + (i % 7) / 9}`).join('\n')}\n`,
  );
  writeFileSync(join(dir, 'split.nn'), `data "x.csv" x=x y=y split=0.6\n${rest}`);
  writeFileSync(join(dir, 'all.nn'), `${data('')}\n${rest}`);

  it.each(['gpu', 'cpu'])('looks at the held-out examples of every net on the %s', async (device) => {
    const many = await run('split.nn', '--seeds', '3', '--seed', '5', '--device', device);
    expect(many.code, many.stderr).toBe(0);
    expect(many.stderr).toContain(device === 'gpu' ? 'training 3 nets at once' : 'one after the other');
    expect(many.stdout).toMatch(/^net +first loss +loss +r2 +held-out loss +held-out r2\n/);
    expect(many.stdout).toContain('ranked by held-out r2, the highest first');
    const values = [...many.stdout.matchAll(/^seed (\d) .* ([-\d.e]+)$/gm)].map((m) => [Number(m[1]), Number(m[2])] as const);
    expect(values.map(([, r2]) => r2)).toEqual(values.map(([, r2]) => r2).sort((a, b) => b - a));
    expect(values).toHaveLength(3);
    expect(many.stdout).toContain(`best: seed ${values[0]?.[0] ?? ''} (held-out r2 `);
    for (const [seed, r2] of values) {
      const alone = await run('split.nn', '--seed', String(seed), '--device', device);
      expect(Number(/held out: .*r2 ([-\d.e]+)/.exec(alone.stdout)?.[1])).toBeCloseTo(r2, 4);
    }
  });

  it('says that it ranks by the last epoch where nothing is held out', async () => {
    const { code, stdout, stderr } = await run('all.nn', '--seeds', '2', '--device', 'cpu');
    expect(code, stderr).toBe(0);
    expect(stdout).toContain('ranked by r2 of the last epoch, the highest first; values of training are means over the last epoch');
  });

  it('ends as a failure where every net diverged', async () => {
    const { code, stdout, stderr } = await run('all.nn', '--sweep', 'lr=[1e30, 1e35]', '--device', 'cpu', '--save', 'w.safetensors');
    expect(code).toBe(1);
    expect(stdout).not.toContain('best:');
    expect(stderr).toContain('every net diverged');
  });
});
