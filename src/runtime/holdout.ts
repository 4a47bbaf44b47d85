import { fail } from '../base/errors.ts';
import { LOSS, metricOutput } from '../base/outputs.ts';
import type { Plan } from '../plan.ts';
import type { Rows, RowSource } from './api.ts';
import { upload } from './data.ts';
import { allRows, blank, readRows, sourceOf, widthOf } from './rows.ts';
import { stepUniforms, type Session, type Words } from './session.ts';
import { traced } from './trainer.ts';

export const noHoldout = (): never => fail('NN305', 'this plan was compiled without held-out examples');

/** The held-out examples of a model. They lie on the device if the plan judges all at once; else each batch is brought when it is due. */
export class Holdout {
  private sources: readonly (RowSource | undefined)[] | undefined;
  private shown: readonly string[] = [];

  /** Takes the examples of the plan's tensors, in order; `shown` are their names for messages. */
  set(session: Session, given: readonly Rows[], shown: readonly string[]): void {
    const { holdout } = session.plan;
    if (!holdout) return noHoldout();
    const sources = holdout.tensors.map((t, i) => sourceOf(given[i], t, holdout.rows, shown[i] ?? t.name));
    [this.sources, this.shown] = [sources, shown];
    this.putOn(session);
  }

  /** Writes what lies on the device to another one. */
  putOn(session: Session): void {
    const { holdout } = session.plan;
    if (!holdout || holdout.batch !== undefined || !this.sources) return;
    holdout.tensors.forEach((t, i) => {
      const source = this.sources?.[i];
      if (source) upload(session, t, allRows(source, t, this.shown[i] ?? t.name));
    });
  }

  /** The loss and the metrics of all held-out examples. */
  async evaluate(session: Session): Promise<Readonly<Record<string, number>>> {
    const { plan } = session;
    if (!plan.holdout) return noHoldout();
    if (!this.sources) fail('NN305', 'there are no held-out examples on the device', { help: 'call setHoldout first' });
    const program = plan.holdout.batch === undefined ? 'holdout' : 'judge';
    if (program === 'judge') await this.gather(session, plan.holdout);
    const trace = await session.run([program], stepUniforms(plan, 0, 1, ONCE));
    const value = (what: string): number => traced(plan, trace, [program], what)[0] ?? NaN;
    const metrics = (plan.train?.metrics ?? []).map((m) => [m, value(metricOutput(m))] as const);
    return Object.fromEntries([[LOSS, value(LOSS)], ...metrics]);
  }

  /** Brings the inputs of `judge`: what `holdout` makes of each batch, and examples as they are. */
  private async gather(session: Session, holdout: NonNullable<Plan['holdout']>): Promise<void> {
    const { rows, tensors, batch = rows, made = [], judged = [] } = holdout;
    const { sources = [], shown } = this;
    const gathered = made.map((t) => blank(rows * widthOf(t), t));
    for (let from = 0; from < rows; from += batch) {
      const n = Math.min(batch, rows - from);
      // A last batch that is not full repeats its first row, whose results are left out.
      const places = Uint32Array.from({ length: batch }, (_, i) => from + (i < n ? i : 0));
      tensors.forEach((t, i) => {
        const source = sources[i];
        if (source) upload(session, t, readRows(source, places, t, shown[i] ?? t.name));
      });
      await session.run(['holdout'], stepUniforms(session.plan, 0, 1, ONCE));
      for (const [i, t] of made.entries())
        (gathered[i] as Words).set(await session.read(t.arena, t.offset, n * widthOf(t)), from * widthOf(t));
    }
    for (const t of judged) {
      const own = made.findIndex((m) => m.name === t.name);
      const source = sources[tensors.findIndex((x) => x.name === t.name)];
      const values = own >= 0 ? gathered[own] : source && allRows(source, t, t.name);
      if (values) upload(session, t, values);
    }
  }
}

const ONCE = { seed: 0, total: 1 } as const;
