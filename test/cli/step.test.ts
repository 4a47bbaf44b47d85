import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { nnc, temporary } from '../support/cli.ts';

/** `nnc step` shows the numbers that a person gets with a pencil. */
const dir = temporary();
const file = (name: string, text: string): string => {
  writeFileSync(join(dir, name), text);
  return join(dir, name);
};

describe('nnc step', () => {
  it('walks a neuron as on paper', async () => {
    file('two.csv', 'x,y\n1,3\n2,5\n');
    // w = 1 and b = 0: it says 1 and 2 where 3 and 5 are right.
    const program = file(
      'neuron.nn',
      'data "two.csv"\nlayer Linear(1, 1, init=ones, bias_init=zeros)\nloss mse\noptim sgd lr=0.1\ntrain steps=5 batch=1 shuffle\n',
    );
    const { code, stdout, stderr } = await nnc('step', program);
    expect(code, stderr).toBe(0);
    expect(stdout).toMatchInlineSnapshot(`
      "1. Forward: 2 examples go through the model         # pred = model(x)
        x  [2, 1]
          1
          2
        -> Linear(1, 1, init=ones, bias_init=zeros)  [2, 1]
          1
          2

      2. Loss: how wrong it is                            # loss = loss_fn(pred, y)
        the target  [2, 1]
          3
          5
        mse = 6.50000

      3. Clear the gradients                              # optimizer.zero_grad()
        Nothing to do: gradients do not pile up here, each step has its own.

      4. Backward: how the loss changes with each value   # loss.backward()
        d loss / d (Linear(1, 1, init=ones, bias_init=zeros))  [2, 1]
          -2
          -3
        d loss / d 0.weight  [1, 1]
          -8
        d loss / d 0.bias  [1]
          -5

      5. Step: sgd moves every weight, lr=0.1             # optimizer.step()
        0.weight  [1, 1]
         before
          1
         moves by
          0.8
         after
          1.8
        0.bias  [1]
         before
          0
         moves by
          0.5
         after
          0.5

      The loss of the same examples was 6.50000 and is 0.650000 now.
      "
    `);
  });

  it('takes named layers, classes and large tensors', async () => {
    const { code, stdout } = await nnc('step', 'examples/flowers.nn', '--rows', '2');
    expect(code).toBe(0);
    expect(stdout).toContain('    (2 x 16 in all)');
    const [, before, after] = /was ([\d.]+) and is ([\d.]+) now/.exec(stdout) ?? [];
    expect(Number(after)).toBeLessThan(Number(before));
  });

  it.each([
    ['no loss', 'layer Linear(1, 1)\n', 'has no loss line, so there is no step to walk'],
    ['no optim', 'layer Linear(1, 1)\nloss mse\n', 'has no optim line, so there is no step to walk'],
    ['no data', 'layer Linear(1, 1)\nloss mse\noptim sgd\n', 'names no data'],
  ])('%s is an error', async (name, text, message) => {
    const { code, stderr } = await nnc('step', file(`${name}.nn`, text));
    expect([code, stderr]).toEqual([1, expect.stringContaining(message)]);
  });

  it('shows what the program names, the rate, and what is frozen, in lines of a terminal', async () => {
    const program = file(
      'named.nn',
      'input x: [1]\ndata n=8 seed=2 { x = uniform(-1, 1); y = 2*x + 1 }\nlet h = x -> fc1: Linear(1, 12) -> relu\nlet g = h * 2 + 1\nlayer g -> fc2: Linear(12, 1)\nloss mse\noptim sgd lr=linear(0.1) freeze=["fc2.bias"]\ntrain epochs=3\n',
    );
    const { stdout } = await nnc('step', program);
    const heads = stdout.split('\n').flatMap((l) => /^ {2}(->.*|g =|h =|d loss \/ d .*?) {2}\[/.exec(l)?.[1] ?? []);
    expect(heads).toEqual([
      '-> fc1: Linear(1, 12)',
      '-> relu',
      'g =',
      '-> fc2: Linear(12, 1)',
      'd loss / d (fc2: Linear(12, 1))',
      'd loss / d fc2.weight',
      'd loss / d fc2.bias',
      'd loss / d g',
      'd loss / d (relu)',
      'd loss / d (fc1: Linear(1, 12))',
      'd loss / d fc1.weight',
      'd loss / d fc1.bias',
    ]);
    expect(stdout).toContain('5. Step: sgd moves every weight, lr=0.1 ');
    expect(stdout).toContain('fc2.bias  [1]  is frozen and stays as it is');
    expect(Math.max(...stdout.split('\n').map((l) => l.length))).toBeLessThanOrEqual(80);
  });
});
