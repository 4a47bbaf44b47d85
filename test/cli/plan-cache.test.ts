import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { nncIn, temporary } from '../support/cli.ts';

describe('plans of earlier runs', () => {
  it('are taken where the text is the same, and written anew where they are broken', async () => {
    const folder = temporary();
    const program = join(folder, 'deep.nn');
    const layers = Array.from({ length: 12 }, () => 'Linear(24, 24) -> tanh -> LayerNorm(24)').join(' -> ');
    const text = (lr: string) => `data n=64 { x = uniform(); y = 2*x }
layer Linear(1, 24) -> ${layers} -> Linear(24, 1)
loss mse
optim adam lr=${lr}
train steps=3
`;
    const run = async (lr: string): Promise<string> => {
      writeFileSync(program, text(lr));
      const r = await nncIn(folder, { NNC_CACHE: folder }, 'train', program, '--device', 'cpu');
      expect(r.code, r.stderr).toBe(0);
      return /last loss (\S+)/.exec(r.stdout)?.[1] ?? '';
    };
    const plans = (): string[] => readdirSync(join(folder, 'plans'));
    const first = await run('0.001');
    expect(plans()).toHaveLength(1);
    expect(await run('0.001')).toBe(first);
    expect(plans()).toHaveLength(1);
    const kept = join(folder, 'plans', plans()[0] ?? '');
    const whole = readFileSync(kept, 'utf8');
    for (const damage of [(t: string) => t.slice(0, 100), (t: string) => t.replace('"offset":0', '"offset":1')]) {
      expect(damage(whole)).not.toBe(whole);
      writeFileSync(kept, damage(whole));
      expect(await run('0.001')).toBe(first);
      expect(readFileSync(kept, 'utf8').length).toBe(whole.length);
    }
    expect(await run('0.1')).not.toBe(first);
    expect(plans()).toHaveLength(2);
  });
});
