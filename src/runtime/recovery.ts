import type { DeviceLost } from './errors.ts';
import type { Rates, Session } from './session.ts';

/** Opens another session for the same plan. */
export type Reopen = (lost: DeviceLost) => Promise<Session>;

/** A place to go back to. */
export interface Snapshot {
  readonly step: number;
  readonly put: (session: Session) => Promise<void>;
}

/** What all steps of a run have in common. */
export interface RunOptions {
  readonly steps: number;
  readonly seed: number;
}

/** Milliseconds between two snapshots, and how many times as long as taking one. */
const INTERVAL = 5000;
const SHARE = 50;
/** Devices that may be lost without a step between them. */
const MOST = 3;

/**
 * What is needed to go on elsewhere as if nothing had happened: the last snapshot, and what the steps since then were told. Only
 * devices that can be lost have it.
 */
export class Recovery {
  private snapshot: Snapshot | undefined;
  private run: RunOptions | undefined;
  private readonly open: Reopen | undefined;
  private taken = 0;
  private interval = INTERVAL;
  private stale = false;
  private losses = 0;
  /** The rates of the steps since the snapshot, where they changed. */
  private changes: { readonly step: number; readonly rates: Rates }[] = [];

  constructor(open: Reopen | undefined) {
    this.open = open;
  }

  /** Whether a snapshot is worth its time on a device. */
  private matters({ lost }: Session): boolean {
    return this.open !== undefined && lost !== undefined;
  }

  /** What the snapshot holds is no longer where training would go on from. */
  outdate(): void {
    this.stale = true;
  }

  keep(snapshot: Snapshot, run?: RunOptions, cost = 0): void {
    this.snapshot = snapshot;
    this.run = run;
    this.stale = false;
    this.losses = 0;
    this.changes = this.changes.slice(-1);
    this.taken = performance.now();
    this.interval = Math.max(INTERVAL, SHARE * cost);
  }

  /** Whether a snapshot is to be taken before a run begins. */
  wants(session: Session, run: RunOptions): boolean {
    const [known] = [this.run];
    this.run ??= run;
    return this.matters(session) && (this.stale || (known !== undefined && (known.steps !== run.steps || known.seed !== run.seed)));
  }

  due(session: Session): boolean {
    return this.matters(session) && (this.stale || performance.now() - this.taken > this.interval);
  }

  /** The rates of a step: those of now, or where it was done before, those of then. */
  ratesAt(step: number, told: number, now: Rates): Rates {
    if (step < told) return this.changes.findLast((c) => c.step <= step)?.rates ?? [];
    if (this.open && this.changes.at(-1)?.rates !== now) this.changes.push({ step, rates: now });
    return now;
  }

  /** Another session; the loss is an error where there can be none. */
  reopen(lost: DeviceLost): Promise<Session> {
    if (!this.open || ++this.losses > MOST) return Promise.reject(lost);
    return this.open(lost);
  }

  async putBack(session: Session): Promise<{ readonly step: number; readonly run: RunOptions | undefined }> {
    await this.snapshot?.put(session);
    return { step: this.snapshot?.step ?? 0, run: this.run };
  }
}
