import { fail } from '../base/errors.ts';

/** What is said about a text in another encoding, and what to do. Excel writes UTF-16 as "Unicode text", with a mark in front. */
export function notUtf8(path: string, [first, second]: Uint8Array): readonly [string, string] {
  const wide = (first === 0xff && second === 0xfe) || (first === 0xfe && second === 0xff);
  return [
    wide ? `${path} is a text file in UTF-16, and not in UTF-8` : `${path} is not a text file in UTF-8`,
    `save it as UTF-8 (in Excel: CSV UTF-8), or convert it: iconv -f ${wide ? 'UTF-16' : 'WINDOWS-1252'} -t UTF-8 FILE > NEW`,
  ];
}

type Refuse = () => never;

const refusing =
  (path: string, bytes: Uint8Array): Refuse =>
  () => {
    const [label, help] = notUtf8(path, bytes);
    return fail('NN301', label, { help });
  };

/** The text in the bytes of a file. What is no UTF-8 would be lost, and different words would become the same. */
export function textIn(path: string, bytes: Uint8Array, refuse: Refuse = refusing(path, bytes)): string {
  return bytes.includes(0) ? refuse() : decoded(new TextDecoder('utf-8', { fatal: true }), bytes, {}, refuse);
}

function decoded(decoder: TextDecoder, bytes: Uint8Array, options: TextDecodeOptions, refuse: Refuse): string {
  try {
    return decoder.decode(bytes, options);
  } catch (e) {
    if (e instanceof TypeError) return refuse();
    throw e;
  }
}

/** The text of a program. Other bytes than those of UTF-8 would be lost, so the first of them is named. */
export function programText(path: string, bytes: Uint8Array): string {
  return decoded(new TextDecoder('utf-8', { fatal: true }), bytes, {}, () => {
    const { line, column, byte } = firstBad(bytes);
    return fail('NN502', `${path} is no text in UTF-8: the byte 0x${byte.toString(16).toUpperCase()} at line ${line}, column ${column}`, {
      help: `save it as UTF-8 in your editor, or convert it: iconv -f WINDOWS-1252 -t UTF-8 ${path} > NEW`,
    });
  });
}

/** The place of the first byte that begins no character of UTF-8. */
function firstBad(bytes: Uint8Array): { readonly line: number; readonly column: number; readonly byte: number } {
  const head = (end: number): string => new TextDecoder('utf-8', { fatal: true }).decode(bytes.subarray(0, end), { stream: true });
  let [good, bad] = [0, bytes.length + 1];
  while (bad - good > 1) {
    const middle = (good + bad) >> 1;
    try {
      head(middle);
      good = middle;
    } catch {
      bad = middle;
    }
  }
  // A character that is cut is not in it yet.
  const text = head(good);
  const lines = text.split(/\r\n?|\n/);
  // The mark of UTF-8 at the beginning is no part of the text.
  const mark = [0xef, 0xbb, 0xbf].every((b, i) => bytes[i] === b) ? 3 : 0;
  return { line: lines.length, column: (lines.at(-1) ?? '').length + 1, byte: bytes[mark + new TextEncoder().encode(text).length] ?? 0 };
}

/** Decodes a file that is read piece by piece. */
export class PieceDecoder {
  private readonly whole = new TextDecoder('utf-8', { fatal: true });
  private readonly path: string;
  private readonly refuse: Refuse;

  constructor(path: string) {
    this.path = path;
    this.refuse = refusing(path, new Uint8Array());
  }

  /** The text of a cell, which ends where a character does. */
  cell(bytes: Uint8Array): string {
    return decoded(this.whole, bytes, {}, this.refuse);
  }

  /** The text of a piece. A character that its end cuts is left out, unless it is the last one. */
  piece(bytes: Uint8Array, last: boolean): string {
    return decoded(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }), bytes, { stream: !last }, this.refuse);
  }

  /** Refuses what no text has. */
  mustBeText(head: Uint8Array): void {
    if (head.includes(0)) refusing(this.path, head)();
  }
}
