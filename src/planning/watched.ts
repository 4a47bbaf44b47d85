import { fail } from '../base/errors.ts';
import { hint } from '../base/suggest.ts';
import type { Watched } from '../passes/graph/watch.ts';
import type { Model } from '../sema/model.ts';

const GRADIENT = /^grad\((.+)\)$/;

/** The watched values, by their names in the program: `h1`, `fc1.weight`, `grad(h1)`. */
export function watchedOf({ training, named }: Model, wanted: readonly string[]): Watched[] {
  return wanted.map((output) => {
    const name = GRADIENT.exec(output.trim())?.[1];
    const node = named.get((name ?? output).trim());
    if (node === undefined)
      return fail('NN501', `there is no '${name ?? output}' to watch`, {
        help: hint(name ?? output, [...named.keys()], 'the program has'),
      });
    const type = training?.nodes[node]?.type;
    if (name !== undefined && type?.dtype !== 'f32') fail('NN501', `'${name}' is not made of numbers that change smoothly`);
    return { output, node, gradient: name !== undefined };
  });
}
