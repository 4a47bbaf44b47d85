import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { check } from '../../src/compile.ts';
import { netDescription } from '../../src/library/net-description.ts';
import { netPicture } from '../../src/pictures/net.ts';
import type { Model } from '../../src/sema/model.ts';

/** Pictures of nets: units and weights of small ones, layers of others. */

function modelOf(text: string): Model {
  const { model, diagnostics } = check({ name: 'net.nn', text });
  if (!model) throw new Error(diagnostics.map((d) => d.label).join('\n'));
  return model;
}
const SMALL = 'data "f.csv" x=[a, "b & c"] y=kind normalize\nlayer Linear(2, 3) -> tanh -> Linear(3, 2); loss cross_entropy';
const file = (name: string): string => `snapshots/${name}.svg`;
const count = (svg: string, what: string): number => svg.split(what).length - 1;
/** Every tag is closed, and nothing stands outside of tags that XML would take as one. */
function wellFormed(svg: string): void {
  const open: string[] = [];
  for (const [, end, name = '', , closed] of svg.matchAll(/<(\/?)([\w-]+)((?:\s[\w:-]+="[^"<]*")*)\s*(\/?)>/g)) {
    if (end) expect(open.pop()).toBe(name);
    else if (!closed) open.push(name);
  }
  expect(open).toEqual([]);
  expect(svg.replace(/<style>[\s\S]*?<\/style>/g, '').replace(/<[^<>]*>/g, '')).not.toMatch(/[<>]|&(?!\w+;|#\d+;)/);
}

describe('the picture of a net', () => {
  it('a small chain has its units, with names', async () => {
    const svg = netPicture(netDescription(modelOf(SMALL)));
    wellFormed(svg);
    expect([count(svg, '<circle'), count(svg, '<line')]).toEqual([7, 12]);
    expect(svg).toContain('b &amp; c');
    await expect(svg).toMatchFileSnapshot(file('small'));
  });

  it('with weights, lines are thick and coloured, and names are those of the data', () => {
    const weights = { '0.weight': { data: [1, -2, 0.5, 0, 4, 1] }, '0.bias': { data: [1, 2, 3] } };
    const learned = { columns: { x: [{ name: 'city', words: ['Nice', 'Rome'] }] }, classes: { y: ['no', 'yes'] } };
    const svg = netPicture(netDescription(modelOf(SMALL), weights, learned), { theme: 'dark' });
    wellFormed(svg);
    expect([count(svg, 'class="plus"'), count(svg, 'class="minus"')]).toEqual([6, 2]);
    for (const name of ['city=Nice', 'city=Rome', '>no<', '>yes<', 'bias 3']) expect(svg).toContain(name);
    expect(svg).toMatch(/class="plus"[^>]*stroke-width="4"/);
  });

  it('a larger one has its layers, with copies folded and values that meet', async () => {
    const svg = netPicture(netDescription(modelOf(readFileSync('examples/tale.nn', 'utf8'))), { theme: 'light' });
    wellFormed(svg);
    expect(svg).toContain('× 3');
    await expect(svg).toMatchFileSnapshot(file('layers'));
  });

  it('a layer that is used twice is no column of its own', () => {
    const twice = 'let f = share(Linear(2, 2)); layer f -> f -> Linear(2, 1); loss mse';
    expect(netDescription(modelOf(twice)).columns).toBeUndefined();
  });

  it.each(['large/unet', 'large/resnet18', 'large/gpt2', 'vae', 'series', 'digits', 'addition'])('%s can be drawn', (name) => {
    wellFormed(netPicture(netDescription(modelOf(readFileSync(`examples/${name}.nn`, 'utf8')))));
  });
});
