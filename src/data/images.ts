import { convertIndexedToRgb, decode as decodePng } from 'fast-png';
import jpeg from 'jpeg-js';
import { fail, messageOf } from '../base/errors.ts';
import { refuseCompanions } from './companions.ts';
import { reject } from './labels.ts';
import type { Dataset, Needs } from './needs.ts';
import { ByteRows } from './values.ts';

/** An image of a folder: the folder's name is its class, and `''` where that is not known. */
export interface ImageFile {
  readonly name: string;
  readonly label: string;
  readonly read: () => Uint8Array;
}

export const isImage = (name: string): boolean => /\.(png|jpe?g)$/i.test(name);

/** Pixels row by row, with channels of one byte side by side. */
interface Pixels {
  readonly width: number;
  readonly height: number;
  readonly channels: number;
  readonly data: Uint8Array;
}

/** What one example looks like: planes as in PyTorch ([C, H, W] or [H, W]), or channels last ([H, W, C]). */
interface Form {
  readonly channels: number;
  readonly height: number;
  readonly width: number;
  readonly last: boolean;
}

const CHANNELS = [1, 3];

function formOf(needs: Needs): Form {
  const [input, ...others] = needs.inputs;
  const shape = input?.type.shape.slice(1) ?? [];
  const [a = 0, b = 0, c = 0] = shape.map((d) => (typeof d === 'number' ? d : 0));
  if (input?.type.dtype === 'f32' && others.length === 0) {
    if (shape.length === 2) return { channels: 1, height: a, width: b, last: false };
    if (shape.length === 3 && CHANNELS.includes(a)) return { channels: a, height: b, width: c, last: false };
    if (shape.length === 3 && CHANNELS.includes(c)) return { channels: c, height: a, width: b, last: true };
  }
  return reject(
    needs,
    'NN304',
    'images need one input of channels, height and width',
    'declare it: input x: [3, 32, 32]; 1 channel is grey, 3 are red, green and blue',
  );
}

/** Reads PNG and JPEG images of any class. All have the size of the input, or are scaled to it if the program says `resize`. */
export function readImages(path: string, files: readonly ImageFile[], needs: Needs): Dataset {
  refuseCompanions(path, needs);
  if (files.length === 0)
    reject(
      needs,
      'NN301',
      `${path} holds no images`,
      needs.targets.length === 0
        ? 'it should hold .png or .jpg files, or folders of them'
        : 'it should hold a folder for each class, with .png or .jpg files in it',
    );
  const form = formOf(needs);
  const each = form.channels * form.height * form.width;
  const bytes = new Uint8Array(files.length * each);
  const seen = { grey: 0, colour: 0, scaled: 0 };
  files.forEach((file, i) => {
    const image = decode(file);
    if (image.channels === 1) seen.grey++;
    else seen.colour++;
    const fits = image.width === form.width && image.height === form.height;
    if (!fits && !needs.resize)
      reject(
        needs,
        'NN304',
        `${file.name} has ${image.width} x ${image.height} pixels, and the input takes ${form.width} x ${form.height}`,
        'add resize to the data line to scale images to the size of the input',
      );
    if (!fits) seen.scaled++;
    place(fits ? image : scaled(image, form.width, form.height), form, bytes, i * each);
  });
  const { targets, classes, labels } = labelsOf(path, files, needs);
  return {
    rows: files.length,
    tensors: [new ByteRows(bytes, each), ...targets],
    learned: { columns: {}, classes },
    files: files.map((f) => f.name),
    remarks: [
      ...(needs.targets.length === 0
        ? []
        : [
            `${files.length} images of ${labels.length} class${labels.length === 1 ? '' : 'es'} (${labels.slice(0, 8).join(', ')}${labels.length > 8 ? ', ...' : ''}), from 0 to 1`,
          ]),
      ...(seen.scaled > 0 ? [`${seen.scaled} of them are scaled to ${form.width} x ${form.height} pixels`] : []),
      ...(form.channels === 1 && seen.colour > 0 ? [`${seen.colour} images in colour become grey, since the input has one channel`] : []),
      ...(form.channels === 3 && seen.grey > 0 ? [`${seen.grey} grey images get three equal channels`] : []),
    ],
  };
}

function decode({ name, read }: ImageFile): Pixels {
  try {
    return /\.png$/i.test(name) ? png(read()) : jpg(read());
  } catch (e) {
    return fail('NN301', `${name} cannot be read as an image: ${messageOf(e)}`, { help: 'take it out of the folder, or save it anew' });
  }
}

function jpg(bytes: Uint8Array): Pixels {
  const { width, height, data } = jpeg.decode(bytes, { useTArray: true, formatAsRGBA: false });
  return { width, height, channels: 3, data };
}

function png(bytes: Uint8Array): Pixels {
  const image = decodePng(bytes);
  const { width, height, depth, palette } = image;
  if (palette) return opaque({ width, height, channels: palette[0]?.length ?? 3, data: convertIndexedToRgb(image) });
  if (depth < 8) throw new Error(`it has ${depth} bits for each pixel, and nnc reads 8 or 16`);
  const data = depth === 16 ? Uint8Array.from(image.data, (v) => v >> 8) : Uint8Array.from(image.data);
  return opaque({ width, height, channels: image.channels, data });
}

/** Puts an image with transparent pixels onto white. */
function opaque(image: Pixels): Pixels {
  const { channels, data, width, height } = image;
  if (channels === 1 || channels === 3) return image;
  const colours = channels - 1;
  const out = new Uint8Array(width * height * colours);
  for (let p = 0; p < width * height; p++) {
    const alpha = (data[p * channels + colours] ?? 255) / 255;
    for (let k = 0; k < colours; k++) out[p * colours + k] = Math.round(255 + alpha * ((data[p * channels + k] ?? 0) - 255));
  }
  return { width, height, channels: colours, data: out };
}

/** Scales by the mean of what each new pixel covers, as Pillow's BOX and BILINEAR filters do for smaller and larger images. */
function scaled(image: Pixels, width: number, height: number): Pixels {
  return alongRows(transposed(alongRows(transposed(image), height)), width);
}

function transposed({ width, height, channels, data }: Pixels): Pixels {
  const out = new Uint8Array(data.length);
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++)
      for (let k = 0; k < channels; k++) out[(x * height + y) * channels + k] = data[(y * width + x) * channels + k] ?? 0;
  return { width: height, height: width, channels, data: out };
}

/** Scales every row to a width: each new pixel is a weighted mean, with a triangle over at least two old pixels. */
function alongRows({ width, height, channels, data }: Pixels, to: number): Pixels {
  const ratio = width / to;
  const reach = Math.max(1, ratio);
  const out = new Uint8Array(to * height * channels);
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
  return { width: to, height, channels, data: out };
}

/** How red, green and blue make grey (ITU-R BT.601). */
const GREY = [0.299, 0.587, 0.114] as const;

/** Writes an image's pixels in the form of the input. */
function place({ channels, data }: Pixels, form: Form, out: Uint8Array, at: number): void {
  const pixels = form.width * form.height;
  for (let p = 0; p < pixels; p++) {
    if (form.channels === 1) {
      const grey = channels === 1 ? (data[p] ?? 0) : GREY.reduce((sum, w, k) => sum + w * (data[p * channels + k] ?? 0), 0);
      out[at + p] = Math.round(grey);
      continue;
    }
    for (let k = 0; k < form.channels; k++)
      out[at + (form.last ? p * form.channels + k : k * pixels + p)] = data[channels === 1 ? p : p * channels + k] ?? 0;
  }
}

function labelsOf(
  path: string,
  files: readonly ImageFile[],
  needs: Needs,
): {
  readonly targets: Dataset['tensors'];
  readonly classes: Readonly<Record<string, readonly string[]>>;
  readonly labels: readonly string[];
} {
  const [target, ...others] = needs.targets;
  const [first] = files;
  if (target && first?.label === '')
    reject(
      needs,
      'NN306',
      `${first.name} lies in no folder of a class, so its class is not known`,
      'give a folder that holds a folder for each class, with .png or .jpg files in it',
    );
  const known = target && needs.known?.classes[target.shown];
  const labels = known ?? [...new Set(files.map((f) => f.label))].sort();
  if (!target) return { targets: [], classes: {}, labels };
  if (others.length > 0) reject(needs, 'NN304', `${path} gives one class for each image, and the model has ${others.length + 1} targets`);
  const strange = files.find((f) => !labels.includes(f.label));
  if (strange) reject(needs, 'NN306', `${strange.name} is of class '${strange.label}', which is none of ${labels.join(', ')}`);
  const numbers = files.map((f) => labels.indexOf(f.label));
  const sides = target.type.dtype === 'f32';
  const most = sides ? 2 : (target.classes ?? Infinity);
  if (labels.length > most || (sides && labels.length !== 2))
    reject(
      needs,
      'NN306',
      `${path} has ${labels.length} folders, which are classes, and the model has ${sides ? 'one output for yes and no' : `${most} classes`}`,
      `end the layers with ${labels.length} outputs and write: loss cross_entropy`,
    );
  return {
    targets: [sides ? Float32Array.from(numbers) : Int32Array.from(numbers)],
    classes: { [target.shown]: labels },
    labels,
  };
}
