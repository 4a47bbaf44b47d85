import { expect, it } from 'vitest';
import { compile } from '../../src/library/program.ts';
import { nodeHelpers } from '../../src/node/helpers.ts';
import { load } from '../../src/runtime/load.ts';
import { openCpu } from '../../src/runtime/open-cpu.ts';
import { Sharing } from '../../src/runtime/sharing.ts';
import { stepUniforms } from '../../src/runtime/session.ts';
import { createWasmSession } from '../../src/runtime/wasm.ts';
import { wasmOf } from '../support/sections.ts';

/** How many of so many chunks were shared, if chunks take so long. */
function shared(sharing: Sharing, chunks: number, together: number, alone: number): number {
  let count = 0;
  for (let i = 0; i < chunks; i++) {
    const both = sharing.choose();
    if (both) count++;
    sharing.learn(both, both ? together : alone);
  }
  return count;
}

it('takes the faster way, and looks at the other one now and then', () => {
  const sharing = new Sharing();
  expect(shared(sharing, 4, 1, 2)).toBe(2);
  // Working alone is not tried often where helpers are faster.
  expect(shared(sharing, 1024, 1, 2)).toBeGreaterThanOrEqual(1019);
  // The machine becomes busy: a few chunks, and helpers only now and then.
  expect(shared(sharing, 160, 10, 2)).toBeLessThan(20);
  // It is free again, which one of the trials finds out.
  expect(shared(sharing, 160, 1, 2)).toBeGreaterThan(140);
});

/** Large enough that helpers are asked for. */
const WIDE =
  'layer Linear(16, 64) -> tanh -> Linear(64, 64) -> relu -> Linear(64, 3); loss mse; optim sgd lr=0.01; train steps=100000 batch=32';

it('runs nothing more once its helpers were sent away: nobody would answer them', async () => {
  const plan = compile(WIDE).plan({ rows: 64, devices: 'cpu' });
  let ended = 0;
  const helpers = { count: 1, start: () => () => void ended++ };
  const session = createWasmSession(plan, wasmOf(plan), { reason: 'test', helpers });
  session.destroy();
  expect(ended).toBe(1);
  await expect(session.run(['train'], stepUniforms(plan, 0, 1, { seed: 0, total: 1 }))).rejects.toThrow('the model was destroyed');
});

it('a training whose model is destroyed ends with an error, and the process goes on', async () => {
  const plan = compile(WIDE).plan({ rows: 64, devices: 'cpu' });
  const data = { x: new Float32Array(64 * 16), y: new Float32Array(64 * 3) };
  const model = await load(plan, { data, device: 'cpu' }, { cpu: openCpu(nodeHelpers(2)) });
  const training = model.train();
  const failed = expect(training).rejects.toMatchObject({ code: 'NN602', message: 'the model was destroyed' });
  await new Promise((resolve) => setTimeout(resolve, 300));
  model.destroy();
  await failed;
});
