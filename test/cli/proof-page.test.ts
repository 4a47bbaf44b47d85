import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { proofPage, WRONG } from '../../src/cli/proof-page.ts';
import { nnc, temporary } from '../support/cli.ts';

describe('--report', () => {
  it('of verify has every value, its bound, its line and the kernels', async () => {
    const path = join(temporary(), 'v.html');
    const { code, stdout } = await nnc('verify', 'examples/house.nn', '--report', path);
    expect([code, stdout]).toEqual([0, expect.stringContaining(`report: ${path}, open it in a browser`)]);
    expect(stdout).toMatch(/it is proved of all \d+ kernels: each of their \d+ reads and writes is inside its buffer/);
    const html = readFileSync(path, 'utf8');
    for (const part of ['train, -O 0, on the gpu', 'train, -O 1, on the cpu', 'predict, -O 1, on the gpu'])
      expect(html).toContain(`<h2>${part}</h2>`);
    expect(html).toContain('<a href="#L4">%');
    expect(html).toContain('<li id="L4">layer Linear(1, 16) -&gt; relu -&gt; Linear(16, 1)</li>');
    expect(html).toContain('@compute @workgroup_size');
    expect(html).toContain('<td>right</td>');
    expect(html).not.toMatch(/<script|<tr class="wrong"/);
  });

  it('of gradcheck has both numbers of every gradient', async () => {
    const path = join(temporary(), 'g.html');
    const { code } = await nnc('gradcheck', 'examples/house.nn', '--report', path);
    expect(code).toBe(0);
    const html = readFileSync(path, 'utf8');
    for (const name of ['0.weight', '0.bias', '2.weight', '2.bias']) expect(html).toContain(`<a href="#L4">${name} (line 4)</a>`);
    expect(html).toContain('<td>rounding</td>');
  });

  it('marks what is wrong, and is never more than text', () => {
    const source = { name: 'a.nn', text: 'let x = "<b>"\n' };
    const rows = [
      ['value', ''],
      ['<i>y</i> (a.nn:1:5)', WRONG],
    ];
    const html = proofPage({ kind: 'test', title: '<u>', facts: [['n', '1']], parts: [{ title: 't', text: '', rows }], source });
    expect(html).toContain('<tr class="wrong"><td><a href="#L1">&lt;i&gt;y&lt;/i&gt; (line 1)</a></td><td>wrong</td></tr>');
    expect(html).toContain('<li id="L1">let x = &quot;&lt;b&gt;&quot;</li>');
    expect(html).toContain('<h1>&lt;u&gt;</h1>');
  });
});
