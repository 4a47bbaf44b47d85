import { describe, expect, it } from 'vitest';
import { History, Rows } from '../../src/cli/history.ts';

describe('the table of a training', () => {
  const table = (losses: readonly number[], auc: readonly number[]): string[][] => {
    const lines: string[] = [];
    const history = new History(new Rows(losses.length, 3), ['auc'], [], (line) => lines.push(line));
    history.add(0, Float32Array.from(losses), { auc: Float32Array.from(auc) });
    return lines.map((line) =>
      line
        .trim()
        .split(/ +/)
        .map((cell) => (/^[\d.]+$/.test(cell) ? String(Number(cell)) : cell)),
    );
  };

  it('leaves batches without a metric out of its mean', () => {
    const rows = table([1, 2, 3, 4, 5, 6], [0.5, NaN, 0.75, NaN, NaN, NaN]);
    expect(rows).toEqual([
      ['epoch', 'loss', 'auc'],
      ['0', '2', '0.625'],
      ['1', '5', 'NaN'],
    ]);
  });

  it('hides no loss that is none', () => {
    expect(table([1, NaN, 3, 4, 5, 6], [1, 1, 1, 1, 1, 1])[1]).toEqual(['0', 'NaN', '1']);
  });
});
