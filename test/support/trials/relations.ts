import { at } from '../../../src/base/errors.ts';
import { PREDICTION } from '../../../src/base/outputs.ts';
import { fixedShape } from '../../../src/base/types.ts';
import { examples, places } from '../../../src/gradcheck/places.ts';
import { bindBatch, select } from '../../../src/passes/graph/cleanup.ts';
import { gradientPipeline, runPasses } from '../../../src/passes/pipeline.ts';
import { evaluate } from '../../../src/reference/evaluate.ts';
import type { Model } from '../../../src/sema/model.ts';
import { modelOf, ROWS, type Trial } from './trial.ts';

type Values = ReadonlyMap<string, Float64Array>;

/** A program with numbers for all that it reads. */
interface Subject {
  readonly text: string;
  readonly model: Model;
  readonly inputs: Values;
  readonly state: Values;
  readonly seed: number;
}

/** What a program computes: its loss, the gradients in the order of the parameters, and its predictions. */
interface Computed {
  readonly loss: number;
  readonly gradients: readonly Float64Array[];
}

const TOLERANCE = 1e-7;

function subjectOf(text: string, seed: number): Subject {
  const model = modelOf(text);
  const training = model.training;
  if (!training) throw new Error('it has no loss');
  const given = examples(bindBatch(select(training, ['loss']), ROWS), model, undefined, seed);
  const inputs = new Map([...given].map(([name, v]) => [name, Float64Array.from(v)]));
  return { text, model, inputs, state: at(places(model, seed), 0).state, seed };
}

function computed({ model, inputs, state, seed }: Subject): Computed {
  const { training } = model;
  if (!training) throw new Error('it has no loss');
  const names = model.params.map((p) => p.name);
  const graph = bindBatch(runPasses(training, gradientPipeline(names)), ROWS);
  const value = evaluate(graph, { inputs, state, scalars: { step: 0, seed, total: 1 } });
  const output = (name: string): Float64Array => Float64Array.from(value(graph.outputs[name] ?? -1).data);
  return { loss: output('loss')[0] ?? NaN, gradients: names.map((name) => output(`grad:${name}`)) };
}

/** The predictions for so many examples. */
function predicted({ model, state, seed }: Subject, inputs: Values, rows: number): Float64Array {
  const graph = bindBatch(select(model.predict, [PREDICTION]), rows);
  const id = graph.outputs[PREDICTION] ?? -1;
  return Float64Array.from(evaluate(graph, { inputs, state, scalars: { step: 0, seed, total: 1 } })(id).data);
}

/** Rows of a batch, in an order. */
function rowsOf(values: Values, order: readonly number[]): Values {
  return new Map(
    [...values].map(([name, v]) => {
      const n = v.length / ROWS;
      return [name, Float64Array.from(order.flatMap((i) => [...v.subarray(i * n, (i + 1) * n)]))];
    }),
  );
}

/** The same numbers under the names of another program that declares as much in the same order. */
function under(model: Model, of: Subject): { readonly inputs: Values; readonly state: Values } {
  const own = [...of.model.inputs, ...of.model.targets];
  const theirs = [...model.inputs, ...model.targets];
  const all = [...of.model.params, ...of.model.states];
  return {
    inputs: new Map(theirs.map((t, i) => [t.name, of.inputs.get(at(own, i).name) ?? new Float64Array(0)])),
    state: new Map([...model.params, ...model.states].map((p, i) => [p.name, of.state.get(at(all, i).name) ?? new Float64Array(0)])),
  };
}

const rewritten = (of: Subject, text: string): Subject => {
  const model = modelOf(text);
  return { ...of, text, model, ...under(model, of) };
};

const withLoss = (of: Subject, loss: (own: string) => string): Subject =>
  rewritten(
    of,
    of.text.replace(/^loss (.*)$/m, (_, own: string) => `loss ${loss(`(${own})`)}`),
  );

function apart(a: ArrayLike<number>, b: ArrayLike<number>): number {
  if (a.length !== b.length) return Infinity;
  const scale = Array.from(a).reduce((m, v) => Math.max(m, Math.abs(v)), 1);
  return Array.from(a).reduce((m, v, i) => Math.max(m, Math.abs(v - (b[i] ?? NaN)) / scale, Number.isNaN(v) ? Infinity : 0), 0);
}

const farOff = (a: Computed, b: Computed): boolean =>
  apart([a.loss], [b.loss]) > TOLERANCE || a.gradients.some((g, i) => apart(g, at(b.gradients, i)) > TOLERANCE);

/** Each relation says whether it holds of a program; where it says nothing of a program, it holds. */
const RELATIONS: Readonly<Record<string, (of: Subject, own: Computed) => boolean>> = {
  'the order of the examples changes neither the loss nor a gradient': (of, own) =>
    !farOff(own, computed({ ...of, inputs: rowsOf(of.inputs, [2, 0, 1]) })),

  'examples are predicted alike in a batch and alone': (of) => {
    const inputs = new Map(of.model.inputs.map(({ name }) => [name, of.inputs.get(name) ?? new Float64Array(0)]));
    const together = predicted(of, inputs, ROWS);
    return (
      apart(
        together,
        [0, 1, 2].flatMap((i) => [...predicted(of, rowsOf(inputs, [i]), 1)]),
      ) < TOLERANCE
    );
  },

  'names mean nothing': (of, own) => {
    const renamed = of.text.replace(/\b(Block|f|c)(\d+)\b/g, 'z$1$2').replace(/\bhead\b/g, 'tail');
    return !farOff(own, computed(rewritten(of, renamed)));
  },

  'gradients grow with the loss': (of, own) => {
    const thrice = computed(withLoss(of, (loss) => `3 * ${loss}`));
    const expected = own.gradients.map((g) => g.map((v) => 3 * v));
    return !farOff({ loss: 3 * own.loss, gradients: expected }, thrice);
  },

  'no gradient passes detach, and those of a sum are added': (of, own) => {
    const other = computed(withLoss(of, () => 'mean(pred)'));
    const both = computed(withLoss(of, (loss) => `${loss} + mean(pred)`));
    const sum = own.gradients.map((g, k) => g.map((v, i) => v + (at(other.gradients, k)[i] ?? NaN)));
    const held = computed(withLoss(of, (loss) => `detach(${loss}) + mean(pred)`));
    return (
      !farOff({ loss: own.loss + other.loss, gradients: sum }, both) &&
      !farOff({ loss: own.loss + other.loss, gradients: other.gradients }, held)
    );
  },

  'repeat is what stands there twice': (of, own) => {
    const unrolled = twice(of.text);
    return unrolled === of.text || !farOff(own, computed(rewritten(of, unrolled)));
  },

  'classes may change places': (of, own) => {
    const head = of.model.params.filter((p) => p.name.startsWith('head.'));
    const [target] = of.model.targets;
    const [weight] = head;
    if (!target || !weight || of.model.targets.length !== 1) return true;
    const n = at([...weight.shape], 0);
    const order = Array.from({ length: n }, (_, i) => (i + 1) % n);
    const shuffled = (v: Float64Array, rows: number): Float64Array => {
      const width = v.length / rows;
      return Float64Array.from(
        Array.from({ length: rows / n }, (_, block) =>
          order.flatMap((i) => [...v.subarray((block * n + i) * width, (block * n + i + 1) * width)]),
        ).flat(),
      );
    };
    const state = new Map(of.state);
    for (const p of head) state.set(p.name, shuffled(of.state.get(p.name) ?? new Float64Array(0), n));
    const inputs = new Map(of.inputs);
    const y = inputs.get(target.name) ?? new Float64Array(0);
    const whole = target.type.dtype === 'i32';
    // Numbers have a column for each output; a class is the number of one.
    if (!whole && fixedShape(target.type.shape.slice(1)).at(-1) !== n) return true;
    inputs.set(target.name, whole ? y.map((label) => order.indexOf(label)) : shuffled(y, y.length));
    const moved = computed({ ...of, state, inputs });
    const back = of.model.params.map((p, i) => (head.includes(p) ? shuffled(at(own.gradients, i), n) : at(own.gradients, i)));
    return !farOff({ loss: own.loss, gradients: back }, moved);
  },
};

/** `repeat 2 (F)` as `F -> F`. */
function twice(text: string): string {
  const start = text.indexOf('repeat 2 (');
  if (start < 0) return text;
  let end = start + 'repeat 2 ('.length;
  for (let depth = 1; depth > 0; end++) depth += text[end] === '(' ? 1 : text[end] === ')' ? -1 : 0;
  const inner = text.slice(start + 'repeat 2 ('.length, end - 1);
  return twice(`${text.slice(0, start)}${inner} -> ${inner}${text.slice(end)}`);
}

/** What holds of every program, whatever it computes: no oracle is needed. Nothing is drawn at random, since draws follow the places. */
export const relations: Trial = {
  about: 'relations between programs: order and size of batches, names, scale, detach, repeat, order of classes',
  run(program, seed) {
    const text = program
      .replace(/Dropout(2d)?\([^)]*\)/g, 'tanh')
      .replace(/^loss (\w+)$/m, 'loss $1(pred, target)')
      .replace(/^metric.*\n/m, '');
    const of = subjectOf(text, seed);
    const own = computed(of);
    if (!Number.isFinite(own.loss)) return Promise.resolve(`the loss is ${own.loss}`);
    const broken = Object.entries(RELATIONS).filter(([, holds]) => !holds(of, own));
    return Promise.resolve(broken.length === 0 ? undefined : broken.map(([name]) => `it is not so that ${name}`).join('; '));
  },
};
