import { formOf } from './form.ts';
import { padOf } from './pad.ts';
import type { Scene } from './scene.ts';
import { talkOf, type Write } from './talk.ts';
import type { Told } from './told.ts';

/** A model that can be asked, here or in a worker. */
export interface Asked {
  /** By what stands in the fields of a form. */
  readonly typed: (values: Readonly<Record<string, string>>) => Promise<Told>;
  /** By the pixels of an image. */
  readonly drawn: (pixels: Float32Array) => Promise<Told>;
  readonly write: Write;
}

/** The way to ask a model that fits it: a form, a pad, or a text box. */
export function askOf({ kind, image, fields }: Scene, model: Asked): HTMLElement {
  if (kind === 'text') return talkOf(model.write);
  if (kind === 'image' && image) return padOf(image, model.drawn);
  return formOf(fields, model.typed);
}
