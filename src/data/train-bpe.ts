import { BYTE_CHARACTERS, PIECES, byteText } from '../base/bpe.ts';

/** A piece of the text, cut into tokens so far, and how often it occurs. */
interface Piece {
  tokens: string[];
  readonly count: number;
}

/** The tokens of a vocabulary, and the pairs that are joined, in order: `t h`. */
export interface Bpe {
  readonly entries: readonly string[];
  readonly merges: readonly string[];
}

/**
 * Learns a vocabulary of byte pairs: beginning with the 256 bytes, the commonest pair of neighbours becomes a token, until there are `size`
 * tokens or no pair occurs twice. Of equally common pairs, the first by its characters is taken, so that the result is always the same.
 */
export function trainBpe(text: string, size: number): Bpe {
  const counts = new Map<string, number>();
  for (const [piece] of text.matchAll(PIECES)) counts.set(piece, (counts.get(piece) ?? 0) + 1);
  const pieces = [...counts].map(([piece, count]): Piece => ({ tokens: [...byteText(piece)], count }));
  const pairs = new Pairs();
  pieces.forEach((p) => pairs.count(p, 1));
  const entries = [...BYTE_CHARACTERS];
  const merges: string[] = [];
  while (entries.length < size) {
    const pair = pairs.commonest();
    if (pair === undefined) break;
    const [left = '', right = ''] = pair.split(' ');
    merges.push(pair);
    entries.push(left + right);
    for (const p of [...pairs.piecesOf(pair)]) {
      pairs.count(p, -1);
      p.tokens = joined(p.tokens, left, right);
      pairs.count(p, 1);
    }
  }
  return { entries, merges };
}

function joined(tokens: readonly string[], left: string, right: string): string[] {
  const out: string[] = [];
  for (let i = 0; i < tokens.length; i++) {
    if (tokens[i] === left && tokens[i + 1] === right) {
      out.push(left + right);
      i++;
    } else out.push(tokens[i] ?? '');
  }
  return out;
}

/** How often each pair of neighbours occurs, and in which pieces. */
class Pairs {
  private readonly counts = new Map<string, number>();
  private readonly pieces = new Map<string, Set<Piece>>();

  /** Adds a piece's pairs, or takes them away. */
  count(piece: Piece, sign: 1 | -1): void {
    const { tokens, count } = piece;
    for (let i = 0; i + 1 < tokens.length; i++) {
      const pair = `${tokens[i] ?? ''} ${tokens[i + 1] ?? ''}`;
      const n = (this.counts.get(pair) ?? 0) + sign * count;
      if (n > 0) this.counts.set(pair, n);
      else this.counts.delete(pair);
      const known = this.pieces.get(pair);
      if (sign < 0) known?.delete(piece);
      else if (known) known.add(piece);
      else this.pieces.set(pair, new Set([piece]));
    }
  }

  piecesOf(pair: string): Iterable<Piece> {
    return this.pieces.get(pair) ?? [];
  }

  /** The pair that occurs most often, at least twice. */
  commonest(): string | undefined {
    let [best, most]: [string | undefined, number] = [undefined, 1];
    for (const [pair, n] of this.counts) if (n > most || (n === most && best !== undefined && pair < best)) [best, most] = [pair, n];
    return best;
  }
}
