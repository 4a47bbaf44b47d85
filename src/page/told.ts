import { fail } from '../base/errors.ts';
import type { About, Prediction, Values } from '../runtime/api.ts';
import { probabilities } from '../runtime/probabilities.ts';
import type { ImageForm } from './scene.ts';

/** An answer of a model, as people read it. */
export interface Told {
  /** The likeliest class, or numbers. */
  readonly head: string;
  /** Classes with their probabilities, the likeliest first. */
  readonly shares: readonly (readonly [name: string, share: number])[];
  /** The answer, if it is an image. */
  readonly image: { readonly form: ImageForm; readonly pixels: Float32Array } | undefined;
}

/** Numbers and classes that are told. */
const NUMBERS = 40;
const CLASSES = 6;

/** What stands in a form, as the model takes it. Throws a `UserError` if a field cannot be read. */
export function valuesOf(about: About, typed: Readonly<Record<string, string>>): Values {
  return Object.fromEntries(
    about.inputs.flatMap((input): [string, (number | string | null)[]][] => {
      if (input.columns)
        return input.columns.map(({ name }) => {
          const text = (typed[name] ?? '').trim();
          return [name, [text === '' ? null : text]];
        });
      const width = input.shape.reduce((a, b) => a * b, 1);
      const values = (typed[input.name] ?? '')
        .split(/[\s,;]+/)
        .filter((t) => t !== '')
        .map(Number);
      if (values.length !== width || !values.every(Number.isFinite))
        fail('NN304', `give ${width} number${width === 1 ? '' : 's'}${about.inputs.length > 1 ? ` for ${input.name}` : ''}`);
      return [[input.name, values]];
    }),
  );
}

/** The answer for one example. `image` is the form of the inputs, which an answer of the same size has too. */
export function told(said: Prediction, about: About, image?: ImageForm): Told {
  const shares = probabilities(said);
  const [target] = about.targets;
  if (!shares || shares.length > 1000) {
    const form = image && said.data.length === image.channels * image.height * image.width ? image : undefined;
    if (form) return { head: '', shares: [], image: { form, pixels: said.data } };
    const all = Array.from(said.data.subarray(0, NUMBERS), (v) => Number(v.toPrecision(6)));
    const more = said.data.length > NUMBERS ? ` ... and ${said.data.length - NUMBERS} more` : '';
    const name = target?.columns?.length === 1 && said.data.length === 1 ? `${target.columns[0] ?? ''}: ` : '';
    return { head: `${name}${all.join(', ')}${more}`, shares: [], image: undefined };
  }
  const all = shares.length === 1 ? [1 - (shares[0] ?? 0), shares[0] ?? 0] : [...shares];
  const names = said.names?.length === all.length ? said.names : target?.classes;
  const sorted = all.map((p, i): readonly [string, number] => [names?.[i] ?? String(i), p]).sort((a, b) => b[1] - a[1]);
  return { head: sorted[0]?.[0] ?? '', shares: sorted.slice(0, CLASSES), image: undefined };
}
