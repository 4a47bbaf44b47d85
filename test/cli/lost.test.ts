import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { describe, expect, it } from 'vitest';
import { nncIn, temporary, type Outcome } from '../support/cli.ts';

/** A run from the command line goes on when its GPU is lost, and ends with the undisturbed weights. */
const PROGRAM =
  'data n=64 seed=1 split=0.75 { x = uniform(); y = 3*x }\nlayer Linear(1, 6) -> tanh -> Dropout(0.1) -> Linear(6, 1)\nloss mse\noptim adam lr=0.01\ntrain epochs=60 batch=16 shuffle seed=1\n';
const LOSE = pathToFileURL(join(import.meta.dirname, '..', 'support', 'lose-device.mjs')).href;
const dir = temporary();
writeFileSync(join(dir, 'a.nn'), PROGRAM);

const train = (name: string, lose: string): Promise<Outcome> =>
  nncIn(
    dir,
    { NODE_OPTIONS: `--import ${LOSE}`, NNC_LOSE: lose },
    ...['train', 'a.nn', '--device', 'gpu', '--checkpoint', name, '--save', `${name}.safetensors`],
  );
const bytes = (name: string): string => readFileSync(join(dir, name)).toString('hex');
const calm = await train('calm', '');

describe('nnc train, when the GPU is lost', () => {
  it.each(['3:destroyed', '9:destroyed', '6:memory'])('after submit %s, goes on to the same weights and checkpoint', async (lose) => {
    const name = lose.replace(':', '-');
    const { code, stderr, stdout } = await train(name, lose);
    expect([code, stderr]).toEqual([0, expect.stringContaining('the device was lost')]);
    expect(stderr).toContain('the run goes on from the last state that was kept, on a fresh device');
    expect(stderr.match(/the device was lost/g)).toHaveLength(1);
    expect(stdout).toContain('done: 180 steps');
    expect(bytes(`${name}.safetensors`)).toBe(bytes('calm.safetensors'));
    expect(bytes(join(name, 'checkpoint.safetensors'))).toBe(bytes(join('calm', 'checkpoint.safetensors')));
  });

  it("goes on with the weights that PyTorch's generator drew", async () => {
    const torch = (name: string, lose: string): Promise<Outcome> =>
      nncIn(
        dir,
        { NODE_OPTIONS: `--import ${LOSE}`, NNC_LOSE: lose },
        ...['train', 'a.nn', '--device', 'gpu', '--rng', 'torch', '--save', `${name}.safetensors`],
      );
    await torch('torch-calm', '');
    const { stderr } = await torch('torch-lost', '14:destroyed');
    expect(stderr).toContain('the device was lost');
    expect(bytes('torch-lost.safetensors')).toBe(bytes('torch-calm.safetensors'));
  });

  it('says nothing of it otherwise', () => {
    expect([calm.code, calm.stderr]).toEqual([0, expect.not.stringContaining('lost')]);
  });
});
