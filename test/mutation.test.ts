import { execFileSync } from 'node:child_process';
import { expect, it } from 'vitest';

/** Whether tests notice what goes wrong: a slice of `npm run mutate`, another one for every change of the source. */
const ROOMS = ['gradients', 'index maps', 'memory'];
const EACH = 1;

it('tests notice nearly every one of a few changes of the source', () => {
  const args = ['--import', 'tsx', 'scripts/mutate/main.ts', '--rooms', ROOMS.join(','), '--sample', String(EACH), '--slice'];
  // The tests inside are not these tests.
  const env = Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !/^(VITEST|NODE_ENV|TEST$|DEV$|PROD$|MODE$|SSR$)/.test(name)),
  );
  const text = execFileSync(process.execPath, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'], env });
  const [, killed, tried] = /(\d+) of (\d+) mutants killed/.exec(text) ?? [];
  expect(Number(tried)).toBe(ROOMS.length * EACH);
  expect(Number(killed), text).toBeGreaterThanOrEqual(ROOMS.length * EACH - 1);
});
