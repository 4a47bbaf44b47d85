import type { DeviceLost } from './errors.ts';
import type { Rates, Session } from './session.ts';

/** Opens another session for the same plan. */
export type Reopen = (lost: DeviceLost) => Promise<Session>;

/** A state to go back to. */
export interface Snapshot {
  readonly step: number;
  readonly put: (session: Session) => Promise<unknown>;
}

/** The options of a run. */
export interface RunOptions {
  readonly steps: number;
  readonly seed: number;
}

/** Snapshots are at least this many milliseconds apart, and at least this many times the duration of taking one. */
const INTERVAL = 5000;
const SHARE = 50;
/** The number of device losses in a row, with no snapshot between them, before giving up. */
const MOST = 3;

/**
 * What it takes to continue seamlessly on another device: the last snapshot, and the learning rates of the steps since then. Only kept for
 * devices that can be lost.
 */
export class Recovery {
  private snapshot: Snapshot | undefined;
  private run: RunOptions | undefined;
  private readonly open: Reopen | undefined;
  private taken = 0;
  private interval = INTERVAL;
  private stale = false;
  private losses = 0;
  /** Changes of the rates since the snapshot. */
  private changes: { readonly step: number; readonly rates: Rates }[] = [];

  constructor(open: Reopen | undefined) {
    this.open = open;
  }

  /** Whether snapshots are needed on a device. */
  private matters({ lost }: Session): boolean {
    return this.open !== undefined && lost !== undefined;
  }

  /** The snapshot no longer matches the training state. */
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

  /** Whether to take a snapshot before a run begins. */
  wants(session: Session, run: RunOptions): boolean {
    const [known] = [this.run];
    this.run ??= run;
    return this.matters(session) && (this.stale || (known !== undefined && (known.steps !== run.steps || known.seed !== run.seed)));
  }

  due(session: Session): boolean {
    return this.matters(session) && (this.stale || performance.now() - this.taken > this.interval);
  }

  /** The rates of a step: the current ones, or for a repeated step those it had the first time. */
  ratesAt(step: number, told: number, now: Rates): Rates {
    if (step < told) return this.changes.findLast((c) => c.step <= step)?.rates ?? [];
    if (this.open && this.changes.at(-1)?.rates !== now) this.changes.push({ step, rates: now });
    return now;
  }

  /** Opens another session; rejects with the loss if that is not possible. */
  reopen(lost: DeviceLost): Promise<Session> {
    if (!this.open || ++this.losses > MOST) return Promise.reject(lost);
    return this.open(lost);
  }

  async putBack(session: Session): Promise<{ readonly step: number; readonly run: RunOptions | undefined }> {
    await this.snapshot?.put(session);
    return { step: this.snapshot?.step ?? 0, run: this.run };
  }
}
