import { chmodSync, existsSync, mkdirSync, readFileSync, readdirSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { cacheFolder } from '../../src/node/cache.ts';
import { nncIn, temporary } from '../support/cli.ts';

/** The cache may be in any state: it is never needed, and nothing wrong is taken from it. */
const WITHOUT_DRIVER = { VK_DRIVER_FILES: '/nonexistent', VK_ICD_FILENAMES: '/nonexistent' };

async function lastLoss(cache: string): Promise<string> {
  const args = ['train', 'examples/house.nn', '--steps', '5', '--device', 'gpu'];
  const { code, stdout, stderr } = await nncIn(process.cwd(), { ...WITHOUT_DRIVER, NNC_CACHE: cache }, ...args);
  expect([code, stderr]).toEqual([0, expect.not.stringContaining('error')]);
  return /last loss (\S+)/.exec(stdout)?.[1] ?? '';
}

const usual = await lastLoss(join(temporary(), 'cache'));

describe('a cache', () => {
  it('that is empty is filled, and closed to others', async () => {
    const cache = join(temporary(), 'cache');
    expect(await lastLoss(cache)).toBe(usual);
    expect(readdirSync(cache)).toContain('drivers');
    const [driver = ''] = readdirSync(join(cache, 'drivers'));
    for (const folder of [cache, join(cache, 'drivers'), join(cache, 'drivers', driver)]) expect(statSync(folder).mode & 0o77).toBe(0);
    for (const file of readdirSync(join(cache, 'drivers', driver)))
      expect(statSync(join(cache, 'drivers', driver, file)).uid).toBe(process.getuid?.());
  });

  it('whose driver is cut off or changed is made anew', async () => {
    const cache = join(temporary(), 'cache');
    await lastLoss(cache);
    const folder = join(cache, 'drivers', readdirSync(join(cache, 'drivers'))[0] ?? '');
    const driver = join(folder, 'libvk_swiftshader.so');
    const whole = readFileSync(driver);
    writeFileSync(driver, whole.subarray(0, whole.length / 2));
    expect(await lastLoss(cache)).toBe(usual);
    expect(readFileSync(driver).equals(whole)).toBe(true);
    const changed = Buffer.from(whole);
    changed[whole.length - 1000] = (changed[whole.length - 1000] ?? 0) ^ 1;
    writeFileSync(driver, changed);
    expect(await lastLoss(cache)).toBe(usual);
    expect(readFileSync(driver).equals(whole)).toBe(true);
  });

  it.each([
    ['a file', (path: string) => writeFileSync(path, '')],
    ['a link to nowhere', (path: string) => symlinkSync('/nonexistent/at/all', path)],
    ['where no folder can be made', undefined],
  ] as const)('that is %s is done without', async (_what, make) => {
    const cache = make ? join(temporary(), 'cache') : '/proc/none/of/these';
    make?.(cache);
    expect(await lastLoss(cache)).toBe(usual);
  });

  it.skipIf(process.getuid?.() === 0)('that may only be read is done without', async () => {
    const cache = join(temporary(), 'cache');
    mkdirSync(cache, { mode: 0o500 });
    expect(await lastLoss(cache)).toBe(usual);
  });

  it('that others may write to is closed first, and one of somebody else is not used', async () => {
    const cache = join(temporary(), 'cache');
    mkdirSync(cache);
    chmodSync(cache, 0o777);
    process.env['NNC_CACHE'] = cache;
    expect(await cacheFolder('plans')).toBe(join(cache, 'plans'));
    expect(statSync(cache).mode & 0o777).toBe(0o755);
    const me = vi.spyOn(process as { getuid: () => number }, 'getuid').mockReturnValue(12345);
    expect(await cacheFolder('plans')).toBe(undefined);
    me.mockRestore();
    delete process.env['NNC_CACHE'];
    expect(existsSync(join(cache, 'plans'))).toBe(true);
  });
});
