import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { dumpText } from '../../src/cli/commands/dump.ts';
import { STAGES, type StageName } from '../../src/library/dumps.ts';
import { openProgram } from '../../src/cli/program.ts';

/**
 * The stages of three programs as text: a refactoring changes none of them, an improvement changes exactly what it should. Code and
 * plan are kept of one program: tests that run the code say more about the others.
 */
const PROGRAMS = ['house', 'moons', 'robust'];
const CODE: readonly StageName[] = ['wgsl', 'plan'];
const folder = join(import.meta.dirname, 'dumps');
mkdirSync(folder, { recursive: true });

describe.each(PROGRAMS)('%s', (name) => {
  it.each(STAGES.filter((stage) => name === 'house' || !CODE.includes(stage)))('stage %s', async (stage) => {
    const program = await openProgram(`examples/${name}.nn`);
    const text = await dumpText(program, { stage, opt: 1, devices: 'all' });
    expect(await dumpText(program, { stage, opt: 1, devices: 'all' })).toBe(text);
    await expect(`${text.trimEnd()}\n`).toMatchFileSnapshot(join(folder, `${name}.${stage}.txt`));
  });

  it('stage fused after a pass, and unfused', async () => {
    const program = await openProgram(`examples/${name}.nn`);
    const after = await dumpText(program, { stage: 'fused', after: 'simplify', opt: 1, devices: 'all' });
    expect(after).toContain(`graph ${name} {`);
    const unfused = await dumpText(program, { stage: 'fused', opt: 0, devices: 'all' });
    const kernels = (text: string): number => (text.match(/^# kernel /gm) ?? []).length;
    expect(kernels(unfused)).toBeGreaterThan(kernels(await dumpText(program, { stage: 'fused', opt: 1, devices: 'all' })));
    await expect(dumpText(program, { stage: 'fused', after: 'simplfy', opt: 1, devices: 'all' })).rejects.toThrow("did you mean 'simplify'?");
  });
});
