import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { nncIn, temporary } from '../support/cli.ts';

/** Programs whose numbers break, and the end of what is said about it. */
const CASES: readonly { readonly name: string; readonly text: string; readonly says: string }[] = [
  {
    name: 'an exponential that is too large',
    text: `input x: [3]
target y: [1]
data n=64 { x = 1; y = 2 }
layer a: Linear(3, 1, init=zeros)
loss mean(square(pred - y)) + 0.001*mean(exp(pred))
optim sgd lr=10
train steps=200 batch=16`,
    says: `error[NN702]: the loss is not a number
 --> broken.nn:5:42
  |
5 | loss mean(square(pred - y)) + 0.001*mean(exp(pred))
  |                                          ^^^ exp gives Infinity at [0, 0] here
  |
  = the loss is Infinity at step 1
  = step 1 is the first whose loss or new weights are not finite
  = the loss comes from there; it is made of 190.957
  = help: try a smaller learning rate, or look for wrong values in the data
`,
  },
  {
    name: 'a gradient, in a step whose loss is fine; the branch that where leaves out is not blamed',
    text: `input x: [2]
target y: [1]
data n=8 { x = 0.5; y = 1 }
layer a: Linear(2, 1, bias=false, init=zeros)
let unused = where(x > 1, log(x - 2), 0)
loss mean(square(pred - y)) + mean(sqrt(pred * pred)) + mean(unused)
optim sgd lr=0.1
train steps=30 batch=4`,
    says: `error[NN702]: the loss is not a number
 --> broken.nn:6:36
  |
6 | loss mean(square(pred - y)) + mean(sqrt(pred * pred)) + mean(unused)
  |                                    ^^^^ the division gives Infinity at [0, 0] here
  |
  = the loss is NaN at step 1
  = step 0 is the first whose loss or new weights are not finite
  = the gradient of 'a.weight' comes from there; it is made of 0.125000 and 0
  = help: try a smaller learning rate, or look for wrong values in the data
`,
  },
  {
    name: 'a product of a net that runs away',
    text: `input x: [1]
target y: [1]
data n=8 { x = 1; y = 3 }
layer a: Linear(1, 4, bias=false, init=ones) -> b: Linear(4, 1, bias=false, init=ones)
loss mse
optim sgd lr=2
train steps=50`,
    says: `error[NN702]: the loss is not a number
 --> broken.nn:4:52
  |
4 | layer a: Linear(1, 4, bias=false, init=ones) -> b: Linear(4, 1, bias=false, init=ones)
  |                                                    ^^^^^^ the product gives Infinity at [0, 0] here
  |
  = the loss is Infinity at step 4
  = step 4 is the first whose loss or new weights are not finite
  = the loss comes from there; it is made of 1.4656e+28 and 1.4656e+28 ('b.weight' [0, 0]) and 1.4656e+28, the largest of 8 numbers
`,
  },
  {
    name: 'an update, while loss and gradient are fine',
    text: `input x: [1]
target y: [1]
data n=4 { x = 1; y = 3 }
layer a: Linear(1, 1, init=zeros)
loss mse
optim sgd lr=3e38
train steps=1`,
    says: `error[NN703]: a weight is not a number
  = 'a.weight' holds Infinity at element 0 after step 0, so that the weights are of no use
  = step 0 is the first whose loss or new weights are not finite
  = loss and gradients of that step are finite; the update makes 'a.weight' Infinity at element 0
`,
  },
];

describe('--trap-nonfinite', () => {
  it.each(CASES)('names $name', async ({ text, says }) => {
    const dir = temporary();
    writeFileSync(join(dir, 'broken.nn'), text);
    for (const device of ['cpu', 'gpu']) {
      const { code, stderr } = await nncIn(dir, {}, 'train', 'broken.nn', '--device', device, '--trap-nonfinite');
      expect(stderr.slice(stderr.indexOf('error['))).toContain(says);
      expect(code).toBe(1);
    }
  });

  it('changes nothing where all is well, and finds the step of a long run with a shorter last batch', async () => {
    const dir = temporary();
    writeFileSync(
      join(dir, 'late.nn'),
      `input x: [1]
target y: [1]
data n=70 { x = uniform(); y = 3 }
layer a: Linear(1, 1)
loss mean(square(pred - y)) + mean(log(relu(3 - pred)))
optim sgd lr=0.002 momentum=0.9
train epochs=400 batch=16 shuffle seed=4`,
    );
    const plain = await nncIn(dir, {}, 'train', 'late.nn', '--device', 'cpu');
    const trapped = await nncIn(dir, {}, 'train', 'late.nn', '--device', 'cpu', '--trap-nonfinite');
    const lossOf = (text: string): string | undefined => /the loss is -?Infinity at step (\d+)/.exec(text)?.[1];
    expect(Number(lossOf(plain.stderr))).toBeGreaterThan(10);
    expect(lossOf(trapped.stderr)).toBe(lossOf(plain.stderr));
    expect(trapped.stderr).toContain(`step ${lossOf(plain.stderr) ?? ''} is the first whose loss`);
    expect(trapped.stderr).toContain('log gives -Infinity');
    expect(trapped.stderr).toContain('made of 0\n');
  });
});
