import { describe, expect, it } from 'vitest';
import { at } from '../../src/base/errors.ts';
import { initialValue } from '../../src/base/init.ts';
import { TorchRandom } from '../../src/base/torch-random.ts';
import { plan, running } from '../support/programs.ts';

/** The row of an embedding that stands for nothing. */
const program = (layer: string): string =>
  `input t: int[3]\nlayer ${layer}\nloss cross_entropy\noptim adamw lr=0.1 weight_decay=0.1\ntrain steps=4\n`;
const TOKENS = [0, 2, 1, 2, 2, 2, 4, 3, 2, 1, 0, 4];

describe.each(['Embedding(5, 4, padding_idx=2) -> flatten -> Linear(12, 3)', 'EmbeddingBag(5, 4, padding_idx=-3) -> Linear(4, 3)'])(
  '%s',
  (layer) => {
    it('starts with a row of zeros, and with what PyTorch draws elsewhere', () => {
      const { init, shape } = at(plan(program(layer), { rows: 4, seed: 3 }).params, 0);
      const drawn = initialValue({ kind: 'normal', mean: 0, std: 1 }, shape, new TorchRandom(5));
      expect([...initialValue(init, shape, new TorchRandom(5))]).toEqual([...drawn].map((v, i) => (i >= 8 && i < 12 ? 0 : v)));
    });

    it('trains every row but that one', async () => {
      const p = plan(program(layer), { rows: 4, seed: 3 });
      for (const device of ['gpu', 'cpu'] as const)
        await running(p, device, async (m) => {
          const before = [...((await m.weights())['0.weight']?.data ?? [])];
          m.setData(TOKENS, [0, 1, 2, 1]);
          await m.train();
          const after = [...((await m.weights())['0.weight']?.data ?? [])];
          expect(after.slice(8, 12)).toEqual([0, 0, 0, 0]);
          expect(after.filter((v, i) => v !== before[i])).toHaveLength(16);
        });
    });
  },
);
