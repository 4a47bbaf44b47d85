import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { normalAt } from '../../src/base/random.ts';
import { readDataset, readLargeDataset } from '../../src/data/dataset.ts';
import { readLargeCsv, type LargeFile } from '../../src/data/large-csv.ts';
import type { Dataset, Needs } from '../../src/data/needs.ts';
import { splitDataset } from '../../src/data/split.ts';
import { statisticsOf } from '../../src/data/statistics.ts';
import { blocksOf, isStored } from '../../src/data/values.ts';
import { OpenFile, ScratchFile } from '../../src/node/scratch.ts';
import { f32, i32, lists, message, needs } from '../support/data.ts';

/** Tables that are not held in memory are read as if they were. */
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const fileOf = (text: string | Uint8Array, name = 'a.csv'): LargeFile => {
  const all = typeof text === 'string' ? bytes(text) : text;
  return {
    name,
    read(place, into) {
      const some = all.subarray(place, place + into.length);
      into.set(some);
      return some.length;
    },
  };
};
const small = (text: string, how: Needs): Dataset => readDataset('a.csv', bytes(text), how, () => new Uint8Array());
const large = (text: string, how: Needs): Dataset => readLargeDataset(fileOf(text), how, new ScratchFile());

const FILES: readonly (readonly [string, string, Needs])[] = [
  ['numbers', 'a,b\n1,2.5\n-3,.5\n  4 , 5. \n', needs(f32(1), f32(1))],
  ['a last line without an end, and empty lines', 'a,b\n\n1,2\n   \n3,4', needs(f32(1), f32(1))],
  ['lines that end with CR LF, and a mark at the beginning', '\uFEFFa,b\r\n1,2\r\n3,4\r\n', needs(f32(1), f32(1))],
  ['lines that end with CR', 'a,b\r1,2\r3,4\r', needs(f32(1), f32(1))],
  ['quotes', '"a, one","b"\n"1","2"\n"3",4\n5,"6"\n', needs(f32(1), f32(1))],
  ['words that are quoted, and lines within quotes', 'c,y\n"Paris\nnord",1\nLyon,2\n"a ""b""",3\n', needs(f32(3), f32(1))],
  ['words and gaps', 'c,n,y\nRome,1,5\n,,6\nNice,3,7\nRome,NA,8\n', needs(f32(5), f32(1), { missing: 'flag' })],
  ['rows that are left out', 'c,n,y\nRome,1,5\nNice,,6\nNice,3,\nRome,4,8\n', needs(f32(3), f32(1), { missing: 'drop' })],
  ['money, percent and large numbers', 'a,y\n"$1,200",1e3\n12%,12345678901234567890\n-3 €,0.1234567890123456789\n', needs(f32(1), f32(1))],
  ['words among numbers', 'zip,y\n01234,1\nA5,2\nB6,3\nC7,4\n', needs(f32(4), f32(1))],
  ['no header, other separators', '1;2\n3;4\n', needs(f32(1), f32(1))],
  ['decimal commas', 'a;b\n1,5;2\n1.000,25;4\n', needs(f32(1), f32(1), { comma: true })],
  ['classes by name', 'a,y\n1,cat\n2,dog\n3,cat\n', needs(f32(1), i32(), { classes: 2 })],
  ['yes and no', 'a,y\n1,True\n2,False\n3,True\n', needs(f32(1), f32(1))],
  ['labels from 1', 'a,y\n1,1\n2,2\n3,3\n', needs(f32(1), i32(), { classes: 3 })],
  ['characters of many bytes', 'c,y\nZürich,1\n東京,2\n"naïve 🦊",3\nZürich,4\n', needs(f32(3), f32(1))],
  ['a first line of Excel that tells the separator', '\uFEFFsep=;\r\na;b\r\n1,5;2\r\n', needs(f32(1), f32(1), { comma: true })],
  ['the same with quotes', 'sep=|\n"a"|b\n1|2\n', needs(f32(1), f32(1))],
  [
    'names that are there again',
    'a,,a,a.1,,a\n1,2,3,4,5,6\n',
    needs(f32(1), f32(1), {
      columns: new Map([
        ['x', ['a.2']],
        ['y', ['.1']],
      ]),
    }),
  ],
  ['groups', 'a,g,y\n1,u,1\n2,v,2\n3,u,3\n', needs(f32(1), f32(1), { groups: 'g' })],
];

describe('a table outside of memory', () => {
  it.each(FILES)('%s', (_name, text, how) => {
    const [a, b] = [small(text, how), large(text, how)];
    expect(b.tensors.every(isStored)).toBe(true);
    expect(lists(b)).toEqual(lists(a));
    expect({ ...b, tensors: [] }).toEqual({ ...a, tensors: [] });
  });

  it('may be cut anywhere', () => {
    for (const [, text] of FILES) {
      const cells = (piece: number): unknown => {
        const table = readLargeCsv(fileOf(text), { piece }, new ScratchFile(), (columns) => columns);
        return [table.rows, table.columns.map((c) => table.cells(c))];
      };
      for (const piece of [1, 2, 3, 7, 20]) expect(cells(piece)).toEqual(cells(1 << 16));
    }
  });

  it.each([
    ['without quotes', 'c,y\nZ\xfcrich,1\nZ\xf6rich,2\n'],
    ['with quotes', 'c,y\n"Z\xfcrich",1\n"Z\xf6rich",2\n'],
    ['whose last character is cut', 'c,y\n1,"\xc3'],
    ['in UTF-16', 'c\0,\0y\0\n\0'],
  ])('%s, that is no UTF-8 is refused, in memory as well', (_what, text) => {
    const latin = Uint8Array.from(text, (c) => c.charCodeAt(0));
    const how = needs(f32(2), f32(1));
    for (const body of [
      () => readLargeDataset(fileOf(latin), how, new ScratchFile()),
      () => readDataset('a.csv', latin, how, () => new Uint8Array()),
    ]) {
      const told = message(body);
      expect(told).toContain('a.csv is not a text file in UTF-8');
      expect(told).toContain('save it as UTF-8 (in Excel: CSV UTF-8), or convert it: iconv -f WINDOWS-1252 -t UTF-8 FILE > NEW');
    }
  });

  it.each(['\xff\xfec\0,\0y\0\n\0', '\xfe\xff\0c\0,\0y\0\n'])('UTF-16 is called so where it has its mark', (text) => {
    const wide = Uint8Array.from(text, (c) => c.charCodeAt(0));
    const how = needs(f32(1), f32(1));
    for (const body of [
      () => readLargeDataset(fileOf(wide), how, new ScratchFile()),
      () => readDataset('a.csv', wide, how, () => new Uint8Array()),
    ]) {
      const told = message(body);
      expect(told).toContain('a.csv is a text file in UTF-16, and not in UTF-8');
      expect(told).toContain('iconv -f UTF-16 -t UTF-8 FILE > NEW');
    }
  });

  it('says where something is wrong', () => {
    const how = needs(f32(1), f32(1));
    expect(message(() => large('a,b\n1,2\n\n3,4,5\n', how))).toContain('this line has 3 cells, and the head has 2, in line 4 of a.csv');
    expect(message(() => large('sep=;\na;b\n3;4;5\n', how))).toContain('in line 3 of a.csv');
    expect(message(() => large('a,b\n1,2\n"3\n",4\n5,x\n6,7\n', how))).toContain(
      "column 'b' holds numbers, and this is 'x', in line 5 of a.csv",
    );
    expect(message(() => large('a,b\n1,2\n3,"4\n5,6\n', how))).toContain('a quote begins here and does not end, in line 3 of a.csv');
    expect(message(() => large('a,b\n1,2\n3,"4"x\n5,6\n', how))).toContain('a quoted cell goes on behind its quote, in line 3 of a.csv');
    expect(message(() => large('', how))).toContain('a.csv is empty');
    expect(message(() => large('a,b\n', how))).toContain('a.csv has a head and no rows');
    expect(message(() => large('a,b\n1,\0\n', how))).toContain('a.csv is not a text file in UTF-8');
    expect(message(() => large('a,b\n1,2\n', needs(f32(1), f32(1), { columns: new Map([['x', ['c']]]) })))).toContain(
      "a.csv has no column 'c'",
    );
  });

  it('of several blocks is split, measured and read like one in memory, from a file on the disk', () => {
    const rows = 70_000;
    const at = (stream: number, i: number): string => normalAt(1, stream, 0, i).toFixed(4);
    const text = `a,b,c,y\n${Array.from({ length: rows }, (_, i) => `${at(1, i)},${i % 7 === 0 ? '' : at(2, i)},${['u', 'v', 'w'][i % 3] ?? ''},${at(3, i)}`).join('\n')}\n`;
    const how = needs(f32(6), f32(1), { missing: 'flag' });
    const path = join(mkdtempSync(join(tmpdir(), 'nnc-')), 'a.csv');
    writeFileSync(path, text);
    const file = new OpenFile(path);
    const [a, b] = [small(text, how), readLargeDataset(file, how, new ScratchFile())];
    file.close();
    const [p, q] = [a, b].map((d) => splitDataset(d, 0.8, { seed: 4 }));
    for (const k of [0, 1]) {
      const [x, y] = [p, q].map((d) => d?.tensors[k] ?? expect.fail());
      expect(y && isStored(y)).toBe(true);
      expect(x && y && statisticsOf(y, k === 0 ? 6 : 1)).toEqual(x && statisticsOf(x, k === 0 ? 6 : 1));
      let row = 0;
      const width = k === 0 ? 6 : 1;
      // Comparing hundreds of thousands of numbers one by one would take long.
      for (const block of y ? blocksOf(y) : []) {
        const same = x && !isStored(x) ? x.subarray(row, row + block.length) : expect.fail();
        expect(Buffer.from(block.buffer).equals(Buffer.from(same.slice().buffer))).toBe(true);
        row += block.length;
      }
      expect(row).toBe((p?.rows ?? 0) * width);
    }
    expect(q?.learned).toEqual(p?.learned);
  });
});
