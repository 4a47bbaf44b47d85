import { describe, expect, it } from 'vitest';
import { at } from '../../src/base/errors.ts';
import { planGraph, randomInputs, runGraph } from '../../src/verify/run-graph.ts';
import { storedErrors } from '../../src/verify/stored-errors.ts';
import { compile } from '../../src/compile.ts';
import type { CompileOptions } from '../../src/planning/options.ts';
import type { Graph } from '../../src/ir/graph/types.ts';
import { comparedWithThemselves } from '../../src/passes/compared.ts';
import { evaluate } from '../../src/reference/evaluate.ts';
import { distance } from '../../src/verify/run-graph.ts';
import { everyWay } from '../support/every-way.ts';
import { model } from '../support/programs.ts';
import { adapterAtHand, openSession } from '../support/run-graph.ts';

const END = '\nloss mse\noptim sgd lr=0.1';
/** Every one compares a value that is cheap to compute again with what is made of it; some are so large that this would be worth it. */
const PROGRAMS: Readonly<
  Record<string, { readonly text: string; readonly rows: number; readonly options?: CompileOptions; readonly ways?: true }>
> = {
  'a pool behind a norm': {
    text: `input x: [2, 32, 32]\nlayer Conv2d(2, 8, 3, padding=1) -> BatchNorm2d(8) -> MaxPool2d(2) -> flatten -> Linear(2048, 3)${END}`,
    rows: 8,
  },
  'a maximum of normalised rows': {
    text: `input x: [3, 6]\nlayer Linear(6, 40) -> LayerNorm(40) -> amax(dim=2) -> Linear(3, 3)${END}`,
    rows: 64,
    ways: true,
  },
  'a minimum of normalised rows': {
    text: `input x: [3, 6]\nlayer Linear(6, 40) -> LayerNorm(40) -> amin(dim=2) -> Linear(3, 3)${END}`,
    rows: 64,
  },
  'a sorted row behind a norm': {
    text: `block Top() {\n  let v, i = topk(x, 3)\n  v\n}\nlayer Linear(6, 12) -> LayerNorm(12) -> Top() -> Linear(3, 3)${END}`,
    rows: 64,
    ways: true,
  },
  'where something is the maximum': {
    text: `fn f(x) = where(x - amax(x, dim=1, keepdim=true) < 0, 0.5 * x, x)\nlayer Linear(6, 40) -> LayerNorm(40) -> f -> Linear(40, 3)${END}`,
    rows: 64,
  },
  'a pool whose forward pass is computed again': {
    text: `input x: [2, 16, 16]\nlayer Conv2d(2, 8, 3, padding=1) -> BatchNorm2d(8) -> MaxPool2d(2) -> Conv2d(8, 8, 3, padding=1) -> BatchNorm2d(8) -> amax(dim=[2, 3]) -> Linear(8, 3)${END}`,
    rows: 8,
    options: { recompute: 3 },
  },
};

const stepOf = (text: string, rows: number, options: CompileOptions = {}): Graph =>
  at(compile(model(text).model, { rows, devices: 'gpu', ...options }).programs, 0).schedule.graph;

describe.each(Object.entries(PROGRAMS))('%s', (_name, { text, rows, options, ways }) => {
  const graph = stepOf(text, rows, options);
  const given = { ...randomInputs(graph, () => undefined, 3), step: 1, seed: 3 };

  it.each([
    ['gpu', true],
    ['gpu', false],
    ['cpu', false],
  ] as const)('finds its maxima on the %s (software: %s)', async (device, software) => {
    const planned = planGraph(graph, 1, { keepAll: true, adapter: await adapterAtHand(software), devices: device });
    const session = await openSession(planned.plan, device);
    try {
      const errors = storedErrors(graph, given, await runGraph(planned, session, given));
      expect(errors.filter((e) => !(e.error < 1e-4)).map((e) => `${e.what} ${e.error}`)).toEqual([]);
    } finally {
      session.destroy();
    }
  });

  it.runIf(ways)('moves its parameters as the reference does, whichever way its kernels are written', async () => {
    const want = evaluate(graph, { ...given, scalars: { step: 1, seed: 3, total: 10 } });
    for (const { name, result } of await everyWay(graph, given, 3))
      for (const w of graph.writes)
        expect(distance(result.state.get(w.state) ?? [], want(w.value).data), `${name}: ${w.state}`).toBeLessThan(1e-3);
  });
});

describe('values that are compared with themselves', () => {
  const found = (text: string): string[] => {
    const graph = stepOf(text, 4);
    return [...comparedWithThemselves(graph)].map((id) => at(graph.nodes, id).op);
  };

  it.each([
    ['softmax, which subtracts its maximum', `layer Linear(3, 4) -> softmax -> Linear(4, 2)${END}`],
    ['cross entropy', 'layer Linear(3, 4) -> relu -> Linear(4, 2)\nloss cross_entropy\noptim sgd lr=0.1'],
    ['relu and its like', `layer Linear(3, 4) -> LayerNorm(4) -> relu -> leaky_relu -> hardtanh -> Linear(4, 2)${END}`],
    [
      'a pool of a relu of sums',
      `input x: [1, 4, 4]\nlayer Conv2d(1, 2, 3, padding=1) -> relu -> MaxPool2d(2) -> flatten -> Linear(8, 2)${END}`,
    ],
    ['two values', `fn f(x) = max(x * x + 1, sin(x))\nlayer Linear(3, 4) -> f -> Linear(4, 2)${END}`],
    ['a value with its mean', `fn f(x) = where(x < mean(x), x, 2 * x)\nlayer Linear(3, 4) -> LayerNorm(4) -> f -> Linear(4, 2)${END}`],
  ])('are not in %s', (_what, text) => {
    expect(found(text)).toEqual([]);
  });

  it.each([
    [
      'a pool behind a norm',
      `input x: [1, 4, 4]\nlayer Conv2d(1, 2, 3, padding=1) -> BatchNorm2d(2) -> MaxPool2d(2) -> flatten -> Linear(8, 2)${END}`,
      ['add'],
    ],
    [
      'a relu between',
      `input x: [1, 4, 4]\nlayer Conv2d(1, 2, 3, padding=1) -> BatchNorm2d(2) -> relu -> MaxPool2d(2) -> flatten -> Linear(8, 2)${END}`,
      ['select'],
    ],
  ])('are found in %s', (_what, text, ops) => {
    expect(found(text)).toEqual(ops);
  });
});
