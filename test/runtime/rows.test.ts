import { describe, expect, it } from 'vitest';
import { compile } from '../../src/library/program.ts';
import { load } from '../../src/exports/runtime.ts';

/** Row numbers of a table are checked before a step runs: no number reads another row than it names. */
const TEXT =
  'input tokens: int[3]\nlayer Embedding(5, 4) -> flatten -> Linear(12, 2)\nloss cross_entropy\noptim sgd lr=0.1\ntrain steps=3 batch=2\n';
const program = compile(TEXT);
const good = { tokens: [0, 1, 2, 3, 4, 0], y: [0, 1] };

describe('row numbers', () => {
  it('are bounded in the plan by the rows of the table', () => {
    const plan = program.plan({ rows: 2, devices: 'cpu' });
    expect([plan.data?.tensors[0]?.below, plan.predict.inputs[0]?.below, plan.data?.tensors[1]?.below]).toEqual([5, 5, undefined]);
    const moved = compile(TEXT.replace('layer Embedding', 'layer reshape([3]) -> Embedding')).plan({ rows: 2, devices: 'cpu' });
    expect(moved.predict.inputs[0]?.below).toBe(5);
    const counted = compile(TEXT.replace('layer Embedding', 'let shifted = int(float(tokens) + 1)\nlayer shifted -> Embedding')).plan({
      rows: 2,
      devices: 'cpu',
    });
    // Of what is computed from them, the compiler knows no bound.
    expect(counted.predict.inputs[0]?.below).toBeUndefined();
  });

  it.each([
    [5, "'tokens' holds 5, and its table has the rows 0 to 4"],
    [-1, "'tokens' holds -1, and its table has the rows 0 to 4"],
    [2147483647, "'tokens' holds 2147483647, and its table"],
    [4294967296, "'tokens' holds 4294967296 at element"],
    [1.5, "'tokens' holds 1.5 at element"],
    [NaN, "'tokens' holds NaN at element"],
  ])('%d is refused in predictions and in training data', async (bad, message) => {
    const plan = program.plan({ rows: 2, devices: 'cpu' });
    const model = await load(plan, { device: 'cpu' });
    await expect(model.predict({ tokens: [0, bad, 1] })).rejects.toThrow(message);
    expect(() => model.setData({ tokens: [0, 1, 2, 3, bad, 0], y: [0, 1] })).toThrow(message);
    model.destroy();
    const other = await load(plan, { device: 'cpu' });
    other.setData(good);
    expect((await other.train()).steps).toBe(3);
    other.destroy();
  });
});
