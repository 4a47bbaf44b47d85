import { gzipSync, zipSync } from 'fflate';
import { describe, expect, it } from 'vitest';
import { commands } from '../../src/cli/commands.ts';
import { DATA_FILES, readDataset } from '../../src/data/dataset.ts';
import type { Needs } from '../../src/data/needs.ts';
import { idx, npy } from '../support/arrays.ts';
import { f32, i32, lists, message, needs } from '../support/data.ts';

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const nothing = (path: string): Uint8Array => {
  throw new Error(path);
};

describe('files of data', () => {
  it('reads .npy whose first axis runs fastest', () => {
    // The order of numpy.asfortranarray(numpy.arange(12).reshape(2, 2, 3)).
    const data = [0, 6, 3, 9, 1, 7, 4, 10, 2, 8, 5, 11];
    const want = Array.from({ length: 12 }, (_, i) => i);
    for (const [type, values] of [
      ['<f4', Float32Array.from(data)],
      ['<i4', Int32Array.from(data)],
    ] as const)
      expect(lists(readDataset('x.npy', npy(type, [2, 2, 3], values.buffer, true), needs(f32(2, 3)), nothing))).toEqual([want]);
    const bytes = npy('|u1', [2, 2, 3], Uint8Array.from(data.map((v) => v * 5)).buffer, true);
    expect(lists(readDataset('x.npy', bytes, needs(f32(2, 3)), nothing))[0]).toEqual(want.map((v) => Math.fround((v * 5) / 255)));
  });

  it('reads .npy, and labels from a file beside it', () => {
    const x = npy('<f8', [2, 3], Float64Array.from([1, 2, 3, 4, 5, 6]).buffer);
    const y = npy('<i8', [2], BigInt64Array.from([1n, 0n]).buffer);
    const columns = new Map([['y', ['y.npy']]]);
    const beside = (path: string): Uint8Array => (path === 'y.npy' ? y : nothing(path));
    expect(lists(readDataset('x.npy', x, needs(f32(3), i32(), { columns }), beside))).toEqual([
      [1, 2, 3, 4, 5, 6],
      [1, 0],
    ]);
  });

  it('reads big-endian .npy, and says what to do about words', () => {
    const big = new DataView(new ArrayBuffer(8));
    big.setFloat32(0, 1.5);
    big.setFloat32(4, -2);
    expect(lists(readDataset('x.npy', npy('>f4', [2, 1], big.buffer), needs(f32(1)), nothing))).toEqual([[1.5, -2]]);
    big.setBigInt64(0, -3n);
    expect(lists(readDataset('x.npy', npy('>i8', [1, 1], big.buffer), needs(f32(1)), nothing))).toEqual([[-3]]);
    expect(message(() => readDataset('y.npy', npy('<U1', [2], new ArrayBuffer(8)), needs(f32(1)), nothing))).toBe(
      "NN301: y.npy holds elements of type '<U1', which nnc does not read\n  help: words are numbered first, in NumPy: names, y = np.unique(words, return_inverse=True)",
    );
    expect(message(() => readDataset('y.npy', npy('<c8', [1], new ArrayBuffer(8)), needs(f32(1)), nothing))).toBe(
      'NN301: y.npy holds elements of type \'<c8\', which nnc does not read\n  help: it reads <f8 <f4 <f2 <i8 <i4 <i2 |i1 |u1 |b1; convert it in NumPy: x.astype("float32")',
    );
  });

  it('tells where the channels of images come last', () => {
    const last = npy('|u1', [1, 4, 5, 3], new ArrayBuffer(60));
    expect(message(() => readDataset('x.npy', last, needs(f32(3, 4, 5)), nothing))).toContain(
      'the tensor is [1, 4, 5, 3] in x.npy, and the input is [B, 3, 4, 5]\n  = help: its channels come last: declare input x: [4, 5, 3] and begin the layers with permute([0, 3, 1, 2]), or turn the array in NumPy: X.transpose(0, 3, 1, 2)',
    );
    expect(message(() => readDataset('x.npy', last, needs(f32(3, 4, 6)), nothing))).not.toContain('help');
  });

  it('makes classes of labels that are not counted from 0, as in tables', () => {
    const x = npy('<f4', [3, 1], new ArrayBuffer(12));
    const columns = new Map([['y', ['y.npy']]]);
    const read = (labels: readonly number[], more: Partial<Needs> & { readonly classes?: number }) =>
      readDataset('x.npy', x, needs(f32(1), i32(), { columns, classes: 2, ...more }), () =>
        npy('<i4', [3], Int32Array.from(labels).buffer),
      );
    const one = read([1, 2, 1], {});
    expect([lists(one)[1], one.learned?.classes, one.remarks]).toEqual([
      [0, 1, 0],
      { y: ['1', '2'] },
      ['y.npy: the labels 1, 2 are the classes 0 to 1'],
    ]);
    expect(lists(read([0, 1, 1], {}))[1]).toEqual([0, 1, 1]);
    expect(read([0, 1, 1], {}).learned).toBeUndefined();
    const known = { columns: {}, classes: { y: ['1', '2'] }, from: 'w' };
    expect(lists(read([2, 2, 2], { known }))[1]).toEqual([1, 1, 1]);
    expect(message(() => read([2, 3, 2], { known }))).toContain('y.npy holds the label 3, which is none of the classes 1, 2');
    // Folders of images have classes with names, and their numbers are right as they are.
    const named = { ...known, classes: { y: ['cat', 'dog'] } };
    expect(lists(read([1, 0, 1], { known: named }))[1]).toEqual([1, 0, 1]);
    expect(message(() => read([1, 2, 3], {}))).toContain('label 2 of example 2');
  });

  it('reads .npz by names, with unsigned bytes as shares of 255', () => {
    const file = zipSync({
      'x.npy': npy('|u1', [2, 1, 2], Uint8Array.from([0, 255, 51, 102]).buffer),
      'y.npy': npy('<f4', [2, 1], Float32Array.from([0.5, -1]).buffer),
    });
    const [x = [], y] = lists(readDataset('a.npz', file, needs(f32(1, 2), f32(1)), nothing));
    expect(x.map((v) => Math.round(v * 255))).toEqual([0, 255, 51, 102]);
    expect(y).toEqual([0.5, -1]);
  });

  it('reads MNIST: IDX files, packed, without the axis of the one channel', () => {
    const images = gzipSync(idx([2, 2, 2], [0, 255, 0, 255, 255, 0, 255, 0]));
    const labels = gzipSync(idx([2], [7, 3]));
    const columns = new Map([['y', ['labels-idx1-ubyte.gz']]]);
    const data = readDataset('images-idx3-ubyte.gz', images, needs(f32(1, 2, 2), i32(), { columns }), () => labels);
    expect(lists(data)).toEqual([
      [0, 1, 0, 1, 1, 0, 1, 0],
      [7, 3],
    ]);
  });

  it('divides unsigned bytes by 255 where they flow in, and says so, but never what the model is compared with', () => {
    const u8 = (...v: number[]): Uint8Array => npy('|u1', [2, 2], Uint8Array.from(v).buffer);
    const npz = readDataset(
      'a.npz',
      zipSync({ 'x.npy': u8(0, 255, 51, 102), 'y.npy': u8(0, 255, 51, 102) }),
      needs(f32(2), f32(2)),
      nothing,
    );
    expect(lists(npz)[0]?.map((v) => Math.round(v * 255))).toEqual([0, 255, 51, 102]);
    expect(lists(npz)[1]).toEqual([0, 255, 51, 102]);
    expect(npz.remarks).toEqual(["'x' in a.npz holds unsigned bytes, which the input takes divided by 255: from 0 to 1"]);
    const columns = new Map([['y', ['y-idx1-ubyte']]]);
    const images = readDataset('x-idx2-ubyte', idx([2, 1], [255, 0]), needs(f32(1), f32(1), { columns }), () => idx([2], [7, 255]));
    expect(lists(images)).toEqual([
      [1, 0],
      [7, 255],
    ]);
    expect(images.remarks).toHaveLength(1);
    expect(readDataset('x.npy', npy('<i4', [2, 2], Int32Array.from([1, 2, 3, 4]).buffer), needs(f32(2)), nothing).remarks).toEqual([]);
    expect(readDataset('x.npy', u8(1, 2, 3, 4), needs(i32(2)), nothing).remarks).toEqual([]);
  });

  it('are named by one list in the help of every command and in the error', () => {
    expect(DATA_FILES).toBe(
      '.csv, .tsv, .json, .jsonl, .npy, .npz, .safetensors, MNIST idx, .txt or .parquet, each also as .gz, or a folder of images',
    );
    const all = commands();
    for (const name of ['train', 'predict', 'build']) {
      const option = all.commands.find((c) => c.name() === name)?.options.find((o) => o.long === '--data');
      expect(option?.description).toContain(DATA_FILES);
    }
    expect(message(() => readDataset('a.xls', bytes(''), needs(f32(1)), nothing))).toContain(DATA_FILES);
  });

  it('reads JSON as a table and as tensors', () => {
    const table = bytes('[{"a": 1, "b": 2, "c": 3}, {"a": 4, "b": 5, "c": 6}]');
    const want = [
      [1, 2, 4, 5],
      [3, 6],
    ];
    expect(lists(readDataset('a.json', table, needs(f32(2), f32(1)), nothing))).toEqual(want);
    expect(lists(readDataset('a.json', bytes('{"x": [[1, 2], [4, 5]], "y": [3, 6]}'), needs(f32(2), f32(1)), nothing))).toEqual(want);
  });

  it('reads several inputs by their names', () => {
    const two: Needs = {
      inputs: [
        { name: 'size', type: f32(1) },
        { name: 'rooms', type: f32(2) },
      ],
      targets: [{ shown: 'y', type: f32(1), classes: undefined }],
      columns: new Map([['rooms', ['beds', 'baths']]]),
    };
    expect(lists(readDataset('a.csv', bytes('size,beds,baths,price\n1,2,3,4\n5,6,7,8\n'), two, nothing))).toEqual([
      [1, 5],
      [2, 3, 6, 7],
      [4, 8],
    ]);
  });

  it('cuts text into windows, each place compared with the token that follows', () => {
    const text = needs(i32(3), i32(3), { tokens: 'chars', context: 3 });
    expect(lists(readDataset('a.txt', bytes('abcabca'), text, nothing))).toEqual([
      [0, 1, 2, 0, 1, 2],
      [1, 2, 0, 1, 2, 0],
    ]);
  });

  it.each([
    ['short.npy', () => readDataset('a.npy', bytes('hello, hello'), needs(f32(1)), nothing), "it does not start with NumPy's magic word"],
    [
      'fewer bytes',
      () => readDataset('a.npy', npy('<f4', [4], new ArrayBuffer(8)), needs(f32(1)), nothing),
      'its shape promises 16 bytes, and 8 follow',
    ],
    ['complex', () => readDataset('a.npy', npy('<c8', [1], new ArrayBuffer(8)), needs(f32(1)), nothing), "elements of type '<c8'"],
    ['no zip', () => readDataset('a.npz', bytes('hello'), needs(f32(1)), nothing), 'a.npz is not a ZIP archive'],
    ['no gzip', () => readDataset('a.csv.gz', bytes('hello'), needs(f32(1)), nothing), 'a.csv.gz is not a gzip file'],
    [
      'idx of floats',
      () => readDataset('a.idx3-ubyte', Uint8Array.from([0, 0, 13, 1, 0, 0, 0, 1, 0]), needs(f32(1)), nothing),
      'elements of type 13',
    ],
    ['a cut idx', () => readDataset('a.idx3-ubyte', idx([3], [1, 2]), needs(f32(1)), nothing), 'its head promises 3 bytes, and 2 follow'],
    ['no JSON', () => readDataset('a.json', bytes('{'), needs(f32(1)), nothing), 'a.json: '],
    [
      'uneven lists',
      () => readDataset('a.json', bytes('{"x": [[1], [2, 3]]}'), needs(f32(1)), nothing),
      "'x' is not an even list of numbers",
    ],
    [
      'a list in JSON',
      () => readDataset('a.json', bytes('[{"a": [1]}]'), needs(f32(1), undefined), nothing),
      "'a' of row 1 in a.json is [1]",
    ],
    ['text without a cut', () => readDataset('a.txt', bytes('abc'), needs(i32(2)), nothing), 'the program does not say how to cut it'],
    [
      'short text',
      () => readDataset('a.txt', bytes('abc'), needs(i32(8), i32(8), { tokens: 'bytes', context: 8 }), nothing),
      'one example takes 9',
    ],
    [
      'text as a table',
      () => readDataset('a.csv', bytes('a\n1'), needs(i32(8), i32(8), { tokens: 'chars', context: 8 }), nothing),
      'no text, so it has no tokens',
    ],
    [
      'labels nowhere',
      () => readDataset('a.npy', npy('<f4', [1, 1], new ArrayBuffer(4)), needs(f32(1), f32(1)), nothing),
      'the target needs a file too, which lies beside it\n  = help: name it: data "a.npy" y="Y.npy"',
    ],
  ] as const)('%s', (_name, body, text) => {
    expect(message(body)).toContain(text);
  });
});
