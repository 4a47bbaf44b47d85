import { existsSync, mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { at } from '../../src/base/errors.ts';
import { findAdapter } from '../../src/node/gpu.ts';
import { tuningsFile } from '../../src/cli/tunings.ts';
import { nncIn, temporary } from '../support/cli.ts';

describe('nnc tune', () => {
  /** A cache of its own, with the driver that is unpacked already. */
  function cache(): string {
    const folder = temporary();
    const shared = join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'nnc');
    for (const name of existsSync(shared) ? readdirSync(shared) : [])
      if (name.startsWith('swiftshader')) symlinkSync(join(shared, name), join(folder, name));
    return folder;
  }

  const folder = cache();
  const env = { NNC_CACHE: folder };

  it('measures every kernel, and what it found is used until it is told otherwise', async () => {
    const r = await nncIn(process.cwd(), env, 'tune', 'examples/moons.nn');
    expect(r.code, r.stderr).toBe(0);
    expect(r.stdout).toMatch(/^kernel +ms +tuned +gain +tile\n(k\d+_\w+ +[\d.]+ +[\d.]+ +[\d.]+x +.*\n)+/);
    expect(r.stdout).toMatch(/kernels are faster tuned: .*\.json\n$|nothing is faster/);
    expect(r.stderr).not.toContain('results differ');
    const args = ['train', 'examples/moons.nn', '--epochs', '2', '--device', 'gpu'];
    for (const more of [[], ['--deterministic']]) expect((await nncIn(process.cwd(), env, ...args, ...more)).code).toBe(0);
  });

  it('leaves a broken table aside, and says so', async () => {
    const { found } = await findAdapter();
    const table = join(folder, 'tunings', tuningsFile(at(found ? [found.adapter] : [], 0, 'adapter')));
    mkdirSync(dirname(table), { recursive: true });
    writeFileSync(table, '{');
    const args = ['train', 'examples/moons.nn', '--epochs', '1', '--device', 'gpu'];
    const r = await nncIn(process.cwd(), env, ...args);
    expect(r.code).toBe(0);
    expect(r.stderr).toContain(`${table} is damaged and left aside; nnc tune writes it anew`);
    expect((await nncIn(process.cwd(), env, ...args, '--deterministic')).code).toBe(0);
  });
});
