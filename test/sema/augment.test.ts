import { describe, expect, it } from 'vitest';
import { check } from '../../src/compile.ts';
import { renderAll } from '../../src/base/diagnostics.ts';
import { gradient } from '../../src/autodiff/gradient.ts';
import { GraphBuilder } from '../../src/ir/graph/builder.ts';
import { bindBatch } from '../../src/passes/graph/cleanup.ts';
import { evaluate } from '../../src/reference/evaluate.ts';
import { model, plan, running, lossesOf } from '../support/programs.ts';

/** Layers that change images at random: what each image may become, how often it does, and that predictions are not changed. */

const EXAMPLES = 400;
const [HIGH, WIDE] = [2, 3];
const SIZE = HIGH * WIDE;
/** Each image has other numbers, from 1 on. */
const X = Array.from({ length: EXAMPLES * SIZE }, (_, i) => i + 1);

/** What becomes of each image, and the derivative of its sum, weighted by places. */
function run(layer: string, training = true, step = 0): { readonly y: readonly number[][]; readonly slope: readonly number[] } {
  const { model: m } = model(`input x: [1, ${HIGH}, ${WIDE}]\nlayer ${layer}\nloss mean(pred)\n`);
  const graph = training ? m.training : m.predict;
  const pred = graph?.outputs['pred'];
  const input = graph?.nodes.find((n) => n.op === 'input' && n.attrs.name === 'x');
  if (!graph || pred === undefined || !input) throw new Error('no graph');
  const b = new GraphBuilder('drawn', { ...graph, outputs: {}, writes: [] });
  const [dx] = gradient(b, b.sum(pred, [0, 1, 2, 3]), [input.id]);
  b.outputs['y'] = pred;
  b.outputs['slope'] = dx ?? -1;
  const bound = bindBatch(b.graph(), EXAMPLES);
  const inputs = new Map([['x', X]]);
  const values = evaluate(bound, { inputs, state: new Map(), scalars: { step, seed: 7, total: 9 } });
  const data = [...values(bound.outputs['y'] ?? -1).data];
  const each = data.length / EXAMPLES;
  return {
    y: Array.from({ length: EXAMPLES }, (_, i) => data.slice(i * each, (i + 1) * each)),
    slope: [...values(bound.outputs['slope'] ?? -1).data],
  };
}

const image = (i: number): number[] => X.slice(i * SIZE, (i + 1) * SIZE);
const rows = (v: readonly number[], wide: number): number[][] =>
  Array.from({ length: v.length / wide }, (_, r) => v.slice(r * wide, (r + 1) * wide));
const FLIPS = {
  RandomHorizontalFlip: (v: readonly number[]) => rows(v, WIDE).flatMap((r) => [...r].reverse()),
  RandomVerticalFlip: (v: readonly number[]) => rows(v, WIDE).reverse().flat(),
};

describe.each(Object.entries(FLIPS))('%s', (name, flipped) => {
  it.each([0.5, 0.2])('flips the share %s of the images as a whole', (p) => {
    const { y, slope } = run(`${name}(${p})`);
    const turned = y.filter((v, i) => v.join() === flipped(image(i)).join()).length;
    expect(turned + y.filter((v, i) => v.join() === image(i).join()).length).toBe(EXAMPLES);
    expect(Math.abs(turned / EXAMPLES - p)).toBeLessThan(4 * Math.sqrt((p * (1 - p)) / EXAMPLES));
    expect(new Set(slope)).toEqual(new Set([1]));
  });

  it('flips nothing with 0 and in predictions, all with 1, and others in the next step', () => {
    const all = Array.from({ length: EXAMPLES }, (_, i) => image(i));
    expect(run(`${name}(0)`).y).toEqual(all);
    expect(run(name, false).y).toEqual(all);
    expect(run(`${name}(1)`).y).toEqual(all.map(flipped));
    expect(run(name, true, 1).y).not.toEqual(run(name).y);
  });
});

describe('RandomCrop', () => {
  /** The part of an image with zeros around it. */
  const part = (i: number, top: number, left: number, high: number, wide: number): string =>
    Array.from({ length: high * wide }, (_, k) => {
      const [r, c] = [top + Math.floor(k / wide), left + (k % wide)];
      return r < 0 || r >= HIGH || c < 0 || c >= WIDE ? 0 : (image(i)[r * WIDE + c] ?? NaN);
    }).join();

  it('takes every part alike often', () => {
    const counts = new Map<string, number>();
    run(`RandomCrop((${HIGH}, ${WIDE}), padding=1)`).y.forEach((v, i) => {
      const places = [-1, 0, 1].flatMap((top) => [-1, 0, 1].map((left) => [top, left] as const));
      const found = places.filter(([top, left]) => part(i, top, left, HIGH, WIDE) === v.join());
      expect(found).toHaveLength(1);
      counts.set(String(found[0]), (counts.get(String(found[0])) ?? 0) + 1);
    });
    expect(counts.size).toBe(9);
    for (const n of counts.values()) expect(Math.abs(n - EXAMPLES / 9)).toBeLessThan(4 * Math.sqrt(EXAMPLES / 9));
  });

  it('takes the middle in predictions, and lets the derivative through to what it takes', () => {
    const all = Array.from({ length: EXAMPLES }, (_, i) => image(i));
    expect(run(`RandomCrop((${HIGH}, ${WIDE}), padding=1)`, false).y).toEqual(all);
    expect(run('RandomCrop((2, 1))', false).y).toEqual(all.map((v) => [v[1], v[4]]));
    const { y, slope } = run('RandomCrop(1)');
    expect(slope.map((s, i) => (s === 1 ? X[i] : 0)).filter((v) => v !== 0)).toEqual(y.flat());
  });

  it.each([
    ['RandomCrop(4)', 'a part of 4 x 4 does not fit into 2 x 3'],
    ['flatten -> RandomCrop(2)', 'RandomCrop(2) takes [B, channels, height, width], and [B, 6] flows in'],
    ['flatten -> RandomVerticalFlip', 'RandomVerticalFlip takes [B, ..., height, width], and [B, 6] flows in'],
    ['RandomCrop([])', 'the size is one number, or (height, width)'],
    ['RandomCrop((1, 1, 1))', 'the size is one number, or (height, width)'],
  ])('%s is an error', (layer, text) => {
    const { diagnostics } = check({ name: 'a.nn', text: `input x: [1, ${HIGH}, ${WIDE}]\nlayer ${layer}\n` });
    expect(renderAll(diagnostics)).toContain(text);
  });
});

it('nets that augment train alike on all devices', async () => {
  const text =
    'input x: [1, 2, 3]\nlayer RandomHorizontalFlip -> RandomVerticalFlip -> RandomCrop((2, 3), padding=1) -> flatten -> Linear(6, 1)\nloss mse\noptim sgd lr=0.01\ntrain steps=5\n';
  const p = plan(text, { rows: 8 });
  const [first = [], ...others] = await Promise.all(
    (['gpu', 'cpu', 'js'] as const).map((kind) =>
      running(p, kind, async (m) => {
        m.setData(
          X.slice(0, 48).map((v) => v / 50),
          X.slice(0, 8),
        );
        return lossesOf(m);
      }),
    ),
  );
  for (const other of others) other.forEach((loss, i) => expect(loss).toBeCloseTo(first[i] ?? NaN, 4));
});
