import { describe, expect, it } from 'vitest';
import { DiagnosticSink } from '../../src/base/diagnostics.ts';
import { textOf } from '../../src/base/source.ts';
import type { Expr, IndexItem, Program } from '../../src/parser/ast.ts';
import { parse } from '../../src/parser/parse.ts';
import { check } from '../../src/compile.ts';

function program(text: string): Program {
  const sink = new DiagnosticSink();
  const parsed = parse({ name: 't.nn', text }, sink);
  expect(sink.all).toEqual([]);
  return parsed.program;
}

function showItem(i: IndexItem): string {
  if (i.kind === 'rest') return '...';
  const part = (e: Expr | undefined): string => (e ? show(e) : '');
  return i.kind === 'place' ? part(i.from) : `${part(i.from)}:${part(i.to)}${i.step ? `:${show(i.step)}` : ''}`;
}

/** An expression with every grouping made visible. */
function show(e: Expr): string {
  switch (e.kind) {
    case 'number':
    case 'boolean':
      return String(e.value);
    case 'string':
      return JSON.stringify(e.value);
    case 'name':
      return e.name;
    case 'call':
      return `${e.callee.text}(${e.args.map((a) => `${a.name ? `${a.name.text}=` : ''}${show(a.value)}`).join(', ')})`;
    case 'list':
      return `[${e.items.map(show).join(', ')}]`;
    case 'unary':
      return `(-${show(e.operand)})`;
    case 'binary':
      return `(${show(e.left)} ${e.operator} ${show(e.right)})`;
    case 'pipe':
      return `{${e.stages.map(show).join(' -> ')}}`;
    case 'repeat':
      return `<${show(e.times)} x ${show(e.stage)}>`;
    case 'index':
      return `${show(e.value)}[${e.items.map(showItem).join(', ')}]`;
    case 'member':
      return `${show(e.value)}.${e.name.text}${e.args ? `(${e.args.map((a) => show(a.value)).join(', ')})` : ''}`;
    case 'label':
      return `<${e.label.text}: ${show(e.stage)}>`;
  }
}

const value = (text: string): string => {
  const [s] = program(`let v = ${text}`).statements;
  return s?.kind === 'let' ? show(s.value) : 'nothing';
};

describe('expressions', () => {
  it.each([
    ['1 + 2 * 3', '(1 + (2 * 3))'],
    ['1 - 2 - 3', '((1 - 2) - 3)'],
    ['2 ^ 3 ^ 2', '(2 ^ (3 ^ 2))'],
    ['-2 ^ 2', '(-(2 ^ 2))'],
    ['2 ^ -1', '(2 ^ (-1))'],
    ['x[..., 0]', 'x[..., 0]'],
    ['x[:, None, 1:9:2]', 'x[:, None, 1:9:2]'],
    ['x[::2]', 'x[::2]'],
    ['x[n:m, f(a: g)]', 'x[n:m, f(<a: g>)]'],
    ['table[tokens]', 'table[tokens]'],
    ['fc1.weight', 'fc1.weight'],
    ['blocks.0.attn.1.weight * 2', '(blocks.0.attn.1.weight * 2)'],
    ['y.sum(1).mean()', 'y.sum(1).mean()'],
    ['(1 + 2) * 3', '((1 + 2) * 3)'],
    ['(1, 2)', '[1, 2]'],
    ['[1, [2, 3], []]', '[1, [2, 3], []]'],
    ['1e-3 + .5 + 2.', '((0.001 + 0.5) + 2)'],
    ['f(1, b=2) -> g -> h()', '{f(1, b=2) -> g -> h()}'],
    ['a: f(1) -> b: g', '{<a: f(1)> -> <b: g>}'],
    ['a: f + b: g', '(<a: f> + <b: g>)'],
    ['"a \\"b\\" c"', '"a \\"b\\" c"'],
    ['true', 'true'],
    ['trueish', 'trueish'],
    ['data', 'data'],
    ['(pred - target)^2', '((pred - target) ^ 2)'],
    ['f(data=1, loss=2)', 'f(data=1, loss=2)'],
    ['10 % 4 / 2', '((10 % 4) / 2)'],
    ['a @ b + c', '((a @ b) + c)'],
    ['a + 1 < b * 2', '((a + 1) < (b * 2))'],
    ['x[0, 1:3, :, -1]', 'x[0, 1:3, :, (-1)]'],
    ['repeat 4 Layer(8) -> ln: f', '{<4 x Layer(8)> -> <ln: f>}'],
    ['-x[0]^2', '(-(x[0] ^ 2))'],
  ])('%s', (text, want) => expect(value(text)).toBe(want));
});

describe('lines', () => {
  it('end statements, as ; does', () => {
    expect(program('let a = 1; let b = 2\nlet c = 3;;\n\n; let d = 4').statements).toHaveLength(4);
  });

  it.each([
    ['layer Linear(1, 2)\n  -> relu\n  -> Linear(2, 1)\nloss mse', 2],
    ['layer Linear(1,\n  2) ->\n  relu\nloss mse', 2],
    ['let a = 1 +\n  2\nlet b = 3', 2],
    ['layer Linear(1, 2) # a comment\n  # another\n  -> relu # and one more', 1],
    ['layer f(\n  data=1,\n  loss\n)\nloss mse', 2],
    ['\r\nlayer Linear(1, 2)\r\n  -> relu\r\nloss mse\r\n', 2],
  ])('%j', (text, n) => expect(program(text).statements).toHaveLength(n));
});

describe('spans', () => {
  it('cover exactly the text of their node', () => {
    const text = 'layer a: Linear(1, 16) -> relu\noptim adam lr=0.01';
    const [layer, optim] = program(text).statements;
    if (layer?.kind !== 'layer' || layer.chain.kind !== 'pipe' || optim?.kind !== 'optim') throw new Error('not as written');
    expect(textOf(layer.span)).toBe('layer a: Linear(1, 16) -> relu');
    expect(layer.chain.stages.map((s) => textOf(s.span))).toEqual(['a: Linear(1, 16)', 'relu']);
    expect(optim.settings.map((s) => textOf(s.span))).toEqual(['lr=0.01']);
  });
});

describe('the design card', () => {
  it('parses as it stands', () => {
    const { model, diagnostics } = check({
      name: 'one.nn',
      text: 'layer Linear(1,16) -> relu -> Linear(16,1); loss mse; optim adam lr=0.01',
    });
    expect(diagnostics).toEqual([]);
    expect(model?.params.map((p) => [p.name, p.shape])).toEqual([
      ['0.weight', [16, 1]],
      ['0.bias', [16]],
      ['2.weight', [1, 16]],
      ['2.bias', [1]],
    ]);
  });

  it('names stages as PyTorch does', () => {
    const { model } = check({ name: 'n.nn', text: 'layer Linear(2, 4) -> (relu -> fc: Linear(4, 4)) -> tanh -> Linear(4, 1)' });
    expect(model?.params.map((p) => p.name)).toEqual(['0.weight', '0.bias', 'fc.weight', 'fc.bias', '4.weight', '4.bias']);
  });
});

describe('any text', () => {
  const words = [
    'layer',
    'loss',
    'optim',
    'train',
    'data',
    'let',
    'input',
    'Linear',
    'relu',
    '(',
    ')',
    '[',
    ']',
    ',',
    '->',
    '=',
    ':',
    '+',
    '-',
    '^',
    '1',
    '2.5',
    '"a"',
    '"',
    '#',
    ';',
    '\n',
    ' ',
    'x',
    'é',
    '$',
    '\t',
    '1e',
    '{',
  ];
  it('ends with diagnostics, never with a crash', () => {
    let state = 12345;
    const random = (n: number): number => {
      state = (Math.imul(state, 1103515245) + 12345) >>> 0;
      return Math.floor((state / 2 ** 32) * n);
    };
    for (let i = 0; i < 6000; i++) {
      const text = Array.from({ length: 1 + random(14) }, () => words[random(words.length)]).join(random(4) ? ' ' : '');
      const { model, diagnostics } = check({ name: 'fuzz.nn', text });
      expect(model !== undefined || diagnostics.some((d) => d.severity === 'error'), JSON.stringify(text)).toBe(true);
      for (const d of diagnostics) expect(d.label).not.toContain('undefined');
    }
  });
});
