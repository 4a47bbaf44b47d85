import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { renderAll } from '../src/base/diagnostics.ts';
import { check } from '../src/compile.ts';
import { commands } from '../src/cli/commands.ts';

const readme = readFileSync('README.md', 'utf8');
const programs = [...readme.matchAll(/^```(\w*)\n([\s\S]*?)^```$/gm)].flatMap(([, language, text = '']) =>
  language === '' && /^layer /m.test(text) ? [text] : [],
);

describe('the README', () => {
  it.each(programs.map((text, i) => [i, text] as const))('program %i is right', (_i, text) => {
    const { model, diagnostics } = check({ name: 'README.nn', text });
    expect(renderAll(diagnostics)).toBe('');
    expect(model?.training).toBeDefined();
  });

  it('holds three programs, and its house is the example', () => {
    expect(programs.length).toBeGreaterThanOrEqual(3);
  });

  it('leads to the pages that hold the rest', () => {
    for (const page of ['docs/language.md', 'docs/ops.md', 'ARCHITECTURE.md', 'CONTRIBUTING.md', 'CHANGELOG.md'])
      expect(readme).toContain(page);
  });

  it('names every command', () => {
    for (const c of commands().commands) expect(readme).toContain(`nnc ${c.name()}`);
  });
});
