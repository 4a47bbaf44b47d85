/**
 * Runs one thing at a time, because inputs, results and state share the device's memory. Long tasks (training) queue up. Short ones run
 * between the steps of a long one; if there is none, they queue up too.
 */
export class Turns {
  private last: Promise<unknown> = Promise.resolve();
  private long = 0;
  private readonly waiting: (() => Promise<void>)[] = [];

  /** Runs a long task, which calls `serve` from time to time. */
  whole<T>(body: () => Promise<T>): Promise<T> {
    this.long++;
    const run = async (): Promise<T> => {
      try {
        await this.serve();
        return await body();
      } finally {
        this.long--;
        await this.serve();
      }
    };
    const turn = this.last.then(run, run);
    this.last = turn.catch(() => undefined);
    return turn;
  }

  brief<T>(body: () => Promise<T>): Promise<T> {
    if (this.long === 0) {
      const turn = this.last.then(body, body);
      this.last = turn.catch(() => undefined);
      return turn;
    }
    return new Promise<T>((resolve, reject) => {
      this.waiting.push(() => body().then(resolve, reject));
    });
  }

  get someoneWaits(): boolean {
    return this.waiting.length > 0;
  }

  /** Runs the waiting short tasks. */
  async serve(): Promise<void> {
    for (let next = this.waiting.shift(); next; next = this.waiting.shift()) await next();
  }
}
