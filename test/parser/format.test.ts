import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { DiagnosticSink } from '../../src/base/diagnostics.ts';
import { format } from '../../src/parser/format.ts';
import { parse } from '../../src/parser/parse.ts';
import { nnLexer } from '../../src/parser/tokens.ts';
import { randomProgram } from '../support/random-program.ts';

const read = (folder: string): (readonly [string, string])[] =>
  readdirSync(folder)
    .filter((f) => f.endsWith('.nn'))
    .map((f) => [join(folder, f), readFileSync(join(folder, f), 'utf8')] as const);
const wellFormed = ([name, text]: readonly [string, string]): boolean => {
  const sink = new DiagnosticSink();
  parse({ name, text }, sink);
  return sink.errors.length === 0;
};
const texts = [
  ...['examples', 'examples/tutorial', 'test/golden/errors', 'test/golden/data'].flatMap(read),
  ...Array.from({ length: 60 }, (_, i) => [`random ${i}`, randomProgram(i)] as const),
].filter(wellFormed);

const words = (text: string): string[] =>
  nnLexer
    .tokenize(text)
    .tokens.filter((t) => t.image !== '\n')
    .map((t) => t.image);
const comments = (text: string): string[] => (nnLexer.tokenize(text).groups['comments'] ?? []).map((t) => t.image.trimEnd());

describe('the formatter', () => {
  it.each(texts)('keeps the words and comments of %s, and changes nothing the second time', (name, text) => {
    const once = format({ name, text });
    expect(words(once)).toEqual(words(text));
    expect(comments(once)).toEqual(comments(text));
    expect(format({ name, text: once })).toBe(once);
    expect(wellFormed([name, once])).toBe(true);
  });

  it('finds the examples formatted', () => {
    // The one-line program is written as a beginner would.
    for (const [name, text] of ['examples', 'examples/tutorial'].flatMap(read))
      if (!name.endsWith('oneline.nn')) expect(format({ name, text }), name).toBe(text);
  });

  it('keeps the levels of a name together, numbers among them', () => {
    const text = 'print sum(blocks.0.1.weight), (a).0.1.bias, b[0].1.w, sum([.5, .25]), x*.5 + .5\n';
    expect(format({ name: 'x.nn', text })).toBe(text);
  });

  it('writes a program as a person would', () => {
    const text =
      'data "a.csv"   x=[a,b]\n\n\n\nblock  Mlp( d ){\nlet h=x->Linear(d , d)\n   h+x   # sum\n}\nlayer Linear( 2,4 )->Mlp(4)\n-> out:Linear(4,1)\nloss mean((pred-target)^2)+1e-4*sum( -pred[ :,0 ]/ 2 )\noptim adam lr = 0.01   betas=(0.9,0.99)\n';
    expect(format({ name: 'x.nn', text })).toBe(
      `data  "a.csv" x=[a, b]

block Mlp(d) {
  let h = x -> Linear(d, d)
  h + x  # sum
}
layer Linear(2, 4) -> Mlp(4)
   -> out: Linear(4, 1)
loss  mean((pred - target)^2) + 1e-4*sum(-pred[:, 0]/2)
optim adam lr=0.01 betas=(0.9, 0.99)
`,
    );
  });
});
