import { readFileSync, readdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { describe, expect, it } from 'vitest';
import oniguruma from 'vscode-oniguruma';
import textmate, { type IGrammar, type StateStack } from 'vscode-textmate';
import { textmateGrammar } from '../../scripts/textmate.ts';
import { nnLexer } from '../../src/parser/tokens.ts';

const wasm = readFileSync(createRequire(import.meta.url).resolve('vscode-oniguruma/release/onig.wasm'));
await oniguruma.loadWASM(wasm.buffer.slice(wasm.byteOffset, wasm.byteOffset + wasm.byteLength));
const registry = new textmate.Registry({
  onigLib: Promise.resolve({
    createOnigScanner: (patterns) => new oniguruma.OnigScanner(patterns),
    createOnigString: (text) => new oniguruma.OnigString(text),
  }),
  loadGrammar: (scope) => Promise.resolve(scope === 'source.nn' ? textmate.parseRawGrammar(textmateGrammar(), 'nn.json') : null),
});

/** The innermost scope of every place of a text. */
async function scopes(text: string): Promise<(line: number, column: number) => string> {
  const grammar = (await registry.loadGrammar('source.nn')) as IGrammar;
  let state: StateStack = textmate.INITIAL;
  const lines = text.split('\n').map((line) => {
    const result = grammar.tokenizeLine(line, state);
    state = result.ruleStack;
    return result.tokens;
  });
  return (line, column) => lines[line - 1]?.find((t) => t.startIndex < column && t.endIndex >= column)?.scopes.at(-1) ?? '';
}

const programs = ['examples', 'examples/tutorial'].flatMap((folder) =>
  readdirSync(folder)
    .filter((f) => f.endsWith('.nn'))
    .map((f) => `${folder}/${f}`),
);

describe('grammar/nn.tmLanguage.json', () => {
  it('is made of the words of the language (npm run grammar)', () => {
    expect(readFileSync('grammar/nn.tmLanguage.json', 'utf8')).toBe(textmateGrammar());
  });

  it.each(programs)('colours every word and sign of %s as what the compiler reads', async (path) => {
    const text = readFileSync(path, 'utf8');
    const scope = await scopes(text);
    const { tokens, groups } = nnLexer.tokenize(text);
    const kinds: Readonly<Record<string, RegExp>> = {
      Number: /^constant\.numeric/,
      String: /^string/,
      Comment: /^comment/,
      Arrow: /^keyword\.operator/,
    };
    for (const t of [...tokens, ...(groups['comments'] ?? [])]) {
      const found = scope(t.startLine ?? 0, (t.startColumn ?? 0) + 1 - (t.image.length > 1 ? 0 : 1));
      const want = kinds[t.tokenType.name];
      if (want) expect(found, `${t.image} at ${t.startLine}:${t.startColumn}`).toMatch(want);
      if (/^\w/.test(t.image)) expect(found, `${t.image} at ${t.startLine}:${t.startColumn}`).not.toBe('source.nn');
    }
  });

  it('tells statements, layers, names and settings apart', async () => {
    const scope = await scopes('layer fc: Linear(1, 16) -> relu; loss mse\noptim adam lr=0.01 # fast\nblock Mlp(d) { Linear(d, d) }');
    expect([scope(1, 1), scope(1, 7), scope(1, 11), scope(1, 28), scope(1, 34)]).toEqual([
      'keyword.control.nn',
      'entity.name.label.nn',
      'support.function.nn',
      'support.function.nn',
      'keyword.control.nn',
    ]);
    expect([scope(2, 12), scope(2, 20), scope(3, 2), scope(3, 7)]).toEqual([
      'variable.parameter.nn',
      'comment.line.number-sign.nn',
      'keyword.declaration.nn',
      'entity.name.function.nn',
    ]);
  });
});
