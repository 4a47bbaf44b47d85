/** Characters that look like nothing, by name. */
const INVISIBLE: Readonly<Record<string, string>> = {
  '\u00a0': 'a no-break space',
  '\u00ad': 'a soft hyphen',
  '\u200b': 'a zero-width space',
  '\u200c': 'a zero-width non-joiner',
  '\u200d': 'a zero-width joiner',
  '\u2028': 'a line separator',
  '\u202f': 'a narrow no-break space',
  '\u2060': 'a word joiner',
  '\u3000': 'an ideographic space',
  '\ufeff': 'a byte order mark',
};

/** What a text is that the language does not use. Outside ASCII its code point is said, since it may be invisible or look like another. */
export function unknownCharacter(text: string): { readonly label: string; readonly help?: string } {
  const character = /^./su.exec(text)?.[0] ?? text;
  const point = character.codePointAt(0) ?? 0;
  if (point >= 32 && point < 127) return { label: `${JSON.stringify(text)} means nothing here` };
  const code = `U+${point.toString(16).toUpperCase().padStart(4, '0')}`;
  if (/[\p{Z}\p{C}]/u.test(character)) {
    const name = Object.hasOwn(INVISIBLE, character) ? `, ${INVISIBLE[character] ?? ''},` : '';
    const help = /\p{Z}/u.test(character) ? 'it looks like a space and is none: type a plain one' : 'it cannot be seen: take it away';
    return { label: `the character ${code}${name} means nothing here`, help };
  }
  const label = `${JSON.stringify(character)} (${code}) means nothing here`;
  return /[\p{L}\p{M}\p{N}]/u.test(character) ? { label, help: 'names are made of a-z, A-Z, 0-9 and _' } : { label };
}
