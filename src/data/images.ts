import { refuseCompanions } from './companions.ts';
import { reject } from './labels.ts';
import type { Dataset, Needs } from './needs.ts';
import { decodeImage } from './decode-image.ts';
import { isTransparent, opaque, scaled, type Pixels } from './pixels.ts';
import { withScales } from './scales.ts';
import { ByteRows } from './values.ts';

/** An image of a folder: the folder's name is its class, and `''` where that is not known. */
export interface ImageFile {
  readonly name: string;
  readonly label: string;
  readonly read: () => Uint8Array;
}

export const isImage = (name: string): boolean => /\.(png|jpe?g)$/i.test(name);

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
  let pixels: Uint8Array | Uint16Array = new Uint8Array(files.length * each);
  const seen = { grey: 0, colour: 0, scaled: 0, transparent: 0 };
  files.forEach((file, i) => {
    const found = decodeImage(file.name, file.read());
    if (isTransparent(found)) seen.transparent++;
    const image = opaque(found);
    // One image of 16 bits makes all of them such.
    if (image.most > 255 && pixels instanceof Uint8Array) pixels = Uint16Array.from(pixels, (v) => v * WIDER);
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
    place(fits ? image : scaled(image, form.width, form.height), form, pixels, i * each);
  });
  const { targets, classes, labels } = labelsOf(path, files, needs);
  const dataset: Dataset = {
    rows: files.length,
    tensors: [new ByteRows(pixels, each), ...targets],
    learned: { columns: {}, classes },
    files: files.map((f) => f.name),
    remarks: [
      ...(needs.targets.length === 0
        ? []
        : [`${files.length} images of ${labels.length} class${labels.length === 1 ? '' : 'es'} (${someOf(labels)}), from 0 to 1`]),
      ...(seen.scaled > 0 ? [`${seen.scaled} of them are scaled to ${form.width} x ${form.height} pixels`] : []),
      ...(seen.transparent > 0 ? [`${seen.transparent} images with transparent pixels are put onto white`] : []),
      ...(form.channels === 1 && seen.colour > 0 ? [`${seen.colour} images in colour become grey, since the input has one channel`] : []),
      ...(form.channels === 3 && seen.grey > 0 ? [`${seen.grey} grey images get three equal channels`] : []),
    ],
  };
  return withScales(path, dataset, needs);
}

const someOf = (labels: readonly string[]): string => `${labels.slice(0, 8).join(', ')}${labels.length > 8 ? ', ...' : ''}`;

/** How red, green and blue make grey (ITU-R BT.601). */
const GREY = [0.299, 0.587, 0.114] as const;

/** From the brightest value of one byte to that of two. */
const WIDER = 257;

/** Writes an image's pixels in the form of the input. */
function place({ channels, most, data }: Pixels, form: Form, out: Uint8Array | Uint16Array, at: number): void {
  const pixels = form.width * form.height;
  const factor = most === 255 && out instanceof Uint16Array ? WIDER : 1;
  for (let p = 0; p < pixels; p++) {
    if (form.channels === 1) {
      const grey = channels === 1 ? (data[p] ?? 0) : GREY.reduce((sum, w, k) => sum + w * (data[p * channels + k] ?? 0), 0);
      out[at + p] = Math.round(grey * factor);
      continue;
    }
    for (let k = 0; k < form.channels; k++)
      out[at + (form.last ? p * form.channels + k : k * pixels + p)] = factor * (data[channels === 1 ? p : p * channels + k] ?? 0);
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
      `${path} has ${labels.length} folders, which are classes (${someOf(labels)}), and the model has ${sides ? 'one output for yes and no' : `${most} classes`}`,
      `end the layers with ${labels.length} outputs and write: loss cross_entropy`,
    );
  return {
    targets: [sides ? Float32Array.from(numbers) : Int32Array.from(numbers)],
    classes: { [target.shown]: labels },
    labels,
  };
}
