import { encode } from 'fast-png';
import { zlibSync } from 'fflate';
import jpeg from 'jpeg-js';
import { describe, expect, it } from 'vitest';
import { crc32 } from '../../src/base/crc32.ts';
import { readImages, type ImageFile } from '../../src/data/images.ts';
import { f32, i32, lists, message, needs } from '../support/data.ts';

/** Folders of images by class. */
const png = (width: number, height: number, channels: 1 | 2 | 3 | 4, data: readonly number[], depth: 8 | 16 = 8): Uint8Array =>
  encode({ width, height, channels, depth, data: depth === 16 ? Uint16Array.from(data) : Uint8Array.from(data) });
const image = (label: string, name: string, bytes: Uint8Array): ImageFile => ({ label, name: `${label}/${name}`, read: () => bytes });
const GREY = [0, 51, 102, 255];
const COLOUR = [255, 0, 0, 0, 255, 0, 0, 0, 255, 255, 255, 255];
/** Puts a chunk before the pixels. */
function withChunk(bytes: Uint8Array, type: string, content: readonly number[]): Uint8Array {
  const named = Uint8Array.from([...new TextEncoder().encode(type), ...content]);
  const word = (v: number): number[] => [v >>> 24, (v >> 16) & 255, (v >> 8) & 255, v & 255];
  return Uint8Array.from([...bytes.subarray(0, 33), ...word(content.length), ...named, ...word(crc32(named)), ...bytes.subarray(33)]);
}
const near = (a: readonly number[] | undefined, b: readonly number[], digits = 5): void => {
  expect(a).toHaveLength(b.length);
  b.forEach((v, i) => expect(a?.[i], String(i)).toBeCloseTo(v, digits));
};

describe('a folder of images', () => {
  it('gives planes from 0 to 1, and the folders are classes', () => {
    const files = [image('dog', 'a.png', png(2, 2, 1, GREY)), image('cat', 'b.png', png(2, 2, 1, [255, 0, 0, 0]))];
    const d = readImages('pets', files, needs(f32(2, 2), i32(), { classes: 2 }));
    near(lists(d)[0], [0, 0.2, 0.4, 1, 1, 0, 0, 0]);
    expect(lists(d)[1]).toEqual([1, 0]);
    expect(d.learned?.classes).toEqual({ y: ['cat', 'dog'] });
    expect(d.remarks).toEqual(['2 images of 2 classes (cat, dog), from 0 to 1']);
    // Weights that know the classes keep their numbers.
    const known = { from: 'w', columns: {}, classes: { y: ['dog', 'cat'] } };
    expect(lists(readImages('pets', files, needs(f32(2, 2), i32(), { classes: 2, known })))[1]).toEqual([0, 1]);
    expect(lists(readImages('pets', files, needs(f32(2, 2), f32(1))))[1]).toEqual([1, 0]);
  });

  it('colours lie in planes, or last if the input says so', () => {
    const files = [image('a', 'a.png', png(2, 2, 3, COLOUR))];
    near(lists(readImages('d', files, needs(f32(3, 2, 2))))[0], [1, 0, 0, 1, 0, 1, 0, 1, 0, 0, 1, 1]);
    near(
      lists(readImages('d', files, needs(f32(2, 2, 3))))[0],
      COLOUR.map((v) => v / 255),
    );
  });

  it('grey and colour become what the input takes, and this is said', () => {
    const files = [image('a', 'a.png', png(2, 2, 3, COLOUR)), image('a', 'b.png', png(2, 2, 1, GREY))];
    const grey = readImages('d', files, needs(f32(1, 2, 2)));
    near(lists(grey)[0], [76 / 255, 150 / 255, 29 / 255, 1, 0, 0.2, 0.4, 1]);
    expect(grey.remarks).toContain('1 images in colour become grey, since the input has one channel');
    const colour = readImages('d', files, needs(f32(3, 2, 2)));
    near(lists(colour)[0]?.slice(12), [0, 0.2, 0.4, 1, 0, 0.2, 0.4, 1, 0, 0.2, 0.4, 1]);
    expect(colour.remarks).toContain('1 grey images get three equal channels');
  });

  it('transparent pixels lie on white, and this is said', () => {
    const files = [
      image('a', 'a.png', png(2, 1, 4, [255, 0, 0, 0, 0, 0, 0, 255])),
      image('a', 'b.png', png(2, 1, 4, [0, 0, 0, 255, 51, 51, 51, 255])),
    ];
    const d = readImages('d', files, needs(f32(1, 1, 2)));
    near(lists(d)[0], [1, 0, 0, 0.2]);
    expect(d.remarks).toContain('1 images with transparent pixels are put onto white');
    // One colour may be the transparent one (tRNS).
    const keyed = withChunk(png(2, 1, 1, [7, 51]), 'tRNS', [0, 7]);
    near(lists(readImages('d', [image('a', 'a.png', keyed)], needs(f32(1, 1, 2))))[0], [1, 0.2]);
  });

  it('16 bits stay 16, beside images of 8', () => {
    const deep = image('a', 'b.png', png(2, 1, 1, [65_535, 1000], 16));
    const files = [image('a', 'a.png', png(2, 1, 1, [255, 51])), deep, image('a', 'c.png', png(2, 1, 1, [0, 102]))];
    near(lists(readImages('d', files, needs(f32(1, 1, 2))))[0], [1, 0.2, 1, 1000 / 65_535, 0, 0.4], 6);
    const [left = 0] = lists(readImages('d', [deep], needs(f32(1, 1), undefined, { resize: true })))[0] ?? [];
    expect(left).toBeCloseTo((65_535 + 1000) / 2 / 65_535, 4);
    // With transparency, on white.
    near(lists(readImages('d', [image('a', 'd.png', png(1, 1, 2, [1000, 65_535], 16))], needs(f32(1, 1))))[0], [1000 / 65_535], 6);
  });

  it('is read whether interlaced or not', () => {
    for (const [width, height] of [
      [1, 5],
      [5, 4],
      [8, 8],
      [9, 2],
    ] as const) {
      const data = Array.from({ length: width * height * 3 }, (_, i) => (i * 37) % 256);
      const bytes = encode({ width, height, channels: 3, depth: 8, data: Uint8Array.from(data) }, { interlace: 'Adam7' });
      near(
        lists(readImages('d', [image('a', 'a.png', bytes)], needs(f32(height, width, 3))))[0],
        data.map((v) => v / 255),
      );
    }
  });

  it('reads JPEG', () => {
    const data = Uint8Array.from({ length: 16 * 16 * 4 }, (_, i) => (i % 4 === 3 ? 255 : i % 4 === 0 ? 200 : 40));
    const bytes = new Uint8Array(jpeg.encode({ width: 16, height: 16, data }, 95).data);
    const [x] = lists(readImages('d', [image('a', 'a.jpg', bytes)], needs(f32(3, 16, 16))));
    near([x?.[0] ?? 0, x?.[256] ?? 0, x?.[700] ?? 0], [200 / 255, 40 / 255, 40 / 255], 1);
  });

  it('scales images if the program says so', () => {
    const files = [image('a', 'a.png', png(4, 2, 1, [0, 0, 255, 255, 0, 0, 255, 255]))];
    const d = readImages('d', files, needs(f32(1, 2), undefined, { resize: true }));
    const [left = 1, right = 0] = lists(d)[0] ?? [];
    expect([left < 0.2, right > 0.8]).toEqual([true, true]);
    expect(d.remarks).toContain('1 of them are scaled to 2 x 1 pixels');
    near(
      lists(readImages('d', [image('a', 'b.png', png(1, 1, 1, [51]))], needs(f32(3, 3), undefined, { resize: true })))[0],
      Array<number>(9).fill(0.2),
    );
  });

  it('tells what is wrong', () => {
    const one = [image('a', 'a.png', png(2, 2, 1, GREY))];
    expect(message(() => readImages('d', [], needs(f32(2, 2))))).toContain('d holds no images');
    expect(message(() => readImages('d', one, needs(f32(3))))).toContain('images need one input of channels, height and width');
    expect(message(() => readImages('d', one, needs(f32(1, 4, 4))))).toContain('a/a.png has 2 x 2 pixels, and the input takes 4 x 4');
    const three = ['a', 'b', 'c'].map((l) => image(l, 'a.png', png(2, 2, 1, GREY)));
    expect(message(() => readImages('d', three, needs(f32(2, 2), i32(), { classes: 2 })))).toContain(
      'd has 3 folders, which are classes (a, b, c), and the model has 2 classes',
    );
    expect(message(() => readImages('d', three, needs(f32(2, 2), f32(1))))).toContain('the model has one output for yes and no');
  });
});

describe('a picture that is broken', () => {
  const DAMAGED = 'NN301: a/x.png is cut off or damaged\n  help: take it out of the folder, or save it anew';
  const read = (name: string, bytes: Uint8Array) => (): unknown => readImages('d', [image('a', name, bytes)], needs(f32(2, 2)));
  const whole = png(2, 2, 1, GREY);

  it('is told, whatever byte of it is another one', () => {
    for (let at = 0; at < whole.length; at++) {
      const other = whole.slice();
      other[at] = (other[at] ?? 0) ^ 16;
      expect(message(read('x.png', other)), String(at)).toBe(DAMAGED);
    }
  });

  it('is told, wherever it is cut off', () => {
    for (let length = 0; length < whole.length; length++) expect(message(read('x.png', whole.slice(0, length)))).toBe(DAMAGED);
    const jpg = new Uint8Array(jpeg.encode({ width: 2, height: 2, data: new Uint8Array(16).fill(90) }, 95).data);
    expect(lists(readImages('d', [image('a', 'x.jpg', jpg)], needs(f32(2, 2))))[0]).toHaveLength(4);
    for (let length = 0; length < jpg.length; length++)
      expect(message(read('x.jpg', jpg.slice(0, length)))).toBe(DAMAGED.replace('png', 'jpg'));
  });

  it('is told by the sum of what is packed (Adler-32), and by rows that are missing', () => {
    const packed = (rows: readonly number[], change = 0): Uint8Array => {
      const zlib = zlibSync(Uint8Array.from(rows));
      zlib[zlib.length - 1] = (zlib.at(-1) ?? 0) ^ change;
      // In place of the pixels of the whole image.
      const head = whole.slice(0, 33);
      return Uint8Array.from([...withChunk(head, 'IDAT', [...zlib]), ...whole.subarray(whole.length - 12)]);
    };
    near(lists(readImages('d', [image('a', 'x.png', packed([0, 0, 51, 0, 102, 255]))], needs(f32(2, 2))))[0], [0, 0.2, 0.4, 1]);
    expect(message(read('x.png', packed([0, 0, 51, 0, 102, 255], 1)))).toBe(DAMAGED);
    expect(message(read('x.png', packed([0, 0, 51])))).toBe(DAMAGED);
    expect(message(read('x.png', packed(Array<number>(100_000).fill(0))))).toBe(DAMAGED);
  });

  it('or of another kind is told by what it is, not by its name', () => {
    const bytes = (text: string): Uint8Array => Uint8Array.from(text, (c) => c.charCodeAt(0));
    for (const [name, head] of [
      ['GIF', 'GIF89a'],
      ['BMP', 'BM'],
      ['WebP', 'RIFF....WEBPVP8'],
      ['TIFF', 'II*\0'],
    ] as const)
      expect(message(read('x.png', bytes(head)))).toBe(
        `NN301: a/x.png is a ${name} image, and nnc reads PNG and JPEG\n  help: take it out of the folder, or save it anew`,
      );
    near(lists(readImages('d', [image('a', 'x.jpg', whole)], needs(f32(2, 2))))[0], [0, 0.2, 0.4, 1]);
  });
});
