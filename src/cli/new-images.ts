import { fail } from '../base/errors.ts';
import { decodeImage } from '../data/decode-image.ts';
import { imagesIn } from './image-folders.ts';

/** A first program for a folder of images, and what is said about it. */
export interface ImageProgram {
  readonly text: string;
  readonly classes: readonly string[];
  readonly remarks: readonly string[];
}

/** Larger images are scaled: a first program should train in minutes. */
const LARGEST = 64;

/** Writes a first program for a folder with a folder of images for each class; `place` is its path in the program. */
export function imageProgram(folder: string, place: string): ImageProgram {
  const { files, remarks } = imagesIn(folder, { targets: [{ shown: 'y', type: { dtype: 'i32', shape: [] }, classes: undefined }] });
  const classes = [...new Set(files.map((f) => f.label))].sort();
  if (classes.length < 2)
    fail('NN301', files.length === 0 ? `${folder} holds no images` : `${folder} has no images of two classes or more`, {
      help: 'put the .png or .jpg files of each class into a folder of its own, which has the name of the class',
    });
  const firsts = classes.flatMap((label) => files.find((f) => f.label === label) ?? []).map((f) => decodeImage(f.name, f.read()));
  const [{ width, height } = { width: 1, height: 1 }] = firsts;
  const smaller = Math.min(1, LARGEST / Math.max(width, height));
  const [h, w] = [height, width].map((d) => Math.max(1, Math.round(d * smaller))) as [number, number];
  const channels = firsts.every((image) => image.channels <= 2) ? 1 : 3;
  const quarter = (d: number): number => Math.floor(Math.floor(d / 2) / 2);
  const deep = quarter(h) > 0 && quarter(w) > 0;
  const lines = [
    `# Tells the class of an image: ${classes.slice(0, 8).join(', ')}${classes.length > 8 ? ', ...' : ''}.`,
    `input x: [${channels}, ${h}, ${w}]`,
    `data  "${place}" resize split=0.8 hold=stratified`,
    deep
      ? `layer Conv2d(${channels}, 16, 3, padding=1) -> relu -> MaxPool2d(2)`
      : `layer flatten -> Linear(${channels * h * w}, 64) -> relu`,
    deep ? '   -> Conv2d(16, 32, 3, padding=1) -> relu -> MaxPool2d(2)' : '',
    deep ? `   -> flatten -> Linear(${32 * quarter(h) * quarter(w)}, ${classes.length})` : `   -> Linear(64, ${classes.length})`,
    'loss  cross_entropy',
    'metric accuracy',
    'optim adamw lr=cosine(0.001, warmup=20) weight_decay=0.01',
    `train epochs=20 batch=${files.length < 200 ? 16 : 32} shuffle seed=1`,
  ].filter((line) => line !== '');
  return { text: `${lines.join('\n')}\n`, classes, remarks };
}
