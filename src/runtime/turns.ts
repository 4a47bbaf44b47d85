/**
 * One thing at a time: inputs, results and state share the device's memory. What is long (training) comes in turn; what is short comes
 * between the steps of what is long, and in turn where nothing long is there.
 */
export class Turns {
  private last: Promise<unknown> = Promise.resolve();
  private long = 0;
  private readonly waiting: (() => Promise<void>)[] = [];

  /** Something that asks from time to time who else waits. */
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

  /** Does what waits. */
  async serve(): Promise<void> {
    for (let next = this.waiting.shift(); next; next = this.waiting.shift()) await next();
  }
}
