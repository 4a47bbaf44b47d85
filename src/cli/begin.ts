import type { Plan } from '../plan.ts';
import type { Weights } from '../runtime/api.ts';
import { takePart, type PartialOptions, type Taken } from '../runtime/partial.ts';
import { checkNames } from '../runtime/weights.ts';
import type { SavedWeights } from './program.ts';
import { note } from './terminal.ts';

/** The weights that `--init` gives a plan. */
export function beginWith(plan: Plan, { weights, path }: SavedWeights, options: PartialOptions): Weights {
  const begin = takePart(plan, weights, path, options);
  checkNames(plan, begin.weights, path);
  if (options.allowMissing) noteTaken(begin, path);
  return begin.weights;
}

/** Says which weights were taken over, which are drawn, and which were left. */
function noteTaken({ taken, drawn, left }: Taken, from: string): void {
  const some = (names: readonly string[]): string => `${names.slice(0, 6).join(', ')}${names.length > 6 ? ', ...' : ''}`;
  note(`${taken.length} tensors of ${from} are taken over`);
  if (drawn.length > 0) note(`${drawn.length} are not there and are drawn: ${some(drawn)}`);
  if (left.length > 0) note(`${left.length} are left out, since the model has none of these names: ${some(left)}`);
}
