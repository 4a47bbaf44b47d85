import { orderOf } from '../base/random.ts';
import { fail } from '../base/errors.ts';
import type { Plan, PlanTensor } from '../plan.ts';
import type { Rows, RowSource } from './api.ts';
import { checkValues, inOrder, rowsOf, wholeOf, type Given } from './data.ts';
import { Holdout, noHoldout } from './holdout.ts';
import { arrayOf, readRows, sourceOf, widthOf } from './rows.ts';
import type { Session, Words } from './session.ts';

/** Arrays from one call, with their first row. */
interface Part {
  readonly from: number;
  readonly arrays: readonly (Words | undefined)[];
}

/** The examples of a model, kept so that they can be written to another device after a device loss. */
export class ExampleStore {
  /** The number of training examples. */
  rows = 0;
  private parts: readonly Part[] = [];
  /** Where the examples of the next steps come from, if the device holds only those. */
  private sources: readonly (RowSource | undefined)[] = [];
  private readonly held = new Holdout();
  private readonly plan: Plan;

  constructor(plan: Plan) {
    this.plan = plan;
  }

  get any(): boolean {
    return this.rows > 0;
  }

  /** Replaces the training examples. */
  set(session: Session, given: Given): void {
    const { tensors, rows, capacity, window } = this.trained();
    const arrays = this.inOrder(tensors, given);
    if (capacity) return this.take(session, arrays, 0);
    if (window) this.sources = tensors.map((t, i) => sourceOf(arrays[i], t, rows, this.shown(t.name)));
    else {
      // All are checked before the first is written.
      const words = tensors.map((t, i) => {
        const shown = this.shown(t.name);
        return t.arena === '' ? undefined : wholeOf(t, arrayOf(arrays[i] ?? [], t, shown), shown);
      });
      tensors.forEach((t, i) => write(session, t, 0, words[i]));
      this.parts = [{ from: 0, arrays: words }];
    }
    this.rows = rows;
  }

  /** Appends training examples. */
  add(session: Session, given: Given): void {
    const { tensors, capacity } = this.trained();
    if (!capacity)
      fail('NN305', 'this plan was compiled for a fixed number of examples, so none can be added', {
        help: 'make it with a capacity, as in: program.plan({ capacity: 1000 })',
      });
    this.take(session, this.inOrder(tensors, given), this.rows);
  }

  /** Sets the holdout. */
  setHoldout(session: Session, given: Given): void {
    const { tensors } = this.plan.holdout ?? noHoldout();
    this.held.set(
      session,
      this.inOrder(tensors, given),
      tensors.map((t) => this.shown(t.name)),
    );
  }

  evaluate(session: Session): Promise<Readonly<Record<string, number>>> {
    return this.held.evaluate(session);
  }

  /** Writes everything to another device. */
  putOn(session: Session): void {
    const { data } = this.plan;
    for (const { from, arrays } of this.parts) data?.tensors.forEach((t, i) => write(session, t, from, arrays[i]));
    this.held.putOn(session);
  }

  /** Brings the examples of some steps to the device, if it does not hold all; the steps lie within one window. */
  bring(session: Session, first: number, steps: number, seed: number): void {
    const { train, data } = this.plan;
    if (!train || !data?.window) return;
    const { batch, stepsPerEpoch } = train;
    const { rows, tensors, window } = data;
    const places: number[] = [];
    for (let step = first; step < first + steps; step++) {
      const place = (step % stepsPerEpoch) * batch;
      const order = window.shuffle ? orderOf(rows, seed, Math.floor(step / stepsPerEpoch)) : (i: number): number => i;
      // The last step of an epoch may be shorter; what lies behind its rows is not read.
      for (let i = place; i < place + batch; i++) places.push(i < rows ? order(i) : 0);
    }
    tensors.forEach((t, i) => {
      const source = this.sources[i];
      if (!source) return;
      const shown = this.shown(t.name);
      const words = readRows(source, places, t, shown);
      checkValues(t, words, shown, places);
      write(session, t, (first % window.steps) * batch, words);
    });
  }

  private trained(): NonNullable<Plan['data']> {
    return this.plan.data ?? fail('NN305', 'this plan was compiled without data, so it cannot train');
  }

  private inOrder(tensors: readonly PlanTensor[], given: Given): readonly Rows[] {
    return inOrder(tensors, given, (name) => this.shown(name));
  }

  /** Writes the arrays from a row on, with as many rows as they have. */
  private take(session: Session, given: readonly Rows[], from: number): void {
    const { tensors, rows: most } = this.trained();
    const counts = tensors.flatMap((t, i) => {
      if (t.arena === '') return [];
      const n = (given[i]?.length ?? 0) / widthOf(t);
      if (!Number.isInteger(n))
        fail('NN304', `'${this.shown(t.name)}' has ${given[i]?.length} numbers, and one example of it has ${widthOf(t)}`);
      return [n];
    });
    const [n = 0, ...others] = counts;
    if (others.some((m) => m !== n)) fail('NN304', `the arrays have different numbers of examples: ${counts.join(', ')}`);
    if (from + n === 0) fail('NN304', 'there is no example to train on');
    if (from + n > most)
      fail('NN304', `that makes ${from + n} examples, and the plan has room for ${most}`, {
        help: `compile it again, with capacity: ${from + n}`,
      });
    const arrays = tensors.map((t, i) => {
      const shown = this.shown(t.name);
      return t.arena === '' ? undefined : rowsOf(t, arrayOf(given[i] ?? [], t, shown), shown);
    });
    const part = { from, arrays };
    tensors.forEach((t, i) => write(session, t, from, part.arrays[i]));
    this.parts = from === 0 ? [part] : [...this.parts, part];
    this.rows = from + n;
  }

  /** A single target is `target` in the plan, whatever its name in the program. */
  private shown(name: string): string {
    const [only, ...others] = this.plan.about.targets;
    return name === 'target' && only && others.length === 0 ? only.name : name;
  }
}

/** Writes rows to their place in the arena; an unused tensor has none. */
function write(session: Session, t: PlanTensor, from: number, rows: Words | undefined): void {
  if (t.arena === '' || !rows || rows.length === 0) return;
  session.write(t.arena, t.offset + from * widthOf(t), rows);
}
