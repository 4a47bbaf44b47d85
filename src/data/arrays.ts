import { fail } from '../base/errors.ts';
import { checkNumbers } from '../base/numbers.ts';
import { hint } from '../base/suggest.ts';
import { showShape, type TensorType } from '../base/types.ts';
import type { Dataset, Needs, Numbers } from './needs.ts';
import { checkLabels } from './labels.ts';

/** A dataset of arrays by name, row-major: each input, and each target by its name in the program. */
export function datasetOf(named: Readonly<Record<string, ArrayLike<number>>>, needs: Needs): Dataset {
  const wanted = [...needs.inputs, ...needs.targets.map((t) => ({ name: t.shown, type: t.type }))];
  const names = wanted.map((w) => w.name);
  const unknown = Object.keys(named).find((name) => !names.includes(name));
  if (unknown !== undefined) fail('NN302', `the program has no '${unknown}'`, { help: hint(unknown, names, 'it has') });
  let rows: number | undefined;
  const tensors = wanted.map(({ name, type }): Numbers => {
    const values = named[name] ?? fail('NN302', `'${name}' is missing`, { help: `the program takes ${names.join(', ')}` });
    // First, since a list of rows is as long as there are rows.
    const width = type.shape.slice(1).reduce<number>((n, d) => n * (typeof d === 'number' ? d : 1), 1);
    const numbers = checked(name, values, type, width);
    const mine = values.length / width;
    if (!Number.isInteger(mine) || mine === 0)
      fail('NN304', `'${name}' is ${showShape(type.shape)}, and ${values.length} numbers are no whole number of examples of ${width}`);
    rows ??= mine;
    if (mine !== rows) fail('NN304', `'${name}' has ${mine} examples, and '${names[0] ?? ''}' has ${rows}`);
    return numbers;
  });
  const dataset = { rows: rows ?? 0, tensors };
  checkLabels('the data', dataset, needs);
  return dataset;
}

function checked(name: string, values: ArrayLike<number>, { dtype }: TensorType, width: number): Numbers {
  checkNumbers(name, values, dtype === 'i32' ? 'i32' : 'f32', width);
  if (dtype === 'i32') return values instanceof Int32Array ? values : new Int32Array(values);
  return values instanceof Float32Array ? values : new Float32Array(values);
}
