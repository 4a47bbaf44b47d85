import { fail } from '../base/errors.ts';
import type { Prediction } from './api.ts';
import { upload, wordsOf } from './data.ts';
import { stepUniforms, type Session } from './session.ts';
import { sizeOf } from './weights.ts';

/** The model's output for any number of examples, in batches of the plan's size. */
export async function predictAll(session: Session, given: readonly ArrayLike<number>[]): Promise<Prediction> {
  const { plan } = session;
  const { rows, inputs, output } = plan.predict;
  const { examples } = plan.about;
  if (examples === 'one')
    fail('NN203', 'the output of this model is one for all examples together, so none of them has a prediction', {
      help: 'keep the first axis, which is the examples, as mean(1) does and mean does not',
    });
  if (given.length !== inputs.length)
    fail(
      'NN304',
      `the model has ${inputs.length} input${inputs.length === 1 ? '' : 's'}, and ${given.length} ${given.length === 1 ? 'is' : 'are'} given`,
    );
  // By what is given: an input that the output does not depend on has no place in an arena, but says how many examples there are.
  const all = inputs.map((t, i) => {
    const width = sizeOf(plan.about.inputs[i]?.shape ?? []);
    return { t, values: wordsOf(given[i] ?? [], t.dtype, t.name, width), width };
  });
  const outWidth = sizeOf(output.shape) / rows;
  const [first] = all;
  const total = first ? first.values.length / first.width : 1;
  if (total === 0) fail('NN304', 'there is no example to predict');
  if (examples === 'mixed' && total !== rows)
    fail(
      'NN304',
      `predictions of this model depend on all examples of a batch: the plan is for ${rows}, and ${total} ${total === 1 ? 'is' : 'are'} given`,
      {
        help: `plan for so many: program.plan({ predictions: ${total} })`,
      },
    );
  for (const { t, values, width } of all) {
    if (!Number.isInteger(values.length / width)) fail('NN304', `${values.length} numbers are no whole number of examples of ${width}`);
    if (values.length / width !== total) fail('NN304', `'${t.name}' has ${values.length / width} examples, and others have ${total}`);
  }
  const data = new Float32Array(total * outWidth);
  for (let row = 0; row < total; row += rows) {
    const n = Math.min(rows, total - row);
    for (const { t, values, width } of all) {
      const batch = t.dtype === 'i32' ? new Int32Array(rows * width) : new Float32Array(rows * width);
      for (let i = 0; i < n * width; i++) batch[i] = values[row * width + i] ?? 0;
      upload(session, t, batch);
    }
    await session.run(['predict'], stepUniforms(plan, 0, 1, { seed: 0, total: 1 }));
    data.set(await session.read(output.arena, output.offset, n * outWidth), row * outWidth);
  }
  const shape = [total, ...output.shape.slice(1)];
  return { data, shape, names: namesOf(session, shape), meaning: plan.about.output };
}

/** The names of the numbers along the last axis. Outputs beyond the classes of the data have none. */
function namesOf({ plan }: Session, shape: readonly number[]): readonly string[] | undefined {
  const width = shape.at(-1) ?? 1;
  const { vocabulary, targets } = plan.about;
  const only = targets.length === 1 ? targets[0] : undefined;
  const named = [only?.classes, vocabulary?.entries, only?.columns].find((names) => names?.length === width);
  const classes = only?.classes;
  if (named || !classes || shape.length !== 2 || classes.length > width) return named;
  return Array.from({ length: width }, (_, i) => classes[i] ?? `output ${i}`);
}
