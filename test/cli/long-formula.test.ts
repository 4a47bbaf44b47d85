import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { nnc, temporary } from '../support/cli.ts';

it('a derivative with a formula that nobody could read is printed as its numbers', async () => {
  const path = join(temporary(), 'det.nn');
  writeFileSync(path, 'param x: [5, 5] = normal\nprint grad(det(x), x)\nprint grad(sum(x^2), x)\n');
  const { code, stdout, stderr } = await nnc('run', path);
  expect(stderr).toBe('');
  expect(code).toBe(0);
  expect(stdout.length).toBeLessThan(2000);
  expect(stdout).toContain('2*x');
});
