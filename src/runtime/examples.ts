import { fail } from '../base/errors.ts';
import type { Plan, PlanTensor } from '../plan.ts';
import { inOrder, upload, wordsOf, type Given } from './data.ts';
import type { Session, Words } from './session.ts';
import { sizeOf } from './weights.ts';

/** Arrays from one call, with their first row. */
interface Part {
  readonly from: number;
  readonly arrays: readonly Words[];
}

/** The examples of a model, kept so that they can be written to another device after a device loss. */
export class ExampleStore {
  /** The number of training examples. */
  rows = 0;
  private parts: readonly Part[] = [];
  private holdout: readonly ArrayLike<number>[] | undefined;
  private readonly plan: Plan;

  constructor(plan: Plan) {
    this.plan = plan;
  }

  get any(): boolean {
    return this.parts.length > 0;
  }

  /** Replaces the training examples. */
  set(session: Session, given: Given): void {
    const { tensors, rows, capacity } = this.trained();
    const arrays = inOrder(tensors, given, (name) => this.shown(name));
    if (capacity) return this.take(session, arrays, 0);
    const words = tensors.map((t, i) => wordsOf(arrays[i] ?? [], t.dtype));
    tensors.forEach((t, i) => upload(session, t, words[i] ?? []));
    this.rows = rows;
    this.parts = [{ from: 0, arrays: words }];
  }

  /** Appends training examples. */
  add(session: Session, given: Given): void {
    const { tensors, capacity } = this.trained();
    if (!capacity)
      fail('NN305', 'this plan was compiled for a fixed number of examples, so none can be added', {
        help: 'make it with a capacity, as in: program.plan({ capacity: 1000 })',
      });
    this.take(
      session,
      inOrder(tensors, given, (name) => this.shown(name)),
      this.rows,
    );
  }

  /** Sets the holdout. */
  setHoldout(session: Session, given: Given): void {
    const { holdout } = this.plan;
    if (!holdout) return fail('NN305', 'this plan was compiled without held-out examples');
    this.holdout = inOrder(holdout.tensors, given, (name) => this.shown(name));
    holdout.tensors.forEach((t, i) => upload(session, t, this.holdout?.[i] ?? []));
  }

  /** Writes everything to another device. */
  putOn(session: Session): void {
    const { data, holdout } = this.plan;
    for (const { from, arrays } of this.parts) data?.tensors.forEach((t, i) => write(session, t, from, arrays[i]));
    if (this.holdout) holdout?.tensors.forEach((t, i) => upload(session, t, this.holdout?.[i] ?? []));
  }

  private trained(): NonNullable<Plan['data']> {
    return this.plan.data ?? fail('NN305', 'this plan was compiled without data, so it cannot train');
  }

  /** Writes the arrays from a row on, with as many rows as they have. */
  private take(session: Session, arrays: readonly ArrayLike<number>[], from: number): void {
    const { tensors, rows: most } = this.trained();
    const counts = tensors.flatMap((t, i) => {
      if (t.arena === '') return [];
      const each = sizeOf(t.shape.slice(1));
      const n = (arrays[i]?.length ?? 0) / each;
      if (!Number.isInteger(n))
        fail('NN304', `'${this.shown(t.name)}' has ${arrays[i]?.length} numbers, and one example of it has ${each}`);
      return [n];
    });
    const [n = 0, ...others] = counts;
    if (others.some((m) => m !== n)) fail('NN304', `the arrays have different numbers of examples: ${counts.join(', ')}`);
    if (from + n === 0) fail('NN304', 'there is no example to train on');
    if (from + n > most)
      fail('NN304', `that makes ${from + n} examples, and the plan has room for ${most}`, {
        help: `compile it again, with capacity: ${from + n}`,
      });
    const part = { from, arrays: tensors.map((t, i) => wordsOf(arrays[i] ?? [], t.dtype)) };
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
  session.write(t.arena, t.offset + from * sizeOf(t.shape.slice(1)), rows);
}
