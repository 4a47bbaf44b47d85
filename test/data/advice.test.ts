import { describe, expect, it } from 'vitest';
import { compile } from '../../src/library/program.ts';
import { readData } from '../../src/library/read-data.ts';

/** Programs that are right and hardly work are told why when their data is read. */
const remarks = (csv: string, text: string): readonly string[] =>
  readData(compile(text), new TextEncoder().encode(csv), { name: 'a.csv' }).remarks;
const table = (row: (i: number) => string): string => `a,b,y\n${Array.from({ length: 20 }, (_, i) => row(i)).join('\n')}\n`;
const END = 'layer Linear(2, 1)\nloss mse\noptim adam\n';

describe('advice on data', () => {
  it('inputs of very different size', () => {
    const csv = table((i) => `${1900 + i},${i / 20},${i / 10}`);
    expect(remarks(csv, `data "a.csv" y=y\n${END}`)).toEqual([
      'a is around 1900 and b around 0.76, and nets learn best from numbers around 1: add normalize to the data line',
    ]);
    expect(remarks(csv, `data "a.csv" y=y normalize\n${END}`)).toEqual([]);
  });

  it('large targets', () => {
    const csv = table((i) => `${i / 20},${i / 20},${400_000 + i}`);
    expect(remarks(csv, `data "a.csv" y=y\n${END}`)[0]).toContain('the target is around 400000');
    expect(remarks(csv, `data "a.csv" y=y normalize_target\n${END}`)).toEqual([]);
  });

  it('more outputs than classes', () => {
    const csv = table((i) => `${i / 20},${i / 20},${['red', 'green', 'blue'][i % 3] ?? ''}`);
    const text = (outputs: number): string => `data "a.csv"\nlayer Linear(2, ${outputs})\nloss cross_entropy\noptim adam\n`;
    const said = 'the model has 5 outputs, and the data 3 classes (blue, green, red): make the last layer 3 wide';
    expect(remarks(csv, text(5))).toContain(said);
    expect(remarks(csv, text(3))).not.toContain(said);
  });

  it('a batch that is larger than the data', () => {
    const csv = table((i) => `${i / 20},${i / 20},${i / 5}`);
    expect(remarks(csv, `data "a.csv" y=y\n${END}train batch=64\n`)).toEqual([
      'batch=64 is more than the 20 examples, so every step takes all of them',
    ]);
  });
});
