import { describe, expect, it } from 'vitest';
import { sceneOf } from '../../src/page/scene.ts';
import { told, valuesOf } from '../../src/page/told.ts';
import { errorText } from '../../src/page/error-text.ts';
import { UserError } from '../../src/base/errors.ts';
import { DeviceError } from '../../src/runtime/errors.ts';
import type { About, Prediction } from '../../src/runtime/api.ts';

/** What a page shows and asks, by the kind of model. */
const about = (shape: readonly number[], more: Partial<About> = {}): About => ({
  inputs: [{ name: 'x', shape }],
  targets: [{ name: 'y' }],
  output: 'numbers',
  ...more,
});
const ramp = (n: number): Float32Array => Float32Array.from({ length: n }, (_, i) => i / n);

describe('the kind of a model', () => {
  it.each([
    ['a number from a number', about([1]), ramp(10), ramp(10), 'fit'],
    ['classes from two numbers', about([2], { output: 'softmax' }), ramp(20), new Int32Array(10), 'region'],
    ['numbers from two numbers', about([2]), ramp(20), ramp(10), 'other'],
    ['classes from five numbers', about([5], { output: 'softmax' }), ramp(50), new Int32Array(10), 'other'],
    ['an image', about([1, 8, 8], { output: 'softmax' }), ramp(640), new Int32Array(10), 'image'],
    ['numbers that fill a square', about([784], { output: 'softmax' }), ramp(7840), new Int32Array(10), 'image'],
    ['tokens without a vocabulary', about([64]), new Int32Array(640), new Int32Array(10), 'other'],
    ['a series', about([24, 1]), ramp(240), ramp(10), 'other'],
    ['text', about([8], { vocabulary: { tokens: 'chars', entries: ['a'] } }), ramp(80), ramp(80), 'text'],
  ] as const)('%s is shown as it should be', (_, of, x, y, kind) => {
    expect(sceneOf(of, { x, y }).kind).toBe(kind);
  });

  it('a model without data is asked by a form', () => {
    const scene = sceneOf(about([3]));
    expect([scene.kind, scene.fields]).toEqual(['other', [{ name: 'x', words: undefined, width: 3, example: '0, 0, 0' }]]);
  });

  it('a long example stands in its field whole', () => {
    const [field] = sceneOf(about([96]), { x: ramp(960), y: ramp(10) }).fields;
    expect(valuesOf(about([96]), { x: field?.example ?? '' })['x']).toHaveLength(96);
  });

  it('scores of several classes have their names', () => {
    expect(sceneOf(about([2], { output: 'exp' }), { x: ramp(6), y: [0, 1, 2] }).names).toEqual(['0', '1', '2']);
  });

  it('columns have fields of their own, with words to choose from and the first example', () => {
    const columns = [{ name: 'city', words: ['Lyon', 'Paris'] }, { name: 'sqm' }] as const;
    const scene = sceneOf({ ...about([3]), inputs: [{ name: 'x', shape: [3], columns }] }, { x: [0, 1, 42.5], y: [7] });
    expect(scene.fields).toEqual([
      { name: 'city', words: ['Lyon', 'Paris'], width: 1, example: 'Lyon' },
      { name: 'sqm', words: undefined, width: 1, example: '42.5' },
    ]);
  });

  it('finds how bright paper and ink are', () => {
    const x = Float32Array.from({ length: 640 }, (_, i) => (i % 10 === 0 ? 255 : 3));
    expect(sceneOf(about([1, 8, 8], { output: 'softmax' }), { x, y: new Int32Array(10) }).image).toEqual({
      channels: 1,
      height: 8,
      width: 8,
      paper: 3,
      ink: 255,
    });
    // Dark on bright.
    const dark = x.map((v) => 255 - v);
    expect(sceneOf(about([1, 8, 8], { output: 'softmax' }), { x: dark, y: new Int32Array(10) }).image).toMatchObject({
      paper: 252,
      ink: 0,
    });
  });

  it('shows held-out images, with their answers', () => {
    const scene = sceneOf(about([1, 8, 8], { output: 'softmax' }), { x: ramp(640), y: new Int32Array(10) }, { x: ramp(128), y: [3, 1] });
    expect([scene.asked?.length, scene.truth]).toEqual([128, [3, 1]]);
  });
});

describe('an answer', () => {
  const said = (data: readonly number[], meaning: About['output'], names?: readonly string[]): Prediction => ({
    data: Float32Array.from(data),
    shape: [1, data.length],
    names,
    meaning,
  });

  it('is a name with shares, the likeliest first', () => {
    const { head, shares } = told(said([0, Math.log(3)], 'softmax', ['cat', 'dog']), about([1], { output: 'softmax' }));
    expect(head).toBe('dog');
    expect(shares.map(([n, p]) => [n, Math.round(100 * p)])).toEqual([
      ['dog', 75],
      ['cat', 25],
    ]);
  });

  it('of one score is yes or no by name', () => {
    const of = about([1], { output: 'sigmoid', targets: [{ name: 'y', classes: ['no', 'yes'] }] });
    expect(told(said([2], 'sigmoid'), of).head).toBe('yes');
    expect(told(said([-2], 'sigmoid'), of).head).toBe('no');
  });

  it('is a number with the name of its column', () => {
    expect(told(said([12.3456789], 'numbers'), about([1], { targets: [{ name: 'y', columns: ['price'] }] })).head).toBe('price: 12.3457');
  });

  it('is an image where the model makes images', () => {
    const form = { channels: 1, height: 2, width: 2, paper: 0, ink: 1 };
    expect(told(said([1, 2, 3, 4], 'numbers'), about([1, 2, 2]), form).image?.pixels).toEqual(Float32Array.of(1, 2, 3, 4));
  });

  it('of many numbers is cut', () => {
    expect(
      told(
        said(
          Array.from({ length: 50 }, (_, i) => i),
          'numbers',
        ),
        about([1]),
      ).head,
    ).toMatch(/, 39 ... and 10 more$/);
  });
});

describe('what stands in a form', () => {
  it('becomes values: words and gaps of columns, numbers of inputs', () => {
    const columns = [{ name: 'city', words: ['Lyon'] }, { name: 'sqm' }] as const;
    expect(valuesOf({ ...about([2]), inputs: [{ name: 'x', shape: [2], columns }] }, { city: ' Lyon ', sqm: ' ' })).toEqual({
      city: ['Lyon'],
      sqm: [null],
    });
    expect(valuesOf(about([3]), { x: '1, 2;3' })).toEqual({ x: [1, 2, 3] });
  });

  it.each(['1, 2', '1, 2, many', ''])('%j is refused with the number of numbers that are needed', (typed) => {
    expect(() => valuesOf(about([3]), { x: typed })).toThrow('give 3 numbers');
  });
});

describe('an error in words', () => {
  it('has neither code nor layout, and the place in a file of data', () => {
    expect(errorText(new Error('broken'))).toBe('broken');
    expect(errorText(new UserError([{ code: 'NN301', severity: 'error', label: 'it has no rows', help: 'give some' }]))).toBe(
      'it has no rows. give some',
    );
    expect(errorText(new DeviceError('it is gone', 'NN601', 'try again'))).toBe('it is gone. try again');
    const source = { name: 'a.csv', text: 'x\n1\nfoo\n' };
    expect(errorText(new UserError([{ code: 'NN303', severity: 'error', label: 'no number', span: { source, start: 4, end: 7 } }]))).toBe(
      'a.csv, line 3: no number',
    );
    const program = { name: 'a.nn', text: 'layer x' };
    expect(
      errorText(new UserError([{ code: 'NN201', severity: 'error', label: 'no such', span: { source: program, start: 0, end: 1 } }])),
    ).toBe('no such');
  });
});
