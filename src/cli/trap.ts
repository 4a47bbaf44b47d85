import { gradOutput } from '../base/outputs.ts';
import { orderOf } from '../base/random.ts';
import { UserError } from '../base/errors.ts';
import { userError, type Diagnostic } from '../base/diagnostics.ts';
import { textOf, type Source, type Span } from '../base/source.ts';
import { inMemory, pickRows } from '../data/values.ts';
import type { NodeId, Op } from '../ir/graph/types.ts';
import { bindBatch } from '../passes/graph/cleanup.ts';
import { unroll } from '../ir/graph/unroll.ts';
import { gradientPipeline, runPasses } from '../passes/pipeline.ts';
import { evaluate, type Bindings } from '../reference/evaluate.ts';
import type { ModelState } from '../runtime/api.ts';
import type { RunningModel } from '../runtime/model.ts';
import type { Prepared } from '../library/prepare.ts';
import { originOf, type Element, type Origin } from '../verify/origin.ts';
import type { OpenProgram } from './program.ts';
import { showNumber } from './terminal.ts';

/** Milliseconds between two states that are kept to go back to: as long as it may take to come here again. */
const INTERVAL = 5000;

/** What the trap knows of a run besides its model. */
export interface Trapped {
  readonly program: OpenProgram;
  readonly seed: number;
  readonly data: Pick<Prepared, 'rows' | 'tensors'>;
  /** The order of all epochs, if it was drawn beforehand. */
  readonly order: ArrayLike<number> | undefined;
}

/**
 * `--trap-nonfinite`: nothing is tested while a run goes well. When a loss or a weight is no number, the run goes back to the last good
 * state, halves the steps between until the first bad one is found (a run repeats its steps bit for bit), and follows the number back
 * through the reference to the operation that made it.
 */
export class Trap {
  private good: ModelState;
  private kept = performance.now();
  private readonly running: RunningModel;
  private readonly about: Trapped;

  private constructor(running: RunningModel, about: Trapped, state: ModelState) {
    this.running = running;
    this.about = about;
    this.good = state;
  }

  static async set(running: RunningModel, about: Trapped): Promise<Trap> {
    return new Trap(running, about, await running.state());
  }

  /** Keeps the state now and then; one that is broken is not kept. */
  async keep(): Promise<void> {
    if (performance.now() - this.kept < INTERVAL) return;
    const state = await this.running.state();
    if (broken(state) === undefined) this.good = state;
    this.kept = performance.now();
  }

  /** The same error with the place where the number was made. */
  async explain(error: unknown): Promise<unknown> {
    const [d] = error instanceof UserError ? error.diagnostics : [];
    if (!d || (d.code !== 'NN702' && d.code !== 'NN703')) return error;
    const bad = await this.firstBad();
    const found = this.follow();
    const step = `step ${this.good.step} is the first whose loss or new weights are not finite`;
    return userError([found ? withOrigin(d, found, step, this.about.program.sources) : { ...d, notes: [step, ...byUpdate(bad)] }]);
  }

  /** Finds the step: the good state becomes the one before it. Gives the first broken tensor after it, if no loss broke. */
  private async firstBad(): Promise<ReturnType<typeof broken>> {
    const { running } = this;
    let [high, what] = [running.step + 1, undefined as ReturnType<typeof broken>];
    // The loss of a step may break before its weights do.
    const until = async (step: number): Promise<{ readonly state?: ModelState; readonly failed?: number }> => {
      await running.restore(this.good);
      let at = this.good.step;
      try {
        await running.train({ until: step, seed: this.about.seed, onLosses: (first, losses) => (at = first + losses.length) });
      } catch (e) {
        if (e instanceof UserError && e.diagnostics[0]?.code === 'NN702') return { failed: at + 1 };
        throw e;
      }
      return { state: await running.state() };
    };
    const total = running.plan.train?.steps ?? high;
    high = Math.min(high, total);
    while (high - this.good.step > 1) {
      const middle = this.good.step + Math.floor((high - this.good.step) / 2);
      const { state, failed } = await until(middle);
      const bad = state && broken(state);
      if (failed !== undefined) [high, what] = [failed, undefined];
      else if (bad) [high, what] = [middle, bad];
      else if (state) this.good = state;
    }
    const last = await until(high);
    return last.state ? (broken(last.state) ?? what) : undefined;
  }

  /** What went wrong in the step after the good state, by the reference: in the loss, or else in a gradient. */
  private follow(): { readonly origin: Origin; readonly reached: string } | undefined {
    const { seed, data, program } = this.about;
    const { model } = program;
    const { train } = this.running.plan;
    if (!model.training || !train || model.turns.length > 0) return undefined;
    const params = model.params.map((p) => p.name);
    const { inputs, rows } = this.examples(train.batch, train.stepsPerEpoch);
    // Loops are written out, so that the place where it happened can be told.
    const graph = unroll(bindBatch(runPasses(model.training, gradientPipeline(params)), rows));
    const { step, tensors } = this.good;
    const state = new Map(Object.entries(tensors).map(([name, t]) => [name, t.data]));
    const bindings: Bindings = { inputs, state, scalars: { step, seed, total: train.steps, rows: data.rows } };
    const value = evaluate(graph, bindings, { single: true });
    const outputs: [string, NodeId | undefined][] = [['the loss', graph.outputs['loss']]];
    for (const name of params) outputs.push([`the gradient of '${name}'`, graph.outputs[gradOutput(name)]]);
    for (const [reached, id] of outputs) {
      const origin = id === undefined ? undefined : originOf(graph, value, id, bindings);
      if (origin) return { origin, reached };
    }
    return undefined;
  }

  /** The examples of the step by the inputs' names. */
  private examples(batch: number, stepsPerEpoch: number): { readonly inputs: Map<string, ArrayLike<number>>; readonly rows: number } {
    const { data, order, seed, program } = this.about;
    const { model } = program;
    const { rows, tensors } = data;
    const { step } = this.good;
    const epoch = Math.floor(step / stepsPerEpoch);
    const first = (step % stepsPerEpoch) * batch;
    const place = order
      ? (i: number): number => order[epoch * rows + i] ?? 0
      : model.train.shuffle
        ? orderOf(rows, seed, epoch)
        : undefined;
    const chosen = Uint32Array.from({ length: Math.min(batch, rows - first) }, (_, i) => place?.(first + i) ?? first + i);
    const names = [...model.inputs, ...model.targets].map((i) => i.name);
    const inputs = new Map(names.flatMap((name, i) => (tensors[i] ? [[name, inMemory(pickRows(tensors[i], rows, chosen))]] : [])));
    return { inputs, rows: chosen.length };
  }
}

/** The first number of a state that is none. */
function broken({ tensors }: ModelState): { readonly name: string; readonly element: number; readonly value: number } | undefined {
  for (const [name, { data }] of Object.entries(tensors)) {
    const element = data.findIndex((v) => !Number.isFinite(v));
    if (element >= 0) return { name, element, value: data[element] ?? NaN };
  }
  return undefined;
}

const byUpdate = (bad: ReturnType<typeof broken>): string[] =>
  bad
    ? [`loss and gradients of that step are finite; the update makes '${bad.name}' ${bad.value} at element ${bad.element}`]
    : ['the reference finds finite numbers in that step, so rounding on the device decides'];

function withOrigin(
  d: Diagnostic,
  { origin, reached }: { readonly origin: Origin; readonly reached: string },
  step: string,
  sources: readonly Source[],
): Diagnostic {
  const span = spanOf(origin.node.loc, sources);
  const made = origin.operands.map(named).join(' and ');
  const more = origin.of > origin.operands.length ? `, the largest of ${origin.of} numbers` : '';
  const op = WORDS[origin.node.op] ?? origin.node.op;
  const of = made === '' ? 'it is given so' : `made of ${made}${more}`;
  return {
    ...d,
    ...(span ? { span } : {}),
    label: span ? `${op} gives ${origin.value} at ${listed(origin.index)} here` : d.label,
    notes: [
      ...(span ? [d.label] : [`${op} gives ${origin.value} at ${listed(origin.index)}`]),
      step,
      `${reached} comes from there; it is ${of}`,
    ],
  };
}

/** What operations of the tensor IR are called in the language. */
const WORDS: { readonly [K in Op]?: string } = {
  contract: 'the product',
  reduce_sum: 'the sum',
  reduce_max: 'the maximum',
  div: 'the division',
  mul: 'the multiplication',
  add: 'the addition',
  sub: 'the subtraction',
  mix: 'the linear combinations',
  unwindow: 'the sum over windows',
  scatter_add: 'the sum of rows',
};

const listed = (index: readonly number[]): string => (index.length === 0 ? 'its only element' : `[${index.join(', ')}]`);
const named = ({ node, index, value }: Element): string => {
  const name = 'name' in node.attrs && typeof node.attrs.name === 'string' ? ` ('${node.attrs.name}' ${listed(index)})` : '';
  return `${showNumber(value)}${name}`;
};

/** The place `house.nn:3:7` of a source, up to the end of the word that stands there. */
function spanOf(loc: string | undefined, sources: readonly Source[]): Span | undefined {
  const [, name, line, column] = /^(.*):(\d+):(\d+)$/.exec(loc ?? '') ?? [];
  const source = sources.find((s) => s.name === name);
  if (!source) return undefined;
  const before = source.text.split('\n').slice(0, Number(line) - 1);
  const start = before.reduce((n, l) => n + l.length + 1, 0) + Number(column) - 1;
  const word = /^[\w.]+|^./.exec(textOf({ source, start, end: source.text.length }))?.[0] ?? '';
  return { source, start, end: start + word.length };
}
