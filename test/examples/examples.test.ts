import { join } from 'node:path';
import { readFileSync, readdirSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { check } from '../../src/compile.ts';
import { nnc, temporary } from '../support/cli.ts';

/** Every example reaches the result that examples/README.md states. Long ones are only begun here. */

const dir = temporary();
const program = (name: string): string => `examples/${name}.nn`;
/** A number behind a name in the last line of a training. */
const value = (text: string, name: string): number => Number(new RegExp(`${name} (-?[\\d.e+-]+)`).exec(text)?.[1] ?? NaN);
/** What a run ended with: the best of the held-out examples where it kept that. */
const end = (stdout: string): string =>
  /the best on held-out.*/.exec(stdout)?.[0] ?? /held out: .*/.exec(stdout)?.[0] ?? /last loss.*/.exec(stdout)?.[0] ?? '';

describe('examples that take seconds', () => {
  it.each<[string, string, (v: number) => boolean]>([
    ['house', 'last loss', (v) => v < 2500],
    ['robust', 'last loss', (v) => v < 0.02],
    ['moons', 'last loss', (v) => v < 0.1],
    ['flowers', 'accuracy', (v) => v > 0.9],
    ['homes', 'r2', (v) => v > 0.96],
    ['spirals', 'accuracy', (v) => v > 0.99],
    ['denoise', 'loss', (v) => v < 0.04],
    ['vae', 'mean\\(\\(pred - ring\\)\\^2\\)', (v) => v < 0.001],
  ])('%s: %s', async (name, what, good) => {
    const { code, stdout, stderr } = await nnc('train', program(name), '--device', 'cpu', '--save', join(dir, `${name}.safetensors`));
    expect(code, stderr).toBe(0);
    const found = value(end(stdout), what);
    expect(good(found), `${what} ${found}`).toBe(true);
  });

  it('the tip of the tutorial', async () => {
    expect((await nnc('run', program('tip'), '--device', 'cpu')).stdout).toContain('food 8, service 9: a tip of 7.6');
    expect((await nnc('run', 'examples/tutorial/1-neuron.nn')).stdout).toBe('tip 7.6\nneuron 7.6\nloss 0.36\n');
  });

  it('a flower gets a name, and a home a price', async () => {
    const flower = await nnc(
      'predict',
      program('flowers'),
      '--weights',
      join(dir, 'flowers.safetensors'),
      '--input',
      '9, 3.4, 1.5, 1.2',
      '--device',
      'cpu',
    );
    expect(flower.stdout).toMatch(/^primrose \d/);
    const home = await nnc(
      'predict',
      program('homes'),
      '--weights',
      join(dir, 'homes.safetensors'),
      '--input',
      'city=Paris, rooms=3',
      '--device',
      'cpu',
    );
    expect(Number(home.stdout), home.stderr).toBeGreaterThan(200_000);
  });
});

describe('examples that take minutes', () => {
  it('digits compiles: drawing its pictures takes a while', () => {
    const { model } = check({ name: 'digits.nn', text: readFileSync(program('digits'), 'utf8') });
    expect(model?.data?.draw?.rows).toBe(6000);
  });

  it.each(['addition', 'tale', 'lora', 'series'])('%s begins', async (name) => {
    const { code, stdout, stderr } = await nnc('train', program(name), '--device', 'cpu', '--steps', '3');
    expect(code, stderr).toBe(0);
    expect(value(stdout, 'last loss')).toBeLessThan(6);
  });
});

it('every example is told of in examples/README.md', () => {
  const told = readFileSync('examples/README.md', 'utf8');
  for (const file of readdirSync('examples').filter((f) => f.endsWith('.nn'))) expect(told).toContain(`\`${file}\``);
});
