import { convertIndexedToRgb, decode } from 'fast-png';
import { Unzlib } from 'fflate';
import { crc32 } from '../base/crc32.ts';
import { Damaged, type Pixels } from './pixels.ts';

/** Reads a PNG whose sums are right: the CRC-32 of each chunk, and the Adler-32 of what it unpacks to (PNG, 5.4; RFC 1950, 2.2). */
export function readPng(bytes: Uint8Array): Pixels {
  checkSums(bytes);
  const image = decode(bytes);
  const { width, height, depth, palette, transparency } = image;
  if (palette) return { width, height, channels: palette[0]?.length ?? 3, most: 255, data: convertIndexedToRgb(image) };
  if (depth < 8) throw new Error(`has ${depth} bit${depth === 1 ? '' : 's'} for each pixel, and nnc reads 8 or 16`);
  const data = image.data instanceof Uint16Array ? image.data : new Uint8Array(image.data);
  const pixels = { width, height, channels: image.channels, most: depth === 16 ? 65_535 : 255, data } as const;
  return transparency ? withAlpha(pixels, transparency) : pixels;
}

/** One colour of an image without an alpha channel may be transparent. */
function withAlpha(image: Pixels, key: Uint16Array): Pixels {
  const { width, height, channels, most, data } = image;
  const out = most === 255 ? new Uint8Array(width * height * (channels + 1)) : new Uint16Array(width * height * (channels + 1));
  for (let p = 0; p < width * height; p++) {
    const colour = data.subarray(p * channels, (p + 1) * channels);
    out.set(colour, p * (channels + 1));
    out[p * (channels + 1) + channels] = colour.every((v, k) => v === key[k]) ? 0 : most;
  }
  return { ...image, channels: channels + 1, data: out };
}

const SIGNATURE = 8;
/** Channels by type of colour. */
const CHANNELS: Readonly<Record<number, number>> = { 0: 1, 2: 3, 3: 1, 4: 2, 6: 4 };
/** The passes of an interlaced image: first column and row, and the steps between them. */
const ADAM7 = ['0088', '4088', '0448', '2044', '0224', '1022', '0112'].map((p) => [...p].map(Number) as [number, number, number, number]);
/** Writers may leave something behind the pixels; more than this is no image. */
const SPARE = 2 ** 16;

function checkSums(bytes: Uint8Array): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const packed: Uint8Array[] = [];
  let size: number | undefined;
  for (let at = SIGNATURE, type = ''; type !== 'IEND';) {
    if (at + 12 > bytes.length) throw new Damaged();
    const end = at + 8 + view.getUint32(at);
    if (end + 4 > bytes.length || crc32(bytes.subarray(at + 4, end)) !== view.getUint32(end)) throw new Damaged();
    type = String.fromCharCode(...bytes.subarray(at + 4, at + 8));
    if (type === 'IHDR') size = sizeOf(view, at + 8);
    if (type === 'IDAT') packed.push(bytes.subarray(at + 8, end));
    at = end + 4;
  }
  if (size === undefined) throw new Damaged();
  checkPacked(packed, size);
}

/** The bytes of all pixels: rows of whole bytes, each behind the number of its filter. */
function sizeOf(view: DataView, at: number): number {
  const [width, height] = [view.getUint32(at), view.getUint32(at + 4)];
  const bits = view.getUint8(at + 8) * (CHANNELS[view.getUint8(at + 9)] ?? 0);
  const rows = (w: number, h: number): number => (w === 0 ? 0 : h * (1 + Math.ceil((w * bits) / 8)));
  if (view.getUint8(at + 12) === 0) return rows(width, height);
  return ADAM7.map(([x, y, dx, dy]) => rows(Math.max(0, Math.ceil((width - x) / dx)), Math.max(0, Math.ceil((height - y) / dy)))).reduce(
    (a, b) => a + b,
    0,
  );
}

function checkPacked(packed: readonly Uint8Array[], size: number): void {
  let [length, a, b] = [0, 1, 0];
  const inflator = new Unzlib((part) => {
    length += part.length;
    if (length > size + SPARE) throw new Damaged();
    // Sums of so few bytes stay whole numbers that are exact.
    for (let from = 0; from < part.length; from += 5552) {
      for (let i = from; i < Math.min(part.length, from + 5552); i++) b += a += part[i] ?? 0;
      a %= 65_521;
      b %= 65_521;
    }
  });
  packed.forEach((part, i) => inflator.push(part, i === packed.length - 1));
  const last = new Uint8Array(4);
  let to = 4;
  for (const part of packed.toReversed()) for (let i = part.length - 1; i >= 0 && to > 0; i--) last[--to] = part[i] ?? 0;
  if (length < size || new DataView(last.buffer).getUint32(0) !== ((b << 16) | a) >>> 0) throw new Damaged();
}
