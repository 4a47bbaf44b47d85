/** After so many chunks the slower way is tried again: helpers because the machine may have become less busy, working alone hardly ever. */
const RETRY = { together: 16, alone: 256 } as const;
/** Each way is tried twice at first: the engine still compiles while the first chunks run. */
const FIRST = 4;

/**
 * Decides whether to use helpers: on a busy machine, waiting for a descheduled thread takes longer than working alone. Both ways give the
 * same bits, so the faster one is used.
 */
export class Sharing {
  private readonly known: Record<'alone' | 'together', number> = { alone: 0, together: 0 };
  private chunks = 0;

  /** Whether to share the next chunk. */
  choose(): boolean {
    const { alone, together } = this.known;
    if (this.chunks < FIRST) return this.chunks++ % 2 === 0;
    const faster = together <= alone;
    return faster !== (++this.chunks % RETRY[faster ? 'alone' : 'together'] === 0);
  }

  /** Records how long a unit of work took: a faster time counts at once, slower ones as a moving average. */
  learn(shared: boolean, time: number): void {
    const key = shared ? 'together' : 'alone';
    const before = this.known[key];
    this.known[key] = before === 0 || time < before ? time : (before + time) / 2;
  }
}
