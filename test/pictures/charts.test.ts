import { describe, expect, it } from 'vitest';
import { axisOf, tickText } from '../../src/pictures/axes.ts';
import { drawChart } from '../../src/pictures/chart.ts';
import { drawConfusion } from '../../src/pictures/confusion.ts';
import { picture } from '../../src/pictures/picture.ts';
import { drawAgreement, drawFit } from '../../src/pictures/points.ts';
import { drawRegion, groupColour } from '../../src/pictures/region.ts';

/** Charts as SVG: axes with round numbers, curves, points, regions, matrices. */
const texts = (svg: string): string[] => [...svg.matchAll(/<text[^>]*>([^<]*)</g)].map((m) => m[1] ?? '');
const count = (svg: string, what: string): number => svg.split(what).length - 1;

describe('axes', () => {
  it.each([
    [[0, 10], false, [0, 2, 4, 6, 8, 10]],
    [[-0.3, 0.31], false, [-0.3, -0.2, -0.1, 0, 0.1, 0.2, 0.3]],
    [[41_000, 990_000], false, [200_000, 400_000, 600_000, 800_000, 1_000_000]],
    [[0.001, 300], true, [0.001, 0.01, 0.1, 1, 10, 100]],
    [[3, 40], true, [5, 10, 20]],
    [[1e-12, 1e9], true, [1e-12, 1e-8, 1e-4, 1, 1e4, 1e8]],
    [[5, 5], false, [3, 4, 5, 6, 7]],
    [[], false, [0, 0.2, 0.4, 0.6, 0.8, 1]],
    [[NaN, Infinity, 2, 4], false, [2, 2.5, 3, 3.5, 4]],
  ] as const)('of %j have round ticks', (values, log, ticks) => {
    const axis = axisOf(values, { name: 'a', log });
    expect(axis.ticks).toEqual(ticks);
    for (const t of axis.ticks) expect(axis.place(t) >= -1e-9 && axis.place(t) <= 1 + 1e-9).toBe(true);
  });

  it('write numbers briefly', () => {
    expect([0, 0.25, 1500, 1e6, 2e-7, -3e12, 12_345.5].map(tickText)).toEqual([
      '0',
      '0.25',
      '1,500',
      '1,000,000',
      '2e-7',
      '-3e12',
      '12,345.5',
    ]);
  });
});

describe('a chart', () => {
  const points = Array.from({ length: 100 }, (_, i) => ({ x: i, y: 100 / (i + 1) }));

  it('shows curves, their names, and a logarithm where values are far apart', () => {
    const chart = drawChart({
      series: [
        { name: 'training', role: 'train', points },
        { name: 'held out', role: 'held', points: points.filter((_, i) => i % 25 === 0) },
      ],
      x: 'step',
      y: 'loss',
    });
    expect(texts(chart.content)).toEqual(expect.arrayContaining(['step', 'loss, logarithmic', 'training', 'held out', '100', '10', '1']));
    expect([count(chart.content, '<polyline'), count(chart.content, '<circle')]).toEqual([2, 4]);
    expect(chart.about).toBe('training goes from 100 to 1; held out goes from 100 to 1.316.');
    const svg = picture(chart, 'a < b', 'auto');
    expect(svg).toContain('<title>a &lt; b</title>');
    expect(svg).toMatch(/^<svg xmlns="http:\/\/www.w3.org\/2000\/svg" class="nnc-picture-auto" role="img"/);
    expect(svg).not.toMatch(/NaN|undefined|Infinity/);
  });

  it('has no legend for one curve, and leaves out what is no number', () => {
    const chart = drawChart({
      series: [{ name: 'training', role: 'train', points: [...points, { x: 100, y: NaN }] }],
      x: 'step',
      y: 'loss',
      logY: false,
    });
    expect(texts(chart.content)).not.toContain('training');
    expect(chart.content).not.toContain('NaN');
  });

  it('of nothing is empty, and no error', () => {
    expect(drawChart({ series: [], x: 'step', y: 'loss' }).content).not.toContain('NaN');
  });
});

it('a fit and an agreement show every example', () => {
  const points = [
    { x: 1, y: 2 },
    { x: 2, y: 4 },
    { x: 3, y: 5 },
  ];
  const fit = drawFit({ points, curve: points, x: 'sqft', y: 'price' });
  expect([count(fit.content, '<circle'), count(fit.content, '<polyline')]).toEqual([3, 1]);
  expect(texts(fit.content)).toEqual(expect.arrayContaining(['sqft', 'price']));
  const diverged = drawFit({ points, curve: [...points, { x: 4, y: Infinity }, { x: 5, y: NaN }], x: 'a', y: 'b', marked: { x: 2, y: 4 } });
  expect(diverged.content).not.toMatch(/NaN|Infinity/);
  expect(count(diverged.content, '<circle')).toBe(4);
  const agreement = drawAgreement({ points, name: 'price' });
  expect(texts(agreement.content)).toEqual(expect.arrayContaining(['real price', 'predicted price']));
  expect(count(agreement.content, '<circle')).toBe(3);
});

it('a region has a cell for every place, of the colour of its class, and as many points as examples', () => {
  const region = drawRegion({
    points: [{ x: 0, y: 0, group: 1 }],
    x: 'a',
    y: 'b',
    names: ['no', 'yes'],
    shares: [1, 0, 0.5, 0.5, 0.25, 0.75, 0, 1],
    columns: 2,
    rows: 2,
    low: [-1, -1],
    high: [1, 1],
  });
  const cells = [...region.content.matchAll(/<rect x="([\d.]+)" y="([\d.]+)"[^>]*fill="(#\w+)" fill-opacity="([\d.]+)"/g)];
  expect(cells.map((m) => [m[3], Number(m[4])])).toEqual([
    [groupColour(0), 0.5],
    [groupColour(0), 0.12],
    [groupColour(1), 0.31],
    [groupColour(1), 0.5],
  ]);
  // The first row of cells is the lowest.
  expect(Number(cells[0]?.[2])).toBeGreaterThan(Number(cells[2]?.[2]));
  expect(texts(region.content)).toEqual(expect.arrayContaining(['no', 'yes', 'a', 'b']));
});

it('a confusion matrix has a cell for each pair of classes', () => {
  const { content, about } = drawConfusion(
    ['cat', 'a very long name of a class'],
    [
      [9, 1],
      [0, 0],
    ],
  );
  expect(texts(content)).toEqual(expect.arrayContaining(['cat', '9', '1', '0', 'predicted', 'real']));
  expect([count(content, 'class="right"'), count(content, 'class="wrong"')]).toEqual([2, 2]);
  expect(about).toContain('9 of 10 examples are on the diagonal');
});
