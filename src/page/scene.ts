import { widthOf } from '../base/learned.ts';
import { lineOver, rangeOf, squareOver } from '../pictures/grid.ts';
import type { About } from '../runtime/api.ts';

/** What kind of picture and of question fits a model. */
export type Kind = 'fit' | 'region' | 'image' | 'text' | 'other';

/** What a form asks for: a number, one of some words, or many numbers. */
export interface Field {
  readonly name: string;
  readonly words: readonly string[] | undefined;
  /** The numbers of one example. */
  readonly width: number;
  readonly example: string;
}

/** How the images of a model are made: brightness goes from `paper` to `ink`. */
export interface ImageForm {
  readonly channels: number;
  readonly height: number;
  readonly width: number;
  readonly paper: number;
  readonly ink: number;
}

/** What a page needs to show a model while it trains, and to ask it. It can be posted to and from a worker. */
export interface Scene {
  readonly kind: Kind;
  readonly fields: readonly Field[];
  readonly target: string;
  /** Names of the classes, if the model tells classes. */
  readonly names: readonly string[];
  /** For a fit or a region: examples, row by row, inputs before the target. */
  readonly points: Float32Array | undefined;
  /** What the model is asked while it trains: places of the picture, or images. */
  readonly asked: Float32Array | undefined;
  /** The right answers to the images that are asked. */
  readonly truth: readonly number[] | undefined;
  readonly image: ImageForm | undefined;
}

/** The examples of one input and one target. */
export interface Shown {
  readonly x: ArrayLike<number>;
  readonly y: ArrayLike<number>;
}

/** Places along a line, and along each side of a region. */
export const LINE = 120;
export const SIDE = 40;
/** The most examples that a picture shows, and images. */
const POINTS = 600;
const IMAGES = 12;
/** Rows of numbers without names are an image if they fill a square of at least so many. */
const SQUARE = 8;

/** Decides how a model is shown. `examples` are those of training; `judged`, if there are any, those that are held out. */
export function sceneOf(about: About, examples?: Shown, judged?: Shown): Scene {
  const { inputs, targets, output } = about;
  const [input] = inputs;
  const [target] = targets;
  const width = inputs.length === 1 && input ? sizeOf(input.shape) : 0;
  const rows = width > 0 && examples ? examples.x.length / width : 0;
  const one = targets.length === 1 && examples !== undefined && examples.y.length === rows && rows > 0;
  const several = output === 'softmax' || output === 'exp' || output === 'none';
  const classes = output === 'numbers' ? [] : (target?.classes ?? (several ? classesIn(examples?.y) : ['0', '1']));
  // Whole numbers are tokens or classes, and no brightness.
  const image =
    width > 0 && input && !input.columns && !(examples?.x instanceof Int32Array) ? imageOf(input.shape, examples?.x ?? []) : undefined;
  const base = {
    fields: fieldsOf(about, examples?.x),
    target: target?.columns?.[0] ?? target?.name ?? 'y',
    names: classes,
    points: undefined,
    asked: undefined,
    truth: undefined,
    image: undefined,
  };
  if (about.vocabulary) return { ...base, kind: 'text' };
  // A picture asks for other examples than the model learns from.
  if (about.examples) return { ...base, kind: 'other' };
  if (image) {
    const { x, y } = judged ?? examples ?? { x: [], y: [] };
    const n = Math.min(IMAGES, x.length / width);
    const known = one && output !== 'numbers';
    return {
      ...base,
      kind: 'image',
      image,
      asked: Float32Array.from({ length: n * width }, (_, i) => x[i] ?? 0),
      truth: known ? Array.from({ length: n }, (_, i) => y[i] ?? 0) : undefined,
    };
  }
  if (!one || !examples) return { ...base, kind: 'other' };
  if (width === 1 && output === 'numbers')
    return { ...base, kind: 'fit', points: pointsOf(examples, 1, rows), asked: lineOver(rangeOf(examples.x, 1, 0), LINE) };
  if (width === 2 && output !== 'numbers') {
    const asked = squareOver(rangeOf(examples.x, 2, 0), rangeOf(examples.x, 2, 1), SIDE);
    return { ...base, kind: 'region', points: pointsOf(examples, 2, rows), asked };
  }
  return { ...base, kind: 'other' };
}

const short = (v: number): number => Number(v.toPrecision(4));
const sizeOf = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1);

/** One name for each number of a class that occurs. */
function classesIn(y: ArrayLike<number> = []): string[] {
  let most = 1;
  for (let i = 0; i < y.length; i++) most = Math.max(most, y[i] ?? 0);
  return Array.from({ length: Math.min(1000, most + 1) }, (_, i) => String(i));
}

function pointsOf({ x, y }: Shown, width: number, rows: number): Float32Array {
  const n = Math.min(POINTS, rows);
  return Float32Array.from({ length: n * (width + 1) }, (_, i) => {
    const [row, k] = [Math.floor(i / (width + 1)), i % (width + 1)];
    return (k === width ? y[row] : x[row * width + k]) ?? 0;
  });
}

/** A field for each column of the data, with its words; for inputs without columns, one for all their numbers. */
function fieldsOf({ inputs }: About, x: ArrayLike<number> | undefined): Field[] {
  return inputs.flatMap((input, i): Field[] => {
    if (input.columns) {
      let at = 0;
      return input.columns.map((c) => {
        const from = at;
        at += widthOf(c);
        // The first example stands in the fields.
        const value = i === 0 && x ? x[from] : undefined;
        return { name: c.name, words: c.words, width: 1, example: c.words?.[0] ?? String(value === undefined ? '' : short(value)) };
      });
    }
    const width = sizeOf(input.shape);
    const values = Array.from({ length: width }, (_, k) => (i === 0 ? (x?.[k] ?? 0) : 0));
    return [{ name: input.name, words: undefined, width, example: values.map((v) => short(v)).join(', ') }];
  });
}

/** The form of the images, if inputs are images: [channels, height, width], or a square of numbers. */
function imageOf(shape: readonly number[], x: ArrayLike<number>): ImageForm | undefined {
  const [a = 0, b = 0, c = 0] = shape;
  const side = Math.sqrt(a);
  const form =
    shape.length === 3 && (a === 1 || a === 3) && b >= SQUARE && c >= SQUARE
      ? { channels: a, height: b, width: c }
      : shape.length === 1 && Number.isInteger(side) && side >= SQUARE
        ? { channels: 1, height: side, width: side }
        : undefined;
  return form && { ...form, ...brightness(x) };
}

/** Values of the background and of what is drawn on it: the middle one of all, and the one far away from it that few exceed. */
function brightness(x: ArrayLike<number>): { readonly paper: number; readonly ink: number } {
  const step = Math.max(1, Math.floor(x.length / 20_000));
  const some = Float32Array.from({ length: Math.floor(x.length / step) }, (_, i) => x[i * step] ?? 0).sort();
  if (some.length === 0) return { paper: 0, ink: 1 };
  const at = (share: number): number => some[Math.round(share * (some.length - 1))] ?? 0;
  const [low, middle, high] = [at(0.02), at(0.5), at(0.98)];
  if (low === high) return { paper: 0, ink: 1 };
  return { paper: middle, ink: high - middle >= middle - low ? high : low };
}
