import { describe, expect, it } from 'vitest';
import { drawFan } from '../../src/pictures/fan.ts';
import { drawHeat } from '../../src/pictures/heat.ts';
import { drawHistogram } from '../../src/pictures/histogram.ts';

/** Pictures of what goes on inside: who looks at whom, how values are spread, how seeds differ. */
const count = (svg: string, what: string): number => svg.split(what).length - 1;
const numbers = (svg: string, attribute: string): number[] =>
  [...svg.matchAll(new RegExp(` ${attribute}="([^"]*)"`, 'g'))].map((m) => Number(m[1]));

describe('a map of shares', () => {
  const map = drawHeat({ values: [1, 0, 0.25, 0.75], rows: ['a', 'b'], columns: ['c', 'd'], x: 'seen', y: 'sees' });

  it('has a cell for each pair, darker for larger shares, with percentages', () => {
    expect(count(map.content, 'class="heat"')).toBe(4);
    const shades = numbers(map.content, 'fill-opacity');
    expect(shades[0]).toBeGreaterThan(shades[3] ?? NaN);
    expect(shades[3]).toBeGreaterThan(shades[2] ?? NaN);
    expect(shades[2]).toBeGreaterThan(shades[1] ?? NaN);
    for (const text of ['>100<', '>0<', '>25<', '>75<', '>seen, in percent<', '>sees<']) expect(map.content).toContain(text);
  });

  it('tells whom each one looks at most', () => {
    expect(map.about).toBe('a looks most at c; b looks most at d.');
  });

  it('leaves numbers out of small cells, and bears shares that are none', () => {
    const small = drawHeat({ values: [NaN, 7], rows: ['a'], columns: ['b', 'c'], x: 'x', y: 'y', cell: 12 });
    expect(small.content).not.toContain('>100<');
    expect(numbers(small.content, 'fill-opacity')).toEqual([0.04, 0.5]);
  });
});

describe('a histogram', () => {
  it('counts every value once, and leaves out what is not finite', () => {
    const values = [...Array.from({ length: 100 }, (_, i) => i / 99), NaN, Infinity];
    const { content, about } = drawHistogram({ values, x: 'w' });
    expect(about).toMatch(/^100 values from 0 to 1,/);
    const heights = numbers(content, 'height');
    // Each bar holds 3 or 4 of a hundred, so all are about as high.
    expect(heights).toHaveLength(31);
    expect(Math.min(...heights) / Math.max(...heights)).toBeGreaterThan(0.7);
  });

  it('draws values that are all the same, and none at all', () => {
    expect(drawHistogram({ values: [2, 2, 2], x: 'w' }).about).toContain('3 values from 1.5 to 2.5');
    expect(drawHistogram({ values: [], x: 'w' }).content).not.toContain('NaN');
  });
});

describe('a fan of curves', () => {
  it('has a thin line for each curve, and the middle one on top', () => {
    const curves = [3, 1, 2].map((k) => Float32Array.from({ length: 500 }, (_, i) => k / (1 + i)));
    const { content, about } = drawFan({ curves, x: 'step', y: 'loss' });
    expect(count(content, 'train thin')).toBe(3);
    const lines = [...content.matchAll(/points="([^"]*)"/g)].map((m) => m[1]);
    // The middle one is the third.
    expect(lines.at(-1)).toBe(lines[2]);
    expect(about).toBe('3 curves; in the end they lie between 0.002 and 0.006.');
  });

  it('bears curves that end early or break', () => {
    const { content } = drawFan({ curves: [[1, NaN, 3], [1], []], x: 'step', y: 'loss' });
    expect(content).not.toMatch(/NaN|undefined|Infinity/);
  });
});
