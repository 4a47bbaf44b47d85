import type { Model } from '../runtime/api.ts';
import { generate } from '../runtime/generate.ts';
import type { Asked } from './ask.ts';
import type { ImageForm } from './scene.ts';
import { told, valuesOf } from './told.ts';

/** A model as something that can be asked. */
export const askedOf = (model: Model, image?: ImageForm): Asked => ({
  typed: async (values) => told(await model.predict(valuesOf(model.about, values)), model.about, image),
  drawn: async (pixels) => told(await model.predict(pixels), model.about, image),
  write: async ({ prompt, ...how }, onText, signal) => {
    for await (const { text } of generate(model, prompt, { ...how, signal })) onText(text);
  },
});
