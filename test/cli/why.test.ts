import { describe, expect, it } from 'vitest';
import { nnc } from '../support/cli.ts';

describe('nnc dump --why', () => {
  it('tells what each merge gained and why each cut was made', async () => {
    const r = await nnc('dump', 'examples/moons.nn', '--stage', 'fused', '--why');
    expect(r.code, r.stderr).toBe(0);
    expect(r.stdout).toMatch(/%\d+ = \w+ : f32\[.*\] .* is stored: /);
    expect(r.stdout).toMatch(/is computed where it is read: read [\d.]+ times an element/);
    expect(r.stdout).toMatch(/become one kernel over rows of \[\d+\]: a dispatch and up to \d+ loads less/);
    expect(r.stdout).toContain('stay apart: ');
    expect(r.stdout).toMatch(/dispatch 0: k0/);
    expect((await nnc('dump', 'examples/moons.nn', '--stage', 'ast', '--why')).stderr).toContain('--why goes with --stage fused');
  });
});
