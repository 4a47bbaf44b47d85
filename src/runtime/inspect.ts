import { mustBe } from '../base/calls.ts';
import { fail } from '../base/errors.ts';
import { hint } from '../base/suggest.ts';
import type { PlanTensor } from '../plan.ts';
import type { Tensor, Weights } from './api.ts';
import { stepUniforms, type Session } from './session.ts';
import { programOf } from './trainer.ts';
import { readTensor, readTensors } from './weights.ts';

/** The tensor of a name; an error that says which there are. */
function named(tensors: readonly PlanTensor[], name: string, problem: string, known: string): PlanTensor {
  mustBe(typeof name === 'string', 'the name of a tensor is a text', name);
  const names = tensors.map((t) => t.name);
  return tensors.find((t) => t.name === name) ?? fail('NN501', problem, { help: hint(name, names, known) });
}

/** One tensor by its name: a parameter, a running statistic, or state of the optimizer. */
export function readNamed(session: Session, name: string): Promise<Tensor> {
  const { params, slots } = session.plan;
  return readTensor(session, named([...params, ...slots], name, `the model has no '${name}'`, 'it has'));
}

/** What the plan was compiled to watch, at the examples of a step; all of it, or what is named. */
export async function watchStep(
  session: Session,
  names: readonly string[] | undefined,
  run: {
    readonly step: number;
    readonly seed: number;
    readonly rows: number;
    /** Brings the examples of a step to the device, if it does not hold all. */
    readonly bring: (step: number) => void;
  },
): Promise<Weights> {
  const { plan } = session;
  const { watch, train } = plan;
  if (watch.length === 0 || !train)
    return fail('NN305', 'this plan was compiled with nothing to watch', {
      help: "name it then, as in: program.plan({ data, watch: ['h1', 'grad(fc1.weight)'] })",
    });
  if (run.rows === 0) fail('NN305', 'there is no training data on the device', { help: 'call setData first' });
  mustBe(names === undefined || Array.isArray(names), 'what to watch is a list of names', names);
  const wanted = names?.map((name) => named(watch, name, `'${name}' is not watched`, 'the plan was compiled for')) ?? watch;
  // At the end of an epoch, where fewer rows are left than it needs, it takes the first rows.
  const step = programOf(plan, run.step) === 'tail' ? run.step - train.stepsPerEpoch + 1 : run.step;
  run.bring(step);
  await session.run(['watch'], stepUniforms(plan, step, 1, { seed: run.seed, rows: run.rows, total: train.steps }));
  return readTensors(session, wanted);
}
