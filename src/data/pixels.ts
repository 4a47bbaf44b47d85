/** Pixels row by row, with channels side by side. */
export interface Pixels {
  readonly width: number;
  readonly height: number;
  readonly channels: number;
  /** The brightest value: of one byte, or of two. */
  readonly most: 255 | 65_535;
  readonly data: Uint8Array | Uint16Array;
}

/** Thrown by readers of images. */
export class Damaged extends Error {
  constructor() {
    super('is cut off or damaged');
  }
}

const blank = (most: Pixels['most'], length: number): Uint8Array | Uint16Array =>
  most === 255 ? new Uint8Array(length) : new Uint16Array(length);

export const isTransparent = ({ channels, data, most }: Pixels): boolean => {
  if (channels === 1 || channels === 3) return false;
  for (let i = channels - 1; i < data.length; i += channels) if (data[i] !== most) return true;
  return false;
};

/** Puts an image with transparent pixels onto white. */
export function opaque(image: Pixels): Pixels {
  const { channels, data, most, width, height } = image;
  if (channels === 1 || channels === 3) return image;
  const colours = channels - 1;
  const out = blank(most, width * height * colours);
  for (let p = 0; p < width * height; p++) {
    const alpha = (data[p * channels + colours] ?? most) / most;
    for (let k = 0; k < colours; k++) out[p * colours + k] = Math.round(most + alpha * ((data[p * channels + k] ?? 0) - most));
  }
  return { ...image, channels: colours, data: out };
}

/** Scales by the mean of what each new pixel covers, as Pillow's BOX and BILINEAR filters do for smaller and larger images. */
export function scaled(image: Pixels, width: number, height: number): Pixels {
  return alongRows(transposed(alongRows(transposed(image), height)), width);
}

function transposed(image: Pixels): Pixels {
  const { width, height, channels, most, data } = image;
  const out = blank(most, data.length);
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++)
      for (let k = 0; k < channels; k++) out[(x * height + y) * channels + k] = data[(y * width + x) * channels + k] ?? 0;
  return { ...image, width: height, height: width, data: out };
}

/** Scales every row to a width: each new pixel is a weighted mean, with a triangle over at least two old pixels. */
function alongRows(image: Pixels, to: number): Pixels {
  const { width, height, channels, most, data } = image;
  const ratio = width / to;
  const reach = Math.max(1, ratio);
  const out = blank(most, to * height * channels);
  for (let x = 0; x < to; x++) {
    const centre = (x + 0.5) * ratio - 0.5;
    const [first, last] = [Math.max(0, Math.ceil(centre - reach)), Math.min(width - 1, Math.floor(centre + reach))];
    const weights = Array.from({ length: last - first + 1 }, (_, i) => Math.max(0, 1 - Math.abs(first + i - centre) / reach));
    const total = weights.reduce((a, b) => a + b, 0);
    for (let y = 0; y < height; y++)
      for (let k = 0; k < channels; k++) {
        const sum = weights.reduce((a, w, i) => a + w * (data[(y * width + first + i) * channels + k] ?? 0), 0);
        out[(y * to + x) * channels + k] = Math.round(sum / total);
      }
  }
  return { ...image, width: to, data: out };
}
