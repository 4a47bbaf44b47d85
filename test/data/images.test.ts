import { encode } from 'fast-png';
import jpeg from 'jpeg-js';
import { describe, expect, it } from 'vitest';
import { readImages, type ImageFile } from '../../src/data/images.ts';
import { f32, i32, lists, message, needs } from '../support/data.ts';

/** Folders of images by class. */
const png = (width: number, height: number, channels: 1 | 2 | 3 | 4, data: readonly number[], depth: 8 | 16 = 8): Uint8Array =>
  encode({ width, height, channels, depth, data: depth === 16 ? Uint16Array.from(data) : Uint8Array.from(data) });
const image = (label: string, name: string, bytes: Uint8Array): ImageFile => ({ label, name: `${label}/${name}`, read: () => bytes });
const GREY = [0, 51, 102, 255];
const COLOUR = [255, 0, 0, 0, 255, 0, 0, 0, 255, 255, 255, 255];
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

  it('transparent pixels lie on white, and 16 bits become 8', () => {
    const files = [
      image('a', 'a.png', png(2, 1, 4, [255, 0, 0, 0, 0, 0, 0, 255])),
      image('a', 'b.png', png(2, 1, 1, [65_535, 13_107], 16)),
    ];
    near(lists(readImages('d', files, needs(f32(1, 1, 2))))[0], [1, 0, 1, 0.2]);
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
    expect(message(() => readImages('d', [image('a', 'x.png', Uint8Array.of(1, 2))], needs(f32(2, 2))))).toContain(
      'a/x.png cannot be read as an image',
    );
    const three = ['a', 'b', 'c'].map((l) => image(l, 'a.png', png(2, 2, 1, GREY)));
    expect(message(() => readImages('d', three, needs(f32(2, 2), i32(), { classes: 2 })))).toContain(
      'd has 3 folders, which are classes, and the model has 2 classes',
    );
    expect(message(() => readImages('d', three, needs(f32(2, 2), f32(1))))).toContain('the model has one output for yes and no');
  });
});
