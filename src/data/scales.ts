import type { KnownLearned, Scale } from '../base/learned.ts';
import { reject } from './labels.ts';
import type { Dataset, Needs } from './needs.ts';
import { ByteRows, findIn, type Values } from './values.ts';

/** A little more than 1 is rounding. */
const outside = (v: number): boolean => v < -0.001 || v > 1.001;

/** How an input was read; numbers between 0 and 1 may be either, since people divide by 255 themselves. */
const scaleOf = (values: Values): Scale | undefined =>
  values instanceof ByteRows ? 'shares' : findIn(values, outside) ? 'numbers' : undefined;

/** Remembers with the data whether its inputs are shares of the brightest value or plain numbers; an error if the weights know them otherwise. */
export function withScales(path: string, data: Dataset, needs: Needs): Dataset {
  const { known } = needs;
  const found = needs.inputs.flatMap(({ name, type }, k): (readonly [string, Scale])[] => {
    const values = data.tensors[k];
    const own = type.dtype === 'f32' && values ? scaleOf(values) : undefined;
    const before = known?.scales?.[name];
    if (known && values && own && before && own !== before) refuse(path, own, values, needs, known);
    const scale = before ?? own;
    return scale ? [[name, scale]] : [];
  });
  if (found.length === 0) return data;
  return { ...data, learned: { columns: {}, classes: {}, ...data.learned, scales: Object.fromEntries(found) } };
}

function refuse(path: string, own: Scale, values: Values, needs: Needs, { from }: KnownLearned): never {
  if (own === 'shares')
    return reject(
      needs,
      'NN304',
      `${path} holds bytes, which are divided by the largest, so that they lie between 0 and 1; in training (${from}) numbers were taken as they are, and did not`,
      'train with images or .npy of uint8 too, or give numbers as in training: a .csv file, or .npy of float32',
    );
  return reject(
    needs,
    'NN304',
    `${path} holds ${findIn(values, outside)?.value ?? 0}; in training (${from}) the input was bytes, divided so that they lie between 0 and 1`,
    'give bytes, as images or .npy of uint8, or divide the numbers by 255',
  );
}
