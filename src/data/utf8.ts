import { fail } from '../base/errors.ts';

/** What to do about a text in another encoding. */
export const UTF8_HELP = 'save it as UTF-8 (in Excel: CSV UTF-8), or convert it: iconv -f WINDOWS-1252 -t UTF-8 FILE > NEW';

type Refuse = () => never;

const refusing =
  (path: string): Refuse =>
  () =>
    fail('NN301', `${path} is not a text file in UTF-8`, { help: UTF8_HELP });

/** The text in the bytes of a file. What is no UTF-8 would be lost, and different words would become the same. */
export function textIn(path: string, bytes: Uint8Array, refuse: Refuse = refusing(path)): string {
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

/** Decodes a file that is read piece by piece. */
export class PieceDecoder {
  private readonly whole = new TextDecoder('utf-8', { fatal: true });
  private readonly refuse: Refuse;

  constructor(path: string) {
    this.refuse = refusing(path);
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
    if (head.includes(0)) this.refuse();
  }
}
