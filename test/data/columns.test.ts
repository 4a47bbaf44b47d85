import { describe, expect, it } from 'vitest';
import { encodeInto, numberIn, widthOf, type Column } from '../../src/base/learned.ts';
import { readDataset } from '../../src/data/dataset.ts';
import { learnedIn, learnedMetadata } from '../../src/data/learned.ts';
import type { Dataset, Needs } from '../../src/data/needs.ts';
import { f32, i32, lists, message, needs } from '../support/data.ts';

/** Tables as people have them: words, gaps, money, dates, no header, other separators. */

const read = (text: string, how: Needs, name = 'a.csv'): Dataset =>
  readDataset(name, new TextEncoder().encode(text), how, (path) => {
    throw new Error(path);
  });

it('names that are there again get a number', () => {
  const at = (x: string, y: string) =>
    lists(
      read(
        'a,,a,a.1,,a\n1,2,3,4,5,6\n',
        needs(f32(1), f32(1), {
          columns: new Map([
            ['x', [x]],
            ['y', [y]],
          ]),
        }),
      ),
    );
  expect(at('a', '')).toEqual([[1], [2]]);
  // a.1 is the name of another column.
  expect(at('a.2', 'a.1')).toEqual([[3], [4]]);
  expect(at('.1', 'a.3')).toEqual([[5], [6]]);
});

describe('a number with another decimal point', () => {
  it.each([
    ['80.5', { comma: true }, 'with decimal=comma, numbers are written as 80,5 or 1.234,5: a dot only stands before three digits'],
    ['04/19/2023', { dates: true }, 'these look like dates: write them as 2023-04-19'],
    ['80,5', {}, 'to read decimal commas, add decimal=comma to the data line'],
    ['2024-02-01', {}, 'to read dates as days since 1970, add dates to the data line'],
  ])('%s is refused in a prediction, and said how to write it', (text, how, help) => {
    const told = message(() => encodeInto([], 0, { name: 'size', ...how }, text));
    expect(told).toContain(`'size' needs a number, and this is "${text}"`);
    expect(told).toContain(help);
  });

  it.each([
    ['1.234,5', 1234.5],
    ['-1.234.567', -1234567],
    ['1.234,50 €', 1234.5],
    ['80,5', 80.5],
    ['1.5', undefined],
    ['12.34', undefined],
    ['1234.567', undefined],
    ['1.2345', undefined],
    ['1,234.5', undefined],
    ['01.02.2024', undefined],
  ])('%s with decimal commas is %s', (text, n) => {
    expect(numberIn(text, { comma: true })).toBe(n);
  });
});

describe('a time with an offset', () => {
  it.each([
    ['1970-01-02T02:00:00+02:00', 1],
    ['1970-01-01T22:30-01:30', 1],
    ['1970-01-02T00:00:00+0000', 1],
    ['1970-02-30T00:00+02:00', undefined],
  ])('%s is %s days after 1970', (text, days) => {
    expect(numberIn(text, { dates: true })).toBe(days);
  });
});

describe('words', () => {
  it('of an input become one input each, in the order of the alphabet', () => {
    const d = read('city,sqm,price\nRome,1,5\nNice,2,6\nRome,3,7\n', needs(f32(3), f32(1)));
    expect(lists(d)).toEqual([
      [0, 1, 1, 1, 0, 2, 0, 1, 3],
      [5, 6, 7],
    ]);
    expect(d.learned?.columns['x']).toEqual([{ name: 'city', words: ['Nice', 'Rome'] }, { name: 'sqm' }]);
    expect(d.remarks).toEqual(['city: 2 words become 2 inputs of 0 or 1: Nice, Rome']);
  });

  it('of a whole-number input become their places, for Embedding', () => {
    const d = read('city,y\nRome,5\nNice,6\n', needs(i32(), f32(1)));
    expect(lists(d)[0]).toEqual([1, 0]);
    expect(d.learned?.columns['x']).toEqual([{ name: 'city', words: ['Nice', 'Rome'], index: true }]);
  });

  it('of a target become classes, and so do labels from 1', () => {
    const words = read('a,kind\n1,rose\n2,iris\n', needs(f32(1), i32(), { classes: 2 }));
    expect([lists(words)[1], words.learned?.classes]).toEqual([[1, 0], { y: ['iris', 'rose'] }]);
    const numbers = read('a,kind\n1,3\n2,1\n3,2\n', needs(f32(1), i32(), { classes: 3 }));
    expect([lists(numbers)[1], numbers.learned?.classes]).toEqual([[2, 0, 1], { y: ['1', '2', '3'] }]);
    expect(numbers.remarks).toEqual(['kind: the labels 1, 2, 3 are the classes 0 to 2']);
    expect(lists(read('a,kind\n1,2\n2,0\n', needs(f32(1), i32(), { classes: 3 })))[1]).toEqual([2, 0]);
  });

  it('of a target of numbers are 0 and 1, if there are two', () => {
    const d = read('a,ill\n1,yes\n2,no\n3,yes\n', needs(f32(1), f32(1)));
    expect([lists(d)[1], d.learned?.classes]).toEqual([[1, 0, 1], { y: ['no', 'yes'] }]);
  });

  it('of yes and no may be two other numbers, and not more', () => {
    const yesNo = (known?: Needs['known']): Needs => ({
      ...needs(f32(1)),
      targets: [{ shown: 'y', type: f32(1), classes: undefined, shares: true }],
      known,
    });
    const given = (labels: readonly number[], known?: Needs['known']): Dataset =>
      read(`a,ill\n${labels.map((v, i) => `${i},${v}\n`).join('')}`, yesNo(known));
    const told = (labels: readonly number[], known?: Needs['known']): string => message(() => given(labels, known));
    const d = given([2, 1, 2]);
    expect([lists(d)[1], d.learned?.classes]).toEqual([[1, 0, 1], { y: ['1', '2'] }]);
    expect(d.remarks).toEqual(['ill: the labels 1 and 2 are the classes 0 and 1, which are no and yes']);
    expect(lists(given([-1, 1, -1]))[1]).toEqual([0, 1, 0]);
    // Shares are what they are, and so are 0 and 1 alone.
    expect(lists(given([0.25, 1, 0]))[1]).toEqual([0.25, 1, 0]);
    expect(given([1, 1]).learned?.classes).toEqual({});
    // Later files are read as the first one was, whatever they hold.
    const known = { from: 'w', columns: {}, classes: { y: ['1', '2'] } };
    expect(lists(given([2, 2], known))[1]).toEqual([1, 1]);
    expect(told([0, 1], known)).toContain("'0' is none of the 2 classes of 'ill'");
    expect(told([1, 2], { ...known, classes: {} })).toContain("'ill' holds 1, 2 in a.csv, and the loss compares yes and no");
    expect(told([3, 1, 2])).toContain("'ill' holds 1, 2, 3 in a.csv, and the loss compares yes and no: 1, 0, or a share between them");
    expect(told([3, 1, 2])).toContain('end the layers with 3 outputs and write: loss cross_entropy');
    expect(told([2])).toContain('write 0 for no and 1 for yes');
    expect(told([0.5, 1.5])).toContain("'ill' holds 0.5, 1.5");
    expect(told(Array.from({ length: 30 }, (_, i) => i + 0.5))).toContain("'ill' holds numbers such as 1.5");
  });

  it.each([
    ['True', 'False'],
    ['true', 'false'],
    ['TRUE', 'FALSE'],
  ])('%s and %s of a target are names of classes', (yes, no) => {
    const text = `a,ill\n1,${yes}\n2,${no}\n3,${yes}\n`;
    for (const target of [needs(f32(1), f32(1)), needs(f32(1), i32(), { classes: 2 })]) {
      const d = read(text, target);
      expect([lists(d)[1], d.learned?.classes]).toEqual([[1, 0, 1], { y: [no, yes] }]);
      const known = { from: 'w', columns: {}, classes: { y: [no, yes] } };
      expect(lists(read(`a,ill\n1,${yes}\n`, { ...target, known }))[1]).toEqual([1]);
      // Weights from before they had names.
      expect(lists(read(`a,ill\n1,${yes}\n`, target))[1]).toEqual([1]);
    }
    expect(lists(read(`a,u,v\n1,${yes},${no}\n`, needs(f32(1), f32(2), { columns: new Map([['y', ['u', 'v']]]) })))[1]).toEqual([1, 0]);
    expect(
      lists(
        read(
          text,
          needs(f32(1), f32(1), {
            columns: new Map([
              ['x', ['ill']],
              ['y', ['a']],
            ]),
          }),
        ),
      )[0],
    ).toEqual([1, 0, 1]);
  });

  it('true and false in JSON are names too, and beside numbers they are numbers', () => {
    const json = read('{"a": 1, "y": true}\n{"a": 2, "y": false}\n', needs(f32(1), f32(1)), 'a.jsonl');
    expect([lists(json)[1], json.learned?.classes]).toEqual([[1, 0], { y: ['false', 'true'] }]);
    const mixed = read('a,y\n1,true\n2,0\n', needs(f32(1), f32(1)));
    expect([lists(mixed)[1], mixed.learned?.classes]).toEqual([[1, 0], {}]);
  });

  it('that look like numbers keep their text if the column is mostly words, or if the program says so', () => {
    const d = read('code,y\n007,1\nA1,2\nB2,3\n', needs(f32(3), f32(1)));
    expect(d.learned?.columns['x']?.[0]?.words).toEqual(['007', 'A1', 'B2']);
    const zip = read('zip,y\n06000,1\n75001,2\n', needs(f32(2), f32(1), { words: ['zip'] }));
    expect(zip.learned?.columns['x']?.[0]?.words).toEqual(['06000', '75001']);
  });

  it('are read as the weights learned them', () => {
    const columns = { x: [{ name: 'city', words: ['Nice', 'Oslo', 'Rome'] }] };
    const known = { columns, classes: { y: ['b', 'a'] }, from: 'w.safetensors' };
    expect(lists(read('k,city\na,Rome\nb,Nice\n', needs(f32(3), i32(), { classes: 2, known, columns: new Map([['y', ['k']]]) })))).toEqual([
      [0, 0, 1, 1, 0, 0],
      [1, 0],
    ]);
    expect(message(() => read('city\nBern\n', needs(f32(3), undefined, { known })))).toContain(
      "'Bern' is none of the 3 words of 'city' that w.safetensors was trained with",
    );
  });
});

describe('a column that is declared to hold words', () => {
  it('has gaps where it is empty only, in a file and in a prediction', () => {
    const how = needs(f32(4), f32(1), { words: ['pain'], missing: 'flag' });
    const d = read('pain,y\nNone,1\n?,2\n,3\nNA,4\n', how);
    const [column] = d.learned?.columns['x'] ?? [];
    expect(column?.words).toEqual(['?', 'NA', 'None', '(missing)']);
    const out = [0, 0, 0, 0];
    encodeInto(out, 0, column as Column, 'None');
    expect(out).toEqual([0, 0, 1, 0]);
    encodeInto(out, 0, column as Column, '');
    expect(out).toEqual([0, 0, 0, 1]);
    encodeInto(out, 0, column as Column, 'null');
    expect(out).toEqual([0, 0, 0, 1]);
  });
});

describe('gaps', () => {
  const text = 'a,b,y\n1,u,1\n,v,2\n3,?,3\n4,v,NA\n';
  const tensors = (missing: Needs['missing'], width: number) => read(text, needs(f32(width), f32(1), { missing }));

  it('are left out', () => {
    const d = tensors('drop', 3);
    expect(lists(d)).toEqual([[1, 1, 0], [1]]);
    expect(d.remarks).toContain('3 of 4 rows have gaps and are left out');
  });

  it('are filled with the mean, or the commonest word; a row without a target is left out', () => {
    expect(lists(tensors('mean', 3))).toEqual([[1, 1, 0, 8 / 3, 0, 1, 3, 0, 1].map(Math.fround), [1, 2, 3]]);
  });

  it('are filled with 0', () => {
    expect(lists(tensors('0', 3))[0]).toEqual([1, 1, 0, 0, 0, 1, 3, 0, 0]);
  });

  it('are told by an input of their own', () => {
    const d = tensors('flag', 5);
    expect(lists(d)[0]).toEqual([1, 0, 1, 0, 0, 8 / 3, 1, 0, 1, 0, 3, 0, 0, 0, 1].map(Math.fround));
    expect(d.learned?.columns['x']?.map((c) => c.fill)).toEqual([8 / 3, '(missing)']);
  });

  it('are an error otherwise, which counts them', () => {
    expect(message(() => tensors(undefined, 3))).toContain("column 'a' has no value here");
  });
});

describe('files', () => {
  const two = needs(f32(2), f32(1));
  const want = [
    [1, 2, 4, 5],
    [3, 6],
  ];
  it.each<[string, string, Partial<Needs>, string?]>([
    ['semicolons', 'a;b;y\n1;2;3\n4;5;6\n', {}],
    ['tabs, a BOM and Windows lines', '\uFEFFa\tb\ty\r\n1\t2\t3\r\n\r\n4\t5\t6\r\n', {}],
    ['another separator', 'a:b:y\n1:2:3\n4:5:6\n', { separator: ':' }],
    ['no header', '1,2,3\n4,5,6\n', {}],
    ['a header of years', '2019,2020,2021\n1,2,3\n4,5,6\n', { header: true }],
    ['a first line of Excel that tells the separator', 'sep=;\r\na;b;y\r\n1;2;3\r\n4;5;6\r\n', {}],
    ['quotes', '"a, or b",b,y\n"1","2",3\n4,"5",6\n', {}],
    ['JSON lines', '{"a": 1, "b": 2, "y": 3}\n{"a": 4, "b": 5, "y": 6}\n', {}, 'a.jsonl'],
  ])('%s', (_what, text, more, name) => {
    expect(lists(read(text, { ...two, ...more }, name))).toEqual(want);
  });

  it('with decimal commas, money and dates', () => {
    expect(lists(read('a;y\n1.234,5;2\n0,25;3\n', needs(f32(1), f32(1), { comma: true })))[0]).toEqual([1234.5, 0.25]);
    const money = read('a,y\n"$1,234.50",12%\n€3,"1,000"\n', needs(f32(1), f32(1)));
    expect(lists(money)).toEqual([
      [1234.5, 3],
      [12, 1000],
    ]);
    expect(money.remarks).toHaveLength(2);
    expect(lists(read('a,y\n1970-01-02,1\n2000-01-01T12:00:00Z,2\n', needs(f32(1), f32(1), { dates: true })))[0]).toEqual([1, 10957.5]);
    const dotted = read('a;y\n02.01.1970;1\n1.1.2000 12:00;2,5\n', needs(f32(1), f32(1), { dates: true, comma: true }));
    expect(lists(dotted)).toEqual([
      [1, 10957.5],
      [1, 2.5],
    ]);
  });

  it('without names have their columns by number, and words in the first line are no header', () => {
    const d = read('5.1,3.5,setosa\n7.0,3.2,versicolor\n', needs(f32(1), i32(), { columns: new Map([['x', ['1']]]), classes: 2 }));
    expect(lists(d)).toEqual([[3.5, 3.2].map(Math.fround), [0, 1]]);
  });

  it('of many pieces, with a quote over the border of two, are read whole', () => {
    const row = `"${'x'.repeat(3000)}\ny",1\n`;
    const d = read(`a,y\n${row.repeat(3000)}`, needs(f32(1), f32(1)));
    expect(d.rows).toBe(3000);
  });
});

describe('numbers in text', () => {
  it.each<[string, number | undefined]>([
    ['3.5', 3.5],
    ['-2e3', -2000],
    ['$ 1,200', 1200],
    ['-$5', -5],
    ['12 %', 12],
    ['TRUE', 1],
    ['1,2', undefined],
    ['12 apples', undefined],
    ['Infinity', undefined],
    ['', undefined],
  ])('%s', (text, want) => expect(numberIn(text)).toBe(want));
  it('no day that does not exist', () => expect(numberIn('2026-02-30', { dates: true })).toBeUndefined());
});

describe('what was learned', () => {
  it('comes back from the metadata of a file, and nothing else does', () => {
    const learned = {
      columns: {
        x: [
          { name: 'city', words: ['a', 'b'], fill: 'a' },
          { name: 'n', fill: 2, flag: true },
        ],
      },
      classes: { y: ['no', 'yes'] },
    };
    expect(learnedIn(learnedMetadata(learned), 'w')).toEqual({ ...learned, vocabulary: undefined, from: 'w' });
    expect(learnedMetadata({ columns: {}, classes: {} })).toEqual({});
    for (const text of ['{', '[]', '{"columns": 3, "classes": {}}', '{"columns": {"x": [{"name": 1}]}, "classes": {}}'])
      expect(message(() => learnedIn({ 'nnc.learned': text }, 'w'))).toContain('cannot be read');
  });

  it('encodes what a caller gives as it encoded the file', () => {
    const column: Column = { name: 'city', words: ['a', 'b'], fill: '' };
    const one = (c: Column, raw: Parameters<typeof encodeInto>[3]): number[] => {
      const out = Array<number>(widthOf(c)).fill(-1);
      encodeInto(out, 0, c, raw);
      return out;
    };
    expect([one(column, 'b'), one(column, null)]).toEqual([
      [0, 1],
      [0, 0],
    ]);
    expect(one({ name: 'n', fill: 2, flag: true }, 'NA')).toEqual([2, 1]);
    expect(one({ name: 'n' }, '$3')).toEqual([3]);
    expect(message(() => one({ name: 'n' }, null))).toContain("'n' is missing");
    expect(message(() => one(column, 'c'))).toContain('"c", which is none of the 2 words');
  });
});
