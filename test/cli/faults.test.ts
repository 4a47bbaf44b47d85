import { existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { describe, expect, it } from 'vitest';
import { nncIn, temporary, type Outcome } from '../support/cli.ts';

/**
 * Every single file operation of a run that saves checkpoints is the one before which the process is killed, and the one that fails
 * with a full or a broken disk. Whatever happens, the run goes on, or goes on later, to the same weights as an undisturbed one.
 */
const PROGRAM =
  'data n=64 seed=1 { x = uniform(); y = 3*x }\nlayer Linear(1, 4) -> relu -> Linear(4, 1)\nloss mse\noptim adam lr=0.01\ntrain steps=40 seed=1\n';
const FAULTS = pathToFileURL(join(import.meta.dirname, '..', 'support', 'faults.mjs')).href;

const dir = temporary();
writeFileSync(join(dir, 'a.nn'), PROGRAM);
const weights = (name: string): string => readFileSync(join(dir, name)).toString('hex');

function train(folder: string, fault: string, ...more: readonly string[]): Promise<Outcome> {
  const env = { NODE_OPTIONS: `--import ${FAULTS}`, NNC_FAULT: fault, NNC_FAULT_FOLDER: folder, NNC_FAULT_COUNT: join(dir, 'count') };
  const files = ['--checkpoint', folder, '--save', `${folder}.safetensors`];
  return nncIn(dir, env, 'train', 'a.nn', '--device', 'cpu', ...files, ...more);
}

const whole = await train('whole', '');
/** Its operations, and those of the trial before training. */
const TRIAL = 4;
const operations = Number(readFileSync(join(dir, 'count'), 'utf8'));
const each = Array.from({ length: operations }, (_, i) => i + 1);

async function resumed(folder: string): Promise<Outcome> {
  const there = existsSync(join(dir, folder)) && readdirSync(join(dir, folder)).some((f) => f.startsWith('checkpoint.'));
  return train(folder, '', ...(there ? ['--resume'] : []));
}

describe('a disk that fails', () => {
  it('is simulated at every operation of a run with two checkpoints', () => {
    expect(whole.code).toBe(0);
    expect(operations).toBeGreaterThanOrEqual(14);
  });

  it.each(each)('a kill before operation %i loses nothing', async (n) => {
    const folder = `kill${n}`;
    expect((await train(folder, `${n}:KILL`)).code).toBe(null);
    const again = await resumed(folder);
    expect([again.code, again.stderr]).toEqual([0, expect.not.stringContaining('error')]);
    expect(weights(`${folder}.safetensors`)).toBe(weights('whole.safetensors'));
    expect(readdirSync(join(dir, folder)).filter((f) => f.startsWith('.'))).toEqual([]);
  });

  // Of errors, every third operation: each run takes its time.
  it.each(each.filter((n) => n % 3 === 1))('an error of operation %i keeps the run, and the next checkpoint comes', async (n) => {
    const folder = `once${n}`;
    const { code, stderr } = await train(folder, `${n}:ENOSPC`);
    // Only a failure of the last checkpoint fails the run; and then the weights are saved all the same.
    expect(code, stderr).toBeLessThanOrEqual(1);
    if (code === 1) expect(stderr).toContain('error[NN403]: ');
    // The first operations try whether the folder can be written at all: that is known before training.
    if (stderr.includes('choose another place')) expect(n).toBeLessThanOrEqual(TRIAL);
    else expect(weights(`${folder}.safetensors`)).toBe(weights('whole.safetensors'));
    const again = await resumed(folder);
    expect([again.code, again.stderr]).toEqual([0, expect.not.stringContaining('error')]);
  });

  it.each(['ENOSPC', 'EIO'])('for good (%s) keeps what was there, says so, and fails in the end', async (what) => {
    const folder = `full-${what}`;
    mkdirSync(join(dir, folder));
    expect((await train(folder, '', '--steps', '10')).code).toBe(0);
    const before = weights(join(folder, 'checkpoint.safetensors'));
    const { code, stderr } = await train(folder, `1-:${what}`, '--resume');
    expect(code).toBe(1);
    expect(stderr).toContain('the run goes on without it');
    expect(stderr).toContain(what === 'ENOSPC' ? 'the disk is full' : 'made to fail');
    expect(weights(join(folder, 'checkpoint.safetensors'))).toBe(before);
    expect(weights(`${folder}.safetensors`)).toBe(weights('whole.safetensors'));
    expect((await resumed(folder)).code).toBe(0);
  });
});
