import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { grammarText, railroadPage } from '../../scripts/grammar.ts';
import { NnParser } from '../../src/parser/grammar.ts';
import { lexer } from '../../src/parser/tokens.ts';

/** `npm run grammar` writes both files anew. */
it('grammar/nn.ebnf is what the parser accepts', () => {
  expect(readFileSync('grammar/nn.ebnf', 'utf8')).toBe(grammarText());
});

it('grammar/railroad.html draws what the parser accepts', () => {
  expect(readFileSync('grammar/railroad.html', 'utf8')).toBe(railroadPage());
});

it('Chevrotain finds no mistake in the grammar, which no program looks for when it starts', () => {
  expect(() => new NnParser(true)).not.toThrow();
  expect(lexer(true).lexerDefinitionErrors).toEqual([]);
});
