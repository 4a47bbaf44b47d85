import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { programText } from '../../src/data/utf8.ts';
import { nncIn, temporary } from '../support/cli.ts';
import { wrong } from '../support/wrong.ts';

const bytes = (...parts: readonly (string | number)[]): Uint8Array =>
  Uint8Array.from(parts.flatMap((p) => (typeof p === 'string' ? [...new TextEncoder().encode(p)] : [p])));

describe('a program that is no UTF-8', () => {
  it.each([
    ['Latin-1', ['layer Linear(1, 1)\n# caf', 0xe9, '\n'], '0xE9 at line 2, column 6'],
    ['in the first place', [0xe9, 't'], '0xE9 at line 1, column 1'],
    ['at its end', ['# caf', 0xe9], '0xE9 at line 1, column 6'],
    ['after other characters of several bytes', ['# é€😀', 0xfc, 'ber'], '0xFC at line 1, column 7'],
    ['after the mark of UTF-8', [0xef, 0xbb, 0xbf, 'a\n', 0xff], '0xFF at line 2, column 1'],
    ['with the line ends of Windows and of old Macs', ['a\r\nb\rc', 0x80], '0x80 at line 3, column 2'],
    ['UTF-16', [0xff, 0xfe, 'l', 0, 'a', 0], '0xFF at line 1, column 1'],
    ['a character that another one cuts', ['a', 0xe2, 0x82, 'b'], '0xE2 at line 1, column 2'],
  ])('%s is refused with the place of the first bad byte', async (_name, parts, where) => {
    expect(await wrong(() => programText('a.nn', bytes(...parts)))).toBe(
      `NN502: a.nn is no text in UTF-8: the byte ${where}\n` +
        '  help: save it as UTF-8 in your editor, or convert it: iconv -f WINDOWS-1252 -t UTF-8 a.nn > NEW',
    );
  });

  it('what is UTF-8 is read, with and without its mark', () => {
    expect(programText('a.nn', bytes('# é€😀\uFFFD'))).toBe('# é€😀\uFFFD');
    expect(programText('a.nn', bytes(0xef, 0xbb, 0xbf, 'a'))).toBe('a');
    expect(programText('a.nn', new Uint8Array(0))).toBe('');
  });

  it.each([['check'], ['train'], ['dump', '--stage', 'ast'], ['fmt']])(
    'nnc %s says so, of imported files too',
    async (command, ...flags) => {
      const dir = temporary();
      writeFileSync(join(dir, 'a.nn'), bytes('# caf', 0xe9, '\nlayer Linear(1, 1)\n'));
      writeFileSync(join(dir, 'b.nn'), 'import "a.nn"\nlayer Linear(1, 1)\n');
      const said =
        'error[NN502]: the file cannot be read\n' +
        '  = a.nn is no text in UTF-8: the byte 0xE9 at line 1, column 6\n' +
        '  = help: save it as UTF-8 in your editor, or convert it: iconv -f WINDOWS-1252 -t UTF-8 a.nn > NEW\n';
      const r = await nncIn(dir, {}, command, 'a.nn', ...flags);
      expect([r.code, r.stdout, r.stderr]).toEqual([2, '', said]);
      if (command !== 'check') return;
      const importing = await nncIn(dir, {}, command, 'b.nn', ...flags);
      expect([importing.code, importing.stdout, importing.stderr]).toEqual([2, '', said]);
    },
  );
});
