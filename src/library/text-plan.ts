import { NotCausal } from '../base/errors.ts';
import { compile } from '../compile.ts';
import type { CompileOptions } from '../planning/options.ts';
import type { Plan } from '../plan.ts';
import type { Model } from '../sema/model.ts';

/**
 * A plan that generates text: one position at a time where the model is causal, else by whole windows. `onWhole` is told why it is the
 * second.
 */
export function compileForText(model: Model, options: CompileOptions, onWhole?: (why: string) => void): Plan {
  try {
    return compile(model, { ...options, generate: 'rows' }).plan;
  } catch (e) {
    if (!(e instanceof NotCausal)) throw e;
    onWhole?.(e.message);
    return compile(model, { ...options, generate: 'windows' }).plan;
  }
}
