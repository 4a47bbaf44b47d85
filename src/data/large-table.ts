import type { Raw } from '../base/learned.ts';
import { bytesOf, type Shelf } from './shelf.ts';
import { CellsBuilder, type Cells, type Reading } from './table.ts';

/** Rows of a column that lie on the shelf together. */
export const BLOCK_ROWS = 1 << 16;

interface Block {
  readonly rows: number;
  readonly numbers: number;
  /** Undefined where the block holds no word. */
  readonly codes: number | undefined;
}

/** A column whose cells are put on a shelf, block by block, while they are read. */
export class LargeColumn {
  /** How many cells are words, and how many are numbers. */
  wordy = 0;
  numeric = 0;
  private readonly builder: CellsBuilder;
  private readonly shelf: Shelf;
  private readonly blocks: Block[] = [];
  private decorated = false;
  private rows = 0;

  constructor(shelf: Shelf, how: Reading, asWords: boolean, declared: boolean) {
    this.shelf = shelf;
    this.builder = new CellsBuilder(how, asWords, declared);
  }

  add(raw: Raw): void {
    this.builder.add(raw);
    if (++this.rows === BLOCK_ROWS) this.flush();
  }

  addNumber(n: number): void {
    this.builder.addNumber(n);
    if (++this.rows === BLOCK_ROWS) this.flush();
  }

  /** Puts what is left on the shelf. */
  flush(): void {
    if (this.rows === 0) return;
    const { numbers, codes, missing, decorated } = this.builder.take();
    const put = (values: Float64Array | Int32Array): number => {
      const place = this.shelf.reserve(values.byteLength);
      this.shelf.write(place, bytesOf(values));
      return place;
    };
    const words = codes ? codes.reduce((n, c) => n + (c >= 0 ? 1 : 0), 0) : 0;
    this.wordy += words;
    this.numeric += this.rows - words - missing.length;
    this.decorated ||= decorated;
    this.blocks.push({ rows: this.rows, numbers: put(numbers), codes: words > 0 && codes ? put(codes) : undefined });
    this.rows = 0;
  }

  /** The cells of all rows. */
  cells(): Cells {
    return this.load(this.blocks);
  }

  /** The cells of one block. */
  block(index: number): Cells {
    return this.load(this.blocks.slice(index, index + 1));
  }

  private load(blocks: readonly Block[]): Cells {
    const rows = blocks.reduce((n, b) => n + b.rows, 0);
    const numbers = new Float64Array(rows);
    const codes = blocks.some((b) => b.codes !== undefined) ? new Int32Array(rows).fill(-1) : undefined;
    let from = 0;
    for (const b of blocks) {
      this.shelf.read(b.numbers, bytesOf(numbers.subarray(from, from + b.rows)));
      if (codes && b.codes !== undefined) this.shelf.read(b.codes, bytesOf(codes.subarray(from, from + b.rows)));
      from += b.rows;
    }
    const missing: number[] = [];
    for (let i = 0; i < rows; i++) if (Number.isNaN(numbers[i]) && !((codes?.[i] ?? -1) >= 0)) missing.push(i);
    return { numbers, codes, words: this.builder.known, missing, decorated: this.decorated, truth: this.builder.truth };
  }
}
