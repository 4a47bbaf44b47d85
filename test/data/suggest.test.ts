import { describe, expect, it } from 'vitest';
import { suggestProgram, type Suggestion } from '../../src/library/suggest.ts';

/** First programs for tables as people have them. */

const suggest = (csv: string, target?: string): Suggestion => suggestProgram('t.csv', new TextEncoder().encode(csv), { target });
/** The data line of the program. */
const dataOf = (s: Suggestion): string => s.text.split('\n')[1] ?? '';

describe('a column that numbers the rows', () => {
  it.each(['x', 't', 'year', 'id', '#'])('is the input where there is no other: %s', (name) => {
    const made = suggest(`${name},y\n1,2\n2,4\n3,6\n4,8\n5,10\n`);
    const shown = name === '#' ? '"#"' : name;
    expect(dataOf(made)).toBe(`data  "t.csv" x=[${shown}] y=y normalize normalize_target split=0.8`);
    expect([made.leftOut, made.remarks]).toEqual([[], [`${name} numbers the rows, and is an input since it may tell more than that`]]);
  });

  it('is an input beside words if it is called like a quantity', () => {
    const rows = ['N', 'S', 'S', 'N', 'S', 'N'].map((region, i) => `${2001 + i},${region},${i * i}.5`).join('\n');
    expect(dataOf(suggest(`Year (AD),region,sales\n${rows}\n`))).toContain('x=["Year (AD)", region] y=sales');
    const made = suggest(`id,region,sales\n${rows}\n`);
    expect(dataOf(made)).toContain('x=[region] y=sales');
    expect(made.remarks).toEqual([]);
  });

  it('is left out beside numbers, and said how to keep it', () => {
    const made = suggest('year,a,y\n1,5,2\n2,7,4\n3,1,6\n4,1,8\n');
    expect(dataOf(made)).toContain('x=[a] y=y');
    expect(made.leftOut).toEqual([
      { column: 'year', why: 'it numbers the rows; to keep it, add year to x=[...], and write Linear(2, 32)' },
    ]);
  });
});
