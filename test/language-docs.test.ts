import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { renderAll } from '../src/base/diagnostics.ts';
import { initialValue } from '../src/base/init.ts';
import { printed } from '../src/library/printing.ts';
import { check, compile } from '../src/compile.ts';
import { nativeDraws } from '../src/draw.ts';
import { webgpuOf } from './support/sections.ts';

const page = readFileSync('docs/language.md', 'utf8');
/** Each program and, where one follows it, its output. */
const programs = [...page.matchAll(/```nn\n([\s\S]*?)```(?:\n+```text\n([\s\S]*?)```)?/g)].map((m, i) => ({
  i,
  text: m[1] ?? '',
  output: m[2],
}));

describe('docs/language.md', () => {
  it('has its programs', () => {
    expect(programs.length).toBeGreaterThan(10);
    expect(programs.filter((p) => p.output !== undefined).length).toBeGreaterThanOrEqual(2);
  });

  it.each(programs)('program $i is right, and prints what the page says', ({ text, output }) => {
    const { model, script, diagnostics } = check({ name: 'page.nn', text });
    expect(renderAll(diagnostics.filter((d) => d.severity === 'error'))).toBe('');
    if (!script) throw new Error('no script');
    if (model?.training)
      expect(webgpuOf(compile(model, { rows: model.optim ? 8 : undefined, devices: 'gpu' }).plan).kernels.length).toBeGreaterThan(0);
    if (output === undefined) return;
    const random = nativeDraws(0);
    const state = new Map(script.params.map((p) => [p.name, initialValue(p.init, p.shape, random)] as const));
    expect(`${printed(script, script.lines, state).join('\n')}\n`).toBe(output);
  });
});
