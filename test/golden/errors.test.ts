import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { renderAll } from '../../src/base/diagnostics.ts';
import { UserError } from '../../src/base/errors.ts';
import { check } from '../../src/compile.ts';
import { compile } from '../../src/compile.ts';
import { openData, openProgram } from '../../src/cli/program.ts';

/** Every wrong program and its whole text of errors: x.nn -> x.err. `npm run bless` writes them anew; read the diff. */
const programs = (folder: string): string[] =>
  readdirSync(folder)
    .filter((f) => f.endsWith('.nn'))
    .sort();

const errors = join(import.meta.dirname, 'errors');
const mistakes = join(import.meta.dirname, 'mistakes');
const data = join(import.meta.dirname, 'data');

describe('wrong programs', () => {
  it.each(programs(errors))('%s', async (name) => {
    const { diagnostics } = check({ name, text: readFileSync(join(errors, name), 'utf8') });
    expect(diagnostics.some((d) => d.severity === 'error')).toBe(true);
    for (const d of diagnostics) expect(d.span, d.label).toBeDefined();
    await expect(`${renderAll(diagnostics)}\n`).toMatchFileSnapshot(join(errors, name.replace(/\.nn$/, '.err')));
  });

  it('three errors in one file are three diagnostics', () => {
    const text = readFileSync(join(errors, 'three-errors.nn'), 'utf8');
    expect(check({ name: 'three-errors.nn', text }).diagnostics).toHaveLength(3);
    const kinds = readFileSync(join(errors, 'several-kinds.nn'), 'utf8');
    expect(check({ name: 'several-kinds.nn', text: kinds }).diagnostics.filter((d) => d.severity === 'error')).toHaveLength(3);
  });
});

describe('what people write who come from PyTorch, Keras or Python', () => {
  it.each(programs(mistakes))('%s', async (name) => {
    const { diagnostics } = check({ name, text: readFileSync(join(mistakes, name), 'utf8') });
    expect(diagnostics.length).toBeGreaterThan(0);
    for (const d of diagnostics) expect([d.span, d.help], d.label).not.toContain(undefined);
    await expect(`${renderAll(diagnostics)}\n`).toMatchFileSnapshot(join(mistakes, name.replace(/\.nn$/, '.err')));
  });
});

describe('data that does not fit', () => {
  it.each(programs(data))('%s', async (name) => {
    const trial = async (): Promise<void> => {
      const program = await openProgram(join(data, name));
      const { rows } = await openData(program, undefined);
      compile(program.model, { rows, devices: 'gpu' });
    };
    const error: unknown = await trial().then(
      () => undefined,
      (e: unknown) => e,
    );
    expect(error).toBeInstanceOf(UserError);
    const text = renderAll((error as UserError).diagnostics).replaceAll(`${data}/`, '').replaceAll('test/golden/data/', '');
    await expect(`${text}\n`).toMatchFileSnapshot(join(data, name.replace(/\.nn$/, '.err')));
  });
});
