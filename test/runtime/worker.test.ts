import { expect, it } from 'vitest';
import { UserError } from '../../src/base/errors.ts';
import { compile } from '../../src/library/program.ts';
import { connect, serve, type Port } from '../../src/exports/worker.ts';

const plan = compile('layer Linear(1, 1); loss mse; optim sgd lr=0.05; train steps=200').plan({ rows: 4, devices: 'cpu' });
const data = { x: [1, 2, 3, 4], y: [2, 4, 6, 8] };

/** Two ends of a channel as a `Worker` of Node has them: it hears by `on`, and hears the message itself. */
function ends(): readonly [Port, Port] {
  const heard: ((data: unknown) => void)[][] = [[], []];
  const end = (own: number, other: number): Port => ({
    postMessage: (message) => queueMicrotask(() => heard[other]?.forEach((hear) => hear(structuredClone(message)))),
    on: (_type, hear) => heard[own]?.push(hear),
  });
  return [end(0, 1), end(1, 0)];
}

/** Two ends as pages have them. */
function channel(): readonly [Port, Port] {
  const { port1, port2 } = new MessageChannel();
  return [port1 as unknown as Port, port2 as unknown as Port];
}

it.each([
  ['a worker of Node', ends],
  ['a channel', channel],
])('a model is served over %s', async (_what, make) => {
  const [here, there] = make();
  serve(there);
  const model = await connect(here, plan, { data, device: 'cpu' });
  expect((await model.train()).outcome).toBe('done');
  expect((await model.predict({ x: [5] })).data[0]).toBeCloseTo(10, 0);
  await expect(model.predict({ x: [[5]] as unknown as number[] })).rejects.toThrow(UserError);
  model.destroy();
  for (const end of [here, there]) (end as Partial<MessagePort>).close?.();
});

it('where nothing can be heard, it says whom to serve', () => {
  const text = 'NN501: there is no port here\n  help: in a worker of Node: serve(parentPort)';
  expect(() => serve({ postMessage: () => undefined })).toThrow(text);
});
