import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { initialValue } from '../../src/base/init.ts';
import { TorchRandom } from '../../src/base/torch-random.ts';
import { distance } from '../../src/verify/run-graph.ts';
import { model } from '../support/programs.ts';

/** What PyTorch's layers start with after torch.manual_seed: `scripts/parity/draws.py` writes the file. */
interface Drawn {
  readonly input: string;
  readonly nn: string;
  readonly seed: number;
  readonly params: Readonly<Record<string, readonly number[]>>;
}
const all = JSON.parse(readFileSync('test/parity/draws.json', 'utf8')) as Drawn[];

describe('--rng torch', () => {
  it.each(all.map((d) => ({ ...d, title: d.nn })))('starts $title as PyTorch does', ({ nn, input, seed, params }) => {
    // The Linear behind it shows where the generator stands afterwards.
    const text = `input x: ${input}\nlet h = made: ${nn}\nlayer after: Linear(h, 4, 1)\n`;
    const found = model(text).model.params;
    const random = new TorchRandom(seed);
    const values = new Map(found.map((p) => [p.name, initialValue(p.init, p.shape, random)]));
    expect([...values.keys()].sort()).toEqual(Object.keys(params).sort());
    for (const { name, init } of found) {
      const [got, want] = [values.get(name) ?? new Float32Array(0), Float32Array.from(params[name] ?? [])];
      // Uniform numbers are the very same; those of Box and Muller agree to the last bits.
      if (init.kind === 'normal') expect(distance(got, want), name).toBeLessThan(1e-6);
      else expect([...got], name).toEqual([...want]);
    }
  });
});
