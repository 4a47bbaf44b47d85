import { describe, expect, it } from 'vitest';
import { UserError } from '../../src/base/errors.ts';
import { compile } from '../../src/compile.ts';
import { compile as read, type PlanOptions } from '../../src/library/program.ts';
import { load } from '../../src/exports/runtime.ts';
import type { Plan } from '../../src/plan.ts';
import { checkNames } from '../../src/runtime/weights.ts';
import type { LoadOptions, Model, ModelState, Weights } from '../../src/runtime/api.ts';
import { RunningModel } from '../../src/runtime/model.ts';
import { model } from '../support/programs.ts';
import { openSession } from '../support/run-graph.ts';
import { wrong } from '../support/wrong.ts';

/** What a program of one's own may call wrongly, as from JavaScript, where nobody checks the types. */

const LINE = 'layer Linear(1, 1); loss mse; optim sgd lr=0.01; train batch=2';

describe('numbers of a call', () => {
  const { model: m } = model(LINE);

  it.each([
    ['rows', -5],
    ['rows', 0],
    ['rows', 1.5],
    ['rows', NaN],
    ['rows', '3'],
    ['batch', 0],
    ['batch', -1],
    ['steps', 2.5],
    ['steps', 0],
    ['epochs', 0],
    ['epochs', Infinity],
    ['seed', -1],
    ['seed', 2 ** 31],
    ['holdout', -1],
    ['recompute', -1],
  ])('%s: %s is refused by compile', (name, value) => {
    const trial = (): unknown => compile(m, { rows: 4, [name]: value });
    expect(trial).toThrow(UserError);
    expect(trial).toThrow(`'${name}' must be a whole number from`);
    expect(trial).toThrow(`and this is ${value}`);
  });

  it('are taken where they are whole', () => {
    const { train } = compile(m, { rows: 3, batch: 2, steps: 7, seed: 0, holdout: 0, epochs: undefined }).plan;
    expect(train).toMatchObject({ steps: 7, batch: 2, seed: 0, tail: true });
  });

  it.each([
    ['steps', 0],
    ['steps', -3],
    ['until', 0.5],
    ['seed', -1],
  ])('%s: %s is refused by training', async (name, value) => {
    const running = await RunningModel.open(await openSession(compile(m, { rows: 2 }).plan, 'cpu'));
    running.setData([1, 2], [3, 4]);
    await expect(running.train({ [name]: value })).rejects.toThrow(`'${name}' must be a whole number from`);
    running.destroy();
  });
});

describe('what a call does not take', () => {
  const program = read(LINE);
  const plan = program.plan({ rows: 2, devices: 'cpu' });

  it.each([undefined, 5, Buffer.from(LINE)])('compile: %s is no text', async (text) => {
    expect(await wrong(() => read(text as unknown as string))).toBe(
      "NN501: the text of a program is a string, and this is none\n  help: read a file as one: await readFile(path, 'utf8')",
    );
  });

  it.each([
    [{ devices: 'x' }, "NN501: 'devices' is all or gpu or cpu, and this is x"],
    [{ level: 7 }, "NN501: 'level' is 0 or 1, and this is 7"],
    [{ generate: 'yes' }, "NN501: 'generate' is true or false, and this is yes"],
    [{ maxMemory: '1GB' }, "NN501: 'maxMemory' is a number of bytes, and not 1GB"],
    [{ stpes: 5 }, "NN501: a plan has no option 'stpes'\n  help: did you mean 'steps'?"],
    [
      { holdoutRows: 5 },
      "NN501: a plan has no option 'holdoutRows'\n  help: it has: data, rows, capacity, predictions, generate, watch, devices, adapter, level, batch, steps, epochs, seed, maxMemory, resident",
    ],
    [{ rows: 2, maxMemory: 1 }, 'of device memory, and 1 are allowed\n  help: allow more of it, or use a smaller batch'],
  ])('plan: %j', async (options, text) => {
    expect(await wrong(() => program.plan(options as PlanOptions))).toContain(text);
  });

  it.each([{}, null, undefined, 'plan'])('load: %j is no plan', async (json) => {
    expect(await wrong(() => load(json))).toBe(
      'NN501: this is not a plan that this runner understands\n  help: make it with program.plan, or build the folder again',
    );
  });

  it.each([
    [{ device: 'tpu' }, "NN501: 'device' is auto, gpu, cpu or a GPUDevice, and not tpu"],
    [{ seed: 'abc' }, "NN501: 'seed' must be a whole number from 0 to 2147483647, and this is abc"],
    [{ seed: 1.5 }, "NN501: 'seed' must be a whole number from 0 to 2147483647, and this is 1.5"],
    [
      { weights: { 'module.0.weight': { shape: [1, 1], data: new Float32Array(1) } } },
      "NN402: the set of weights holds 'module.0.weight', which the model has not\n  help: the names are those of torch.nn.DataParallel: nnc train FILE --init W --rename 'module.{i}={i}' takes the prefix away",
    ],
    [{ weights: {} }, "NN402: the set of weights lacks '0.weight' [1, 1]\n  help: the model needs 0.weight, 0.bias"],
  ])('load: %j', async (options, text) => {
    expect(await wrong(() => load(plan, { device: 'cpu', ...options } as LoadOptions))).toBe(text);
  });

  it('load: an aborted signal, whose reason it is rejected with', async () => {
    await expect(load(plan, { signal: AbortSignal.abort(new RangeError('too late')) })).rejects.toThrow(new RangeError('too late'));
    await expect(load(plan, { signal: AbortSignal.abort() })).rejects.toMatchObject({ name: 'AbortError' });
    await expect(load(plan, { signal: { aborted: true } })).rejects.toMatchObject({ name: 'AbortError', message: 'loading was aborted' });
  });

  const TENSOR = 'a tensor is { shape, data: Float32Array }, which JSON does not keep';
  const states: readonly (readonly [string, (model: Model) => unknown, string])[] = [
    ...['x', 1.5, -1].map(
      (seed) =>
        [
          `reset(${seed})`,
          (m: Model) => m.reset(seed as number),
          `NN501: 'seed' must be a whole number from 0 to 2147483647, and this is ${seed}`,
        ] as const,
    ),
    ['restore({})', (m) => m.restore({} as ModelState), 'NN402: the state is none\n  help: model.state() gives one'],
    ['restore(null)', (m) => m.restore(null as unknown as ModelState), 'NN402: the state is none\n  help: model.state() gives one'],
    [
      'restore of JSON',
      async (m) => m.restore(JSON.parse(JSON.stringify(await m.state())) as ModelState),
      `NN402: '0.weight' is no tensor in the state\n  help: ${TENSOR}`,
    ],
    [
      'restore without the optimizer',
      async (m) => m.restore({ step: 0, seed: 0, tensors: await m.weights() }),
      "NN402: the state lacks the optimizer state 'optim.exp_avg' [2]\n  help: start anew, without this state",
    ],
    [
      'setWeights of an array',
      (m) => m.setWeights({ '0.weight': new Float32Array(1), '0.bias': new Float32Array(1) } as unknown as Weights),
      `NN402: '0.weight' is no tensor in the set of weights\n  help: ${TENSOR}`,
    ],
    [
      'setWeights({})',
      (m) => m.setWeights({}),
      "NN402: the set of weights lacks '0.weight' [1, 1]\n  help: the model needs 0.weight, 0.bias",
    ],
    ['setHoldout', (m) => m.setHoldout({ x: [1], y: [2] }), 'NN305: this plan was compiled without held-out examples'],
    ['evaluate', (m) => m.evaluate(), 'NN305: this plan was compiled without held-out examples'],
  ];

  it.each(states)('%s', async (_name, call, text) => {
    const adam = read(LINE.replace('sgd', 'adam')).plan({ rows: 2, devices: 'cpu' });
    const model = await load(adam, { device: 'cpu', data: { x: [1, 2], y: [3, 4] } });
    expect(await wrong(() => call(model))).toBe(text);
    // Nothing of it was done.
    expect((await model.train({ steps: 2 })).steps).toBe(2);
    model.destroy();
  });
});

it('weights without the statistics of normalize come with a way out', () => {
  const plan = { params: [{ name: 'normalize.mean', shape: [2] }], counters: [] } as unknown as Plan;
  expect(() => checkNames(plan, {}, 'w.safetensors')).toThrow(
    expect.objectContaining({
      diagnostics: [
        expect.objectContaining({
          label: "w.safetensors lacks 'normalize.mean' [2]",
          help: 'the weights were trained without normalize: take it out of the data line, or measure the data again: nnc train FILE --init W --allow-missing',
        }),
      ],
    }) as Error,
  );
});
