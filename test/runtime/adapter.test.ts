import { afterAll, expect, it } from 'vitest';
import { adapterHere, load, release } from '../../src/exports/node.ts';
import { compile } from '../../src/library/program.ts';

afterAll(release);

it('a plan is made for the GPU at hand if it is told of it', async () => {
  const adapter = await adapterHere();
  expect(Object.keys(adapter ?? {}).sort()).toEqual(['bindings', 'collectives', 'half', 'software', 'subgroup']);
  const program = compile('layer Linear(16, 64) -> tanh -> Linear(64, 3); loss mse; optim sgd lr=0.01; train steps=3 batch=32 seed=1');
  const data = { x: Float32Array.from({ length: 64 * 16 }, (_, i) => Math.sin(i)), y: new Float32Array(64 * 3) };
  const losses: number[] = [];
  const kernels: string[] = [];
  for (const told of [adapter, undefined]) {
    const plan = program.plan({ data, devices: 'gpu', adapter: told });
    kernels.push(JSON.stringify(plan.backends.webgpu));
    const model = await load(plan, { data, device: 'gpu' });
    losses.push((await model.train()).lastLoss);
    model.destroy();
  }
  // What is known of a GPU in software shows in its kernels.
  if (adapter?.software) expect(kernels[0]).not.toBe(kernels[1]);
  expect(losses[0]).toBeCloseTo(losses[1] ?? NaN, 5);
});
