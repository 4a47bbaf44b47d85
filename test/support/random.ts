import { uniformAt } from '../../src/base/random.ts';

/** A small random generator for tests: every run of a seed is the same. */
export class Random {
  private next = 0;
  private readonly seed: number;

  constructor(seed: number) {
    this.seed = seed;
  }

  unit(): number {
    return uniformAt(this.seed, 1, 0, this.next++);
  }

  between(low: number, high: number): number {
    return low + (high - low) * this.unit();
  }

  /** Whole numbers from low to high, both included. */
  int(low: number, high: number): number {
    return low + Math.floor(this.unit() * (high - low + 1));
  }

  pick<T>(items: readonly T[]): T {
    const item = items[this.int(0, items.length - 1)];
    if (item === undefined) throw new Error('nothing to pick from');
    return item;
  }

  floats(n: number, low = -2, high = 2): Float64Array {
    // Rounded to float32, so that every device starts from the same numbers.
    return Float64Array.from({ length: n }, () => Math.fround(this.between(low, high)));
  }
}
