import { describe, expect, it } from 'vitest';
import { at } from '../../src/base/errors.ts';
import { compile } from '../../src/exports/nnc.ts';
import { load } from '../../src/exports/node.ts';
import { toyData } from '../support/programs.ts';

/** What `model.watch()` shows of a step: values and gradients by the program's own names. */
const TEXT = `
input x: [2]
let h1 = x -> fc1: Linear(2, 4) -> tanh
layer h1 -> Linear(4, 1)
loss mse
optim sgd lr=0.05
train epochs=10 batch=4
`;
const { x, y } = toyData(6);

describe.each(['gpu', 'cpu'] as const)('watching on the %s', (device) => {
  it('shows the values and gradients of the next step', async () => {
    const program = compile(TEXT);
    const watch = ['h1', 'fc1', 'loss', 'x', 'fc1.weight', 'grad(fc1.weight)', 'grad(h1)'];
    const model = await load(program.plan({ data: { x, y }, watch, devices: device }), { device, data: { x, y } });
    await model.train({ until: 4 });
    const seen = await model.watch();
    expect(Object.keys(seen)).toEqual(watch);
    const weights = await model.weights();
    const get = (name: string): readonly number[] => [...(seen[name]?.data ?? expect.fail(name))];
    // Step 4 is the first one of the third epoch, with rows 0 to 3.
    expect(get('x')).toEqual([...x.subarray(0, 8)]);
    expect(get('fc1.weight')).toEqual([...(weights['fc1.weight']?.data ?? [])]);
    expect(seen['h1']?.shape).toEqual([4, 4]);
    const [w, b] = [[...(weights['fc1.weight']?.data ?? [])], [...(weights['fc1.bias']?.data ?? [])]];
    const given = [...x];
    for (let r = 0; r < 4; r++)
      for (let c = 0; c < 4; c++) {
        const z = at(w, 2 * c) * at(given, 2 * r) + at(w, 2 * c + 1) * at(given, 2 * r + 1) + at(b, c);
        expect(get('fc1')[4 * r + c]).toBeCloseTo(z, 5);
        expect(get('h1')[4 * r + c]).toBeCloseTo(Math.tanh(z), 5);
      }
    // Looking changes nothing: the step that follows has the loss that was seen, and moves by the gradient that was seen.
    let loss = NaN;
    await model.train({ until: 5, onLosses: (_, l) => (loss = l[0] ?? NaN) });
    expect(loss).toBeCloseTo(at(get('loss'), 0), 4);
    const moved = [...((await model.weights())['fc1.weight']?.data ?? [])];
    for (let i = 0; i < 8; i++) expect((at(w, i) - at(moved, i)) / 0.05).toBeCloseTo(at(get('grad(fc1.weight)'), i), 3);
    // Two rows are left at the end of an epoch: its first batch is looked at.
    expect([...((await model.watch(['x']))['x']?.data ?? [])]).toEqual([...x.subarray(0, 8)]);
    await expect(model.watch(['h2'])).rejects.toThrow("'h2' is not watched");
    model.destroy();
  });
});

it('names that a program does not have are told', () => {
  const program = compile(TEXT);
  expect(() => program.plan({ data: { x, y }, watch: ['grad(h2)'] })).toThrow("there is no 'h2' to watch");
  expect(() => program.plan({ data: { x, y }, watch: ['fc1.wieght'] })).toThrow("did you mean 'fc1.weight'?");
});

it('a plan that watches is the same training, and one that does not says how to', async () => {
  const program = compile(TEXT);
  const [plain, watching] = [program.plan({ data: { x, y } }), program.plan({ data: { x, y }, watch: ['h1'] })];
  expect(watching.identity).toBe(plain.identity);
  const model = await load(plain, { device: 'cpu', data: { x, y } });
  await expect(model.watch()).rejects.toThrow('this plan was compiled with nothing to watch');
  model.destroy();
});
