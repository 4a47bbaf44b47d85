import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { compile } from '../../src/compile.ts';
import { datasetOf, lossesOf, model, running, weightsOf } from '../support/programs.ts';
import { distance } from '../../src/verify/run-graph.ts';
import { adapterAtHand } from '../support/run-graph.ts';

/** Whole training runs against PyTorch's, from the same initial weights. */
const CASES = [
  { name: 'house', steps: 500, text: 'layer Linear(1,16) -> relu -> Linear(16,1); loss mse; optim adam lr=0.01; train epochs=500' },
  {
    name: 'mlp',
    steps: 60,
    text: 'layer Linear(20,32) -> tanh -> Linear(32,32) -> gelu -> Linear(32,5); loss cross_entropy; optim adamw lr=3e-3 weight_decay=0.05; train epochs=60',
  },
  {
    name: 'cnn',
    steps: 30,
    text: 'input x: [1, 12, 12]\nlayer Conv2d(1, 8, 3, padding=1) -> relu -> MaxPool2d(2) -> Conv2d(8, 16, 3) -> relu -> MaxPool2d(2) -> flatten -> Linear(64, 10)\nloss cross_entropy\noptim sgd lr=0.05 momentum=0.9 weight_decay=1e-3\ntrain epochs=30',
  },
  { name: 'gpt', steps: 25, text: readFileSync('test/parity/gpt/gpt.nn', 'utf8') },
];

describe.each(CASES)('$name', ({ name, steps, text }) => {
  const folder = `test/parity/${name}`;
  const want = JSON.parse(readFileSync(`${folder}/losses.json`, 'utf8')) as number[];

  it.each([
    ['gpu', 0],
    ['gpu', 1],
    ['cpu', 0],
    ['cpu', 1],
    ['js', 0],
    ['js', 1],
  ] as const)("is PyTorch's run on the %s at -O%i", async (device, level) => {
    const m = model(text, `${name}.nn`);
    const data = datasetOf(`${folder}/data.safetensors`, m.model);
    // Kernels for hardware wait for each other at every turn, which takes a software driver long: the smaller nets try them.
    const adapter = await adapterAtHand(name === 'gpt');
    const { plan } = compile(m.model, { rows: data.rows, level, adapter, devices: device === 'gpu' ? 'gpu' : 'cpu' });
    await running(plan, device, async (r, session) => {
      expect(session.device.kind).toBe(device === 'gpu' ? 'gpu' : 'cpu');
      expect(session.device.name).toMatch({ gpu: /./, cpu: /^WebAssembly SIMD, 1 thread$/, js: /^JavaScript$/ }[device]);
      r.setData(...data.tensors);
      await r.setWeights(weightsOf(`${folder}/init.safetensors`));
      const losses = await lossesOf(r);
      expect(losses).toHaveLength(steps);
      want.forEach((w, i) => expect(Math.abs(w - (losses[i] ?? NaN)) / Math.abs(w), `loss of step ${i}`).toBeLessThan(1e-4));
      const final = weightsOf(`${folder}/final.safetensors`);
      for (const [key, t] of Object.entries(await r.weights()))
        // The gradient of the keys' bias is zero but for rounding, and Adam makes steps of any noise.
        expect(distance(t.data, final[key]?.data ?? []), key).toBeLessThan(key.endsWith('qkv.bias') ? 5e-3 : 1e-3);
    });
  });
});

it("predicts PyTorch's price of 3,000 square feet", async () => {
  const m = model(CASES[0]?.text ?? '', 'house.nn');
  const { plan } = compile(m.model, {});
  for (const device of ['gpu', 'cpu'] as const) {
    await running(plan, device, async (r) => {
      await r.setWeights(weightsOf('test/parity/house/final.safetensors'));
      const [price] = (await r.predict([3])).data;
      expect(price).toBeCloseTo(654.1019, 2);
    });
  }
});
