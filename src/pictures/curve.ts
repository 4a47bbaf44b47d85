/** A point of a curve. */
export interface Point {
  readonly x: number;
  readonly y: number;
}

/** The most points that are kept; beyond that, neighbours are joined. */
const MOST = 1024;

/** A curve of any length with a bounded number of points: each is the mean of so many values that follow one another. */
export class Curve {
  private sums: { x: number; y: number; n: number }[] = [];
  private each = 1;

  add(x: number, y: number): void {
    const last = this.sums.at(-1);
    if (last && last.n < this.each) {
      last.x += x;
      last.y += y;
      last.n++;
      return;
    }
    if (this.sums.length === MOST) this.halve();
    this.sums.push({ x, y, n: 1 });
  }

  private halve(): void {
    const joined: typeof this.sums = [];
    for (let i = 0; i < this.sums.length; i += 2) {
      const [a, b = { x: 0, y: 0, n: 0 }] = this.sums.slice(i, i + 2);
      if (a) joined.push({ x: a.x + b.x, y: a.y + b.y, n: a.n + b.n });
    }
    this.sums = joined;
    this.each *= 2;
  }

  get points(): readonly Point[] {
    return this.sums.map(({ x, y, n }) => ({ x: x / n, y: y / n }));
  }
}
