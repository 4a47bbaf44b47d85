/**
 * Byte pair encoding over bytes, as GPT-2 has it (Radford et al., 2019; Sennrich et al., 2016): a text is cut into pieces, each piece is its
 * bytes, and the pairs of a list are joined in the order of the list. Tokens are written with one character for each byte, as in the file
 * tokenizer.json of Hugging Face.
 */

/** How texts are cut: contractions, words, numbers and other signs with the space before them, and white space. */
export const PIECES = /'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+/gu;

/** The character of each byte: itself if it can be seen, else one from 256 on. */
export const BYTE_CHARACTERS: readonly string[] = (() => {
  const seen = (b: number): boolean => (b >= 33 && b <= 126) || (b >= 161 && b <= 172) || b >= 174;
  let next = 256;
  return Array.from({ length: 256 }, (_, b) => String.fromCharCode(seen(b) ? b : next++));
})();

const BYTES = new Map(BYTE_CHARACTERS.map((c, b) => [c, b]));

/** The characters of a text's bytes. */
export const byteText = (text: string): string => Array.from(new TextEncoder().encode(text), (b) => BYTE_CHARACTERS[b] ?? '').join('');

/** The bytes of a token; a character that stands for none is itself, as in special tokens. */
export const tokenBytes = (token: string): Uint8Array => {
  const bytes = Array.from(token, (c) => BYTES.get(c));
  return bytes.includes(undefined) ? new TextEncoder().encode(token) : Uint8Array.from(bytes as number[]);
};

/** Joins the parts of a piece; `rank` is the place of a pair in the list, or undefined. */
export function joinPairs(parts: readonly string[], rank: (left: string, right: string) => number | undefined): readonly string[] {
  let all = [...parts];
  for (;;) {
    let [best, lowest] = [-1, Infinity];
    for (let i = 0; i + 1 < all.length; i++) {
      const r = rank(all[i] ?? '', all[i + 1] ?? '') ?? Infinity;
      if (r < lowest) [best, lowest] = [i, r];
    }
    if (best < 0) return all;
    const [left = '', right = ''] = all.slice(best, best + 2);
    const next: string[] = [];
    for (let i = 0; i < all.length; i++) {
      if (all[i] === left && all[i + 1] === right) {
        next.push(left + right);
        i++;
      } else next.push(all[i] ?? '');
    }
    all = next;
  }
}

/** Turns texts into numbers of tokens; -1 for a byte that has no token. */
export function bpeEncoder(entries: readonly string[], merges: readonly string[]): (text: string) => number[] {
  const number = new Map(entries.map((e, i) => [e, i]));
  const ranks = new Map(merges.map((m, i) => [m, i]));
  const known = new Map<string, readonly number[]>();
  const encoded = (piece: string): readonly number[] => {
    const parts = joinPairs([...byteText(piece)], (a, b) => ranks.get(`${a} ${b}`));
    return parts.map((p) => number.get(p) ?? -1);
  };
  return (text) =>
    (text.match(PIECES) ?? []).flatMap((piece) => {
      const found = known.get(piece) ?? encoded(piece);
      known.set(piece, found);
      return [...found];
    });
}
