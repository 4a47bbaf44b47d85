import { execFileSync } from 'node:child_process';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { nncIn, temporary } from '../support/cli.ts';

/** What comes from somebody else is refused or done in bounded time and memory; docs/security.md lists these limits. */
const dir = temporary();
const file = (name: string, content: string | Uint8Array): string => {
  writeFileSync(join(dir, name), content);
  return name;
};
const run = (...args: readonly string[]) => nncIn(dir, { NODE_OPTIONS: '--max-old-space-size=1024' }, ...args);
const END = 'layer Linear(1, 1)\nloss mse\noptim sgd lr=0.1\n';

/** Sizes at which anything that grows with the square would take minutes; a slow machine has twenty seconds. */
const BOUND = { timeout: 20_000 };

describe('programs of any size end soon', () => {
  it.each<[string, string, string]>([
    ['empty lines', '\n'.repeat(300_000) + END, 'NN207'],
    ['line ends of Windows', '\r\n'.repeat(300_000) + END, 'NN207'],
    ['comments', '# x\n'.repeat(150_000) + END, 'NN207'],
    ['lets', Array.from({ length: 6000 }, (_, i) => `let a${i} = ${i}\n`).join('') + END, 'NN207'],
    ['a name of 200,000 letters', `print ${'q'.repeat(200_000)}\n`, 'NN201'],
    ['a text that never ends', `data "${'a'.repeat(2_000_000)}\n${END}`, 'NN102'],
    ['wrong names', Array.from({ length: 4000 }, (_, i) => `print x${i}y\n`).join(''), 'NN201'],
    ['characters without a meaning', '$'.repeat(100_000), 'NN101'],
    ['brackets in brackets', `print ${'('.repeat(50_000)}1${')'.repeat(50_000)}\n`, 'NN216'],
    ['braces that never end', '{'.repeat(100_000), 'NN216'],
    ['signs', `print ${'-'.repeat(100_000)}1\n`, 'NN216'],
    ['powers of powers', `print ${Array.from({ length: 20_000 }, () => '1').join('^')}\n`, 'NN216'],
    ['powers on many lines', `print ${Array.from({ length: 20_000 }, () => '1').join('^\n')}\n`, 'NN216'],
    ['sums on many lines', `print ${Array.from({ length: 20_000 }, () => '1').join(' +\n')}\n`, 'NN216'],
    ['repetitions of repetitions', `layer Linear(1, 1) -> ${'repeat 2 '.repeat(5000)}relu\n${END}`, 'NN216'],
    ['an index of an index', `let x = [1]\nprint x${'[0]'.repeat(5000)}\n`, 'NN216'],
    ['repetitions', `layer Linear(1, 1) -> repeat 1000000 relu\nprint 1\n${END.slice(END.indexOf('loss'))}`, 'NN217'],
    ['an array that fits no memory', 'print sum(zeros(100000, 100000))\n', 'NN217'],
  ])('%s', BOUND, async (_what, text, code) => {
    const r = await run('run', file('long.nn', text), '--device', 'cpu');
    expect([r.code, r.stderr]).toEqual([1, expect.stringContaining(`error[${code}]`)]);
    // Twenty errors and a part of each long line.
    expect(r.stderr.length).toBeLessThan(20_000);
  });

  it('a batch that fits no buffer', BOUND, async () => {
    const text = 'layer Linear(1, 2048) -> tanh -> Linear(2048, 1)\nloss mse\noptim sgd\ntrain steps=1\n';
    const r = await run('check', file('batch.nn', text), '--batch', '1048576');
    expect(r.code).toBe(1);
    expect(r.stderr).toMatch(
      /^error\[NN217\]: the model is too large\n {2}= a value has 2147483648 numbers, and nnc holds at most 1073741824 in one buffer: \w+ = \w+ : f32\[1048576, 2048\], .*\n {2}= help: use a smaller batch, of at most 524288: train batch=524288\n$/,
    );
  });

  it('a long list', BOUND, async () => {
    const list = Array.from({ length: 40_000 }, (_, i) => i).join(', ');
    expect((await run('run', file('list.nn', `print sum([${list}])\n`), '--device', 'cpu')).stdout).toBe(`${(40_000 * 39_999) / 2}\n`);
  });
});

describe('errors', () => {
  it('show twenty of many, and the part of a line where they are', async () => {
    const text = `${Array.from({ length: 30 }, (_, i) => `print x${i}y\n`).join('')}print ${'1 + '.repeat(200)}oops + ${'2 + '.repeat(200)}3\n`;
    const { stderr } = await run('run', file('many.nn', text));
    expect(stderr.match(/error\[/g)).toHaveLength(20);
    expect(stderr).toContain('and 11 more like these');
    const one = await run('run', file('one.nn', `print ${'1 + '.repeat(200)}oops + ${'2 + '.repeat(200)}3\n`));
    const lines = one.stderr.split('\n');
    const shown = lines.find((l) => l.includes('oops')) ?? '';
    expect(shown.length).toBeLessThan(220);
    expect(shown).toMatch(/^1 \| ….*oops.*…$/);
    // The caret stands under the name.
    expect(lines.find((l) => l.includes('^^^^'))?.indexOf('^^^^')).toBe(shown.indexOf('oops'));
  });
});

describe('data of any kind end soon', () => {
  file('d.nn', `data "none.csv" x=a y=b\n${END}`);
  const head = (size: number, text: string): Uint8Array => {
    const bytes = new Uint8Array(12 + size).fill(32);
    bytes.set([0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, 2, 0]);
    new DataView(bytes.buffer).setUint32(8, size, true);
    bytes.set(new TextEncoder().encode(text), 12);
    return bytes;
  };
  it.each<[string, string, string | Uint8Array, string]>([
    ['40,000 columns', 'wide.csv', `${Array.from({ length: 40_000 }, (_, i) => `c${i}`).join(',')}\n${'1,'.repeat(39_999)}1\n`, 'NN302'],
    ['a quote that is never closed', 'open.csv', `a,b\n1,"${'x'.repeat(10_000_000)}`, 'NN303'],
    ['40,000 different words', 'words.csv', `a,b\n${Array.from({ length: 40_000 }, (_, i) => `w${i},1\n`).join('')}`, 'NN304'],
    ['a head of spaces', 'head.npy', head(4_000_000, "{'descr': '<f4', "), 'NN301'],
    [
      'a head of ever more axes',
      'axes.npy',
      head(400_000, `{'descr': '<f4', 'fortran_order': False, 'shape': (${'1,'.repeat(190_000)}`),
      'NN301',
    ],
    ['lists in lists', 'deep.json', '['.repeat(500_000), 'NN301'],
  ])('%s', BOUND, async (_what, name, content, code) => {
    const r = await run('train', 'd.nn', '--data', file(name, content), '--device', 'cpu', '--steps', '1');
    expect([r.code, r.stderr]).toEqual([1, expect.stringContaining(`error[${code}]`)]);
    expect(r.stderr.length).toBeLessThan(5000);
  });

  it.skipIf(process.platform === 'win32')('imports that are no files, or lie outside of the program’s folder', BOUND, async () => {
    mkdirSync(join(dir, 'inside'));
    file('outside.nn', 'let secret = 3\n');
    file('inside/beside.nn', 'let near = 4\n');
    symlinkSync('../outside.nn', join(dir, 'inside/link.nn'));
    execFileSync('mkfifo', [join(dir, 'inside/pipe.nn')]);
    const imports = (path: string, name: string): string => file('inside/main.nn', `import "${path}"\nprint ${name}\n`);
    expect((await run('run', imports('beside.nn', 'near'))).stdout).toBe('4\n');
    for (const path of ['../outside.nn', 'link.nn', join(dir, 'outside.nn')]) {
      const r = await run('run', imports(path, 'secret'));
      expect([r.code, r.stderr]).toEqual([
        1,
        expect.stringContaining("cannot be read: it is outside of the program's folder inside; --imports-anywhere allows that"),
      ]);
      expect((await run('run', 'inside/main.nn', '--imports-anywhere')).stdout).toBe('3\n');
    }
    expect((await run('run', imports('pipe.nn', 'secret'))).stderr).toContain('pipe.nn cannot be read: it is no file');
  });
});
