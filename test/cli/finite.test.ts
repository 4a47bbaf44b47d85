import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { nncIn, temporary } from '../support/cli.ts';

describe('weights that are no numbers', () => {
  it('end a training as a failure, though the loss of the last step still was one', async () => {
    const dir = temporary();
    writeFileSync(
      join(dir, 'far.nn'),
      'data n=4 { x = 1e6 + uniform(); y = 1e6 * uniform() }\nlayer Linear(1, 1)\nloss mse\noptim sgd lr=1e35\ntrain steps=1',
    );
    const { code, stdout, stderr } = await nncIn(
      dir,
      {},
      'train',
      'far.nn',
      '--save',
      'w.safetensors',
      '--checkpoint',
      'ck',
      '--device',
      'cpu',
    );
    expect(code).toBe(1);
    expect(stderr).toContain('error[NN703]: a weight is not a number');
    expect(stderr).toContain("'0.weight' holds -Infinity at element 0 after step 0");
    expect(stdout).not.toContain('done');
    expect(existsSync(join(dir, 'w.safetensors'))).toBe(false);
  });
});
