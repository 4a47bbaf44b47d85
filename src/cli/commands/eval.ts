import { fail } from '../../base/errors.ts';
import type { Dataset, Numbers } from '../../data/needs.ts';
import { inMemory } from '../../data/values.ts';
import type { ClassScores } from '../../library/scores.ts';
import { scoresOf } from '../scoring.ts';
import { devicesFor } from '../../lower/backends.ts';
import { RunningModel } from '../../runtime/model.ts';
import { tokenNames } from '../../runtime/tokens.ts';
import { findDevice, type DeviceChoice } from '../device.ts';
import { planFor } from '../plan-cache.ts';
import { dataPath, holdoutPath, learnedFor, noteTokens, openData, openProgram, openWeights } from '../program.ts';
import { columns } from '../../base/show.ts';
import { print, showNumber } from '../terminal.ts';

export interface EvalFlags {
  readonly weights: string;
  readonly data?: string;
  readonly json?: boolean;
  readonly device: DeviceChoice;
  readonly opt: 0 | 1;
}

/** Judges trained weights: loss and metrics of the program, and scores by class or in the target's units, over a whole set of examples. */
export async function evaluateCommand(path: string, flags: EvalFlags): Promise<void> {
  const program = await openProgram(path);
  const { model } = program;
  if (!model.evaluation)
    return fail('NN207', `${path} has no loss, so there is nothing to judge by`, { help: 'add a line such as: loss mse' });
  const saved = await openWeights(flags.weights);
  const known = learnedFor(model, saved);
  const data = await openData(program, flags.data, undefined, known);
  noteTokens(data, saved);
  // A file that is named in the call was not trained on, so all of it counts.
  const { rows, tensors }: InMemory = flags.data === undefined ? inMemoryOf(data.holdout ?? data) : joined(data, data.holdout);
  const device = await findDevice(flags.device);
  const plan = await planFor(program, {
    level: flags.opt,
    adapter: device.adapter,
    devices: devicesFor(model, device),
    predictions: rows,
    ...(model.optim ? { rows: rows, holdout: rows } : {}),
    names: data.names,
  });
  const session = await device.open(plan);
  try {
    const running = await RunningModel.open(session, { weights: saved.weights, from: flags.weights });
    const inputs = tensors.slice(0, model.inputs.length);
    if (plan.holdout) running.setHoldout(...tensors);
    const values = plan.holdout ? await running.evaluate() : {};
    const prediction = await running.predict(...inputs);
    const { about } = running;
    const names = about.vocabulary
      ? tokenNames(about, prediction.shape.at(-1) ?? 1)
      : data.names.learned?.classes[model.targets[0]?.shown ?? ''];
    const scores = scoresOf(prediction, tensors.slice(model.inputs.length), names);
    if (flags.json) return print(JSON.stringify({ examples: rows, ...values, ...scores }));
    const what = flags.data === undefined ? (data.holdout ? 'held-out examples' : 'examples that it was trained on') : 'examples';
    const from = flags.data ?? (data.holdout ? holdoutPath(program) : dataPath(program, undefined));
    print(`${rows} ${what}${from === undefined ? '' : ` of ${from}`}`);
    const own = scores.classes
      ? { accuracy: scores.classes.accuracy, ...(scores.auc === undefined ? {} : { auc: scores.auc }) }
      : scores.numbers;
    const all = { ...own, ...values };
    print(columns(Object.entries(all).map(([name, v]) => [name, showNumber(v)])));
    if (scores.classes) printClasses(scores.classes);
  } finally {
    session.destroy();
  }
}

/** Classes that the tables show. */
const SHOWN = 20;

function printClasses({ classes, confusion }: ClassScores): void {
  // Of many, such as the bytes of a text, those that occur.
  const places = classes.map((_, i) => i).filter((i) => classes.length <= SHOWN || (classes[i]?.examples ?? 0) > 0);
  const shown = places.slice(0, SHOWN);
  const some = shown.flatMap((i) => classes[i] ?? []);
  const share = (v: number): string => v.toFixed(3);
  print();
  print(
    columns([
      ['class', 'precision', 'recall', 'f1', 'examples'],
      ...some.map((c) => [c.name, share(c.precision), share(c.recall), share(c.f1), String(c.examples)]),
    ]),
  );
  if (places.length > SHOWN) return print(`... and ${places.length - SHOWN} more classes`);
  print();
  const heads = some.map((c) => c.name);
  print(
    columns([
      ['real \\ predicted', ...heads],
      ...shown.map((i) => [classes[i]?.name ?? '', ...shown.map((k) => String(confusion[i]?.[k] ?? 0))]),
    ]),
  );
}

interface InMemory {
  readonly rows: number;
  readonly tensors: readonly Numbers[];
}

const inMemoryOf = ({ rows, tensors }: Dataset): InMemory => ({ rows, tensors: tensors.map(inMemory) });

/** Training examples and the holdout as one set. */
function joined(data: Dataset, holdout: Dataset | undefined): InMemory {
  const [all, held] = [inMemoryOf(data), holdout && inMemoryOf(holdout)];
  if (!held) return all;
  const tensors = all.tensors.map((t, i) => {
    const other = held.tensors[i] ?? t;
    const out = t instanceof Float32Array ? new Float32Array(t.length + other.length) : new Int32Array(t.length + other.length);
    out.set(t);
    out.set(other, t.length);
    return out;
  });
  return { rows: all.rows + held.rows, tensors };
}
