import { describe, expect, it } from 'vitest';
import { renderAll } from '../../src/base/diagnostics.ts';
import { UserError } from '../../src/base/errors.ts';
import { compile } from '../../src/library/program.ts';
import { readData } from '../../src/library/read-data.ts';
import { suggestProgram, type Suggestion } from '../../src/library/suggest.ts';

/** First programs for tables as people have them. */

const suggest = (csv: string, target?: string, ...words: readonly string[]): Suggestion =>
  suggestProgram('t.csv', new TextEncoder().encode(csv), { target, words });
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

/** The full text of the error. */
function refusal(csv: string, target?: string): string {
  try {
    suggest(csv, target);
  } catch (e) {
    if (e instanceof UserError) return renderAll(e.diagnostics);
    throw e;
  }
  throw new Error('no error');
}

describe('a target of numbers and words', () => {
  const labels = ['1', '2', 'other', '1', '1', '2', 'other', '1'];
  const csv = (label: string): string =>
    `a,${label}\n${Array.from({ length: 40 }, (_, i) => `${(i * 7) % 11},${labels[i % 8] ?? ''}`).join('\n')}\n`;

  it('is of classes if few values repeat, and the program says so', () => {
    const made = suggest(csv('"my label"'));
    expect(dataOf(made)).toBe('data  "t.csv" x=[a] y="my label" normalize words=["my label"] split=0.8');
    expect(made.text).toContain('Linear(32, 3)');
    expect(made.remarks).toEqual(['my label holds numbers and words, and each of them is a class: 1, 2, other']);
    expect(readData(compile(made.text), new TextEncoder().encode(csv('"my label"')), { name: 't.csv' }).names.learned?.classes).toEqual({
      y: ['1', '2', 'other'],
    });
  });

  it('is refused at the word if it is of numbers', () => {
    const rows = Array.from({ length: 40 }, (_, i) => `${(i * 7) % 11},${i === 3 ? 'abc' : i * 1.5}`).join('\n');
    expect(refusal(`a,price\n${rows}\n`)).toMatchInlineSnapshot(`
      "error[NN303]: a value in the data is wrong
       --> t.csv:5:4
        |
      5 | 10,abc
        |    ^^^ column 'price' holds numbers, and this is 'abc'
        |
        = help: correct the cell, or leave it empty where the value is missing; for classes, add --words price"
    `);
  });
});

describe('words of the target that are read as gaps', () => {
  const csv = (...kinds: readonly string[]): string =>
    `v,severity\n${Array.from({ length: 60 }, (_, i) => `${(i * 7) % 11},${kinds[i % kinds.length] ?? ''}`).join('\n')}\n`;

  it('are named, with their rows', () => {
    const made = suggest(csv('None', 'mild', '?', 'bad'));
    expect(made.text).toContain('Linear(32, 2)');
    expect(made.remarks).toEqual([
      'severity: read as gaps, whose rows are left out: None (in 15 rows), ? (in 15 rows); if these are classes too, write the program with --words severity',
    ]);
    expect(suggest(`a,y\n${Array.from({ length: 20 }, (_, i) => `${(i * 7) % 11},${i ? i / 2 : 'NA'}`).join('\n')}\n`).remarks).toEqual([
      'y: read as gaps, whose rows are left out: NA (in 1 row)',
    ]);
  });

  it('are classes if one says so', () => {
    const text = csv('None', 'mild', '?');
    const made = suggest(text, undefined, 'severity');
    expect(dataOf(made)).toBe('data  "t.csv" x=[v] y=severity normalize words=[severity] split=0.8');
    expect(made.remarks).toEqual([]);
    expect(suggest(csv('None', 'mild', ''), undefined, 'severity').remarks).toEqual([]);
    expect(made.text).toContain('Linear(32, 3)');
    const data = readData(compile(made.text), new TextEncoder().encode(text), { name: 't.csv' });
    expect(data.names.learned?.classes).toEqual({ y: ['?', 'None', 'mild'] });
  });

  it('leave no target of one class', () => {
    expect(refusal(csv('None', 'mild', '?'))).toMatchInlineSnapshot(`
      "error[NN301]: the data cannot be read
        = column 'severity' of t.csv always holds 'mild', so there is nothing to learn; read as gaps: None (in 20 rows), ? (in 20 rows)
        = help: choose another one with --target; if these are classes too, add --words severity"
    `);
  });
});

describe('a target that is always the same', () => {
  it.each(['5', 'rose', '2.5'])('is refused: %s', (y) => {
    expect(refusal(`a,y\n${Array.from({ length: 20 }, (_, i) => `${(i * 7) % 11},${y}`).join('\n')}\n`)).toBe(
      `error[NN301]: the data cannot be read\n  = column 'y' of t.csv always holds ${y === 'rose' ? "'rose'" : y}, so there is nothing to learn\n  = help: choose another one with --target`,
    );
  });
});

describe('dates that are not read', () => {
  const csv = (day: (i: number) => string, different: number): string =>
    `day,a,y\n${Array.from({ length: 80 }, (_, i) => `"${day(i % different)}",${(i * 7) % 11},${i / 2}`).join('\n')}\n`;
  const two = (n: number): string => String(n).padStart(2, '0');

  it.each<[string, (i: number) => string]>([
    ['slashes', (i) => `${two((i % 12) + 1)}/${two((i % 28) + 1)}/2023`],
    ['a month', (i) => `${i % 2 ? 'Jan' : 'Sept.'} ${i + 1}, 2023`],
    ['a month behind', (i) => `${i + 1} March 2023 10:05`],
  ])('are said to be dates: %s', (_what, day) => {
    const many = suggest(csv(day, 60));
    expect(many.leftOut).toEqual([{ column: 'day', why: 'it has 60 different words; these look like dates: write them as 2023-04-19' }]);
    const few = suggest(csv(day, 9));
    expect(few.remarks).toEqual(['day is read as words; these look like dates: write them as 2023-04-19']);
    const { remarks } = readData(compile(few.text), new TextEncoder().encode(csv(day, 9)), { name: 't.csv' });
    expect(remarks.join()).toContain('; these look like dates: write them as 2023-04-19, and add dates to the data line');
  });

  it('times with an offset are dates', () => {
    expect(dataOf(suggest(csv((i) => `2023-04-${two((i % 28) + 1)}T10:00:00+02:00`, 60)))).toContain(
      'x=[day, a] y=y normalize normalize_target dates',
    );
  });
});

describe('tables with a flaw', () => {
  const rows = (cell: (i: number) => string): string =>
    Array.from({ length: 20 }, (_, i) => `${cell(i)},${(i * 7) % 11},${i / 2}`).join('\n');

  it('one bad cell leaves its column out, and is shown', () => {
    const made = suggest(`sqm,a,y\n${rows((i) => (i === 4 ? '12x' : String(i * i)))}\n`);
    expect(dataOf(made)).toContain('x=[a] y=y');
    expect(made.leftOut).toEqual([
      {
        column: 'sqm',
        why: "it holds numbers, and line 6 has '12x'; correct the cell, or leave it empty, and write the program anew",
      },
    ]);
  });

  it('a line break in the name of a column is a space', () => {
    const text = `"size\n in sqm",a,y\n${rows((i) => String(i * i))}\n`.replaceAll(',', ';');
    const made = suggest(text);
    expect(dataOf(made)).toContain('x=["size in sqm", a] y=y');
    expect(readData(compile(made.text), new TextEncoder().encode(text), { name: 't.csv' }).rows).toBe(16);
  });
});
