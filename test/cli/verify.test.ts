import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { at } from '../../src/base/errors.ts';
import { planGraph, randomInputs, runGraph, type GraphPlan } from '../../src/verify/run-graph.ts';
import { storedErrors } from '../../src/verify/stored-errors.ts';
import { compile } from '../../src/compile.ts';
import { GraphBuilder } from '../../src/ir/graph/builder.ts';
import type { Graph, NodeId } from '../../src/ir/graph/types.ts';
import { withData } from '../../src/cli/commands/verify.ts';
import { nnc, temporary } from '../support/cli.ts';
import { model } from '../support/programs.ts';
import { adapterAtHand, openSession } from '../support/run-graph.ts';
import { webgpuOf } from '../support/sections.ts';

const TEXT = `input x: [1, 6, 6]
layer Conv2d(1, 3, 3) -> BatchNorm2d(3) -> relu -> MaxPool2d(2) -> flatten -> Linear(12, 4) -> tanh
loss mse
optim adamw lr=0.01`;
const given = (graph: Graph) => ({ ...randomInputs(graph, () => undefined, 1), step: 0, seed: 1 });

async function errorsOf(graph: Graph, planned: GraphPlan): Promise<readonly { readonly what: string; readonly error: number }[]> {
  const session = await openSession(planned.plan, 'gpu');
  try {
    return storedErrors(graph, given(graph), await runGraph(planned, session, given(graph)));
  } finally {
    session.destroy();
  }
}

describe('a kernel that is broken', () => {
  const { source: graph } = at(compile(model(TEXT).model, { rows: 3, devices: 'gpu' }).programs, 0).schedule;

  /** Ways in which a kernel may go wrong, as replacements in its text. */
  const breaks: readonly (readonly [string, (wgsl: string) => string])[] = [
    ['adds 1 to the last value', (t) => t.replace(/^([^]*\] = )([^;]+);/, '$1($2) + 1;')],
    [
      'forgets the last term of a sum',
      (t) => t.replace(/(for \(var k\d+ = \w+; k\d+ < )(\d+)u/g, (_m, head: string, n: string) => `${head}${Number(n) - 1}u`),
    ],
    ['stores nothing', (t) => t.replace(/^([^]*\n)[^\n]*\] = [^;]+;/, '$1')],
    ['stores one element off', (t) => t.replace(/^([^]*)\[([^\]]+)\] = /, '$1[($2) ^ 1u] = ')],
  ];

  it('is found, whichever it is', async () => {
    const planned = planGraph(graph, 1, { keepAll: true, adapter: await adapterAtHand(true), devices: 'gpu' });
    expect((await errorsOf(graph, planned)).filter((e) => e.error > 1e-4)).toEqual([]);
    const tried = new Set<string>();
    const section = webgpuOf(planned.plan);
    for (const [i, kernel] of section.kernels.entries()) {
      // One way each, the next one where there is no such thing in it.
      const turned = [...breaks.slice(i % breaks.length), ...breaks.slice(0, i % breaks.length)];
      const [name, change] = turned.find(([, c]) => c(kernel.wgsl) !== kernel.wgsl) ?? fail(kernel.wgsl);
      tried.add(name);
      const kernels = section.kernels.map((k) => (k === kernel ? { ...k, wgsl: change(k.wgsl) } : k));
      const errors = await errorsOf(graph, { ...planned, plan: { ...planned.plan, backends: { webgpu: { ...section, kernels } } } });
      expect(
        errors.some((e) => e.error > 1e-3),
        `${kernel.name} ${name}:\n${change(kernel.wgsl)}`,
      ).toBe(true);
    }
    expect(tried.size).toBe(breaks.length);
  });
});

const fail = (what: string): never => {
  throw new Error(`nothing to break in ${what}`);
};

describe('stored errors', () => {
  const graphOf = (build: (b: GraphBuilder, x: NodeId) => NodeId): Graph => {
    const b = new GraphBuilder('one');
    b.outputs['y'] = build(b, b.add('input', [], { name: 'x' }, { dtype: 'f32', shape: [3] }));
    return b.graph();
  };
  const errors = (graph: Graph, x: readonly number[], got: readonly number[]) => {
    const y = graph.outputs['y'] ?? -1;
    const stored = new Map([[y, Float32Array.from(got)]]);
    return at(storedErrors(graph, { inputs: new Map([['x', x]]), state: new Map() }, { outputs: new Map(), state: new Map(), stored }), 0);
  };

  it('take what is no number on both sides for equal, and on one for wrong', () => {
    const log = graphOf((b, x) => b.op('log', x));
    expect(errors(log, [-1, 1, 0], [NaN, 0, -Infinity]).error).toBe(0);
    expect(errors(log, [-1, 1, 2], [0, 0, Math.LN2])).toMatchObject({ error: Infinity, element: 0, got: 0, want: NaN });
    expect(errors(log, [3, 1, 2], [Math.log(3), NaN, Math.LN2])).toMatchObject({ error: Infinity, element: 1 });
    expect(errors(log, [0, 1, 2], [Infinity, 0, Math.LN2]).error).toBe(Infinity);
  });

  it('take what float32 cannot hold for infinite', () => {
    const exp = graphOf((b, x) => b.op('exp', x));
    expect(errors(exp, [0, 1, 200], [1, Math.E, Infinity]).error).toBeLessThan(1e-6);
  });

  it('say the element, what it is and should be, and what its error is measured by', () => {
    const double = graphOf((b, x) => b.op('add', x, x));
    expect(errors(double, [1, 2, -4], [2, 4.5, -8])).toMatchObject({
      element: 1,
      got: 4.5,
      want: 4,
      scale: 8,
      why: 'the largest element',
      error: 0.0625,
    });
  });

  it('forgive what is left of numbers that cancel, and no more', () => {
    const rest = graphOf((b, x) => b.op('sub', b.op('mul', b.op('exp', x), b.like(3, x)), b.op('mul', b.op('exp', x), b.like(3, x))));
    // Of 3e, three last places are left over.
    expect(errors(rest, [1, 1, 1], [7e-7, 0, 0])).toMatchObject({ why: 'what cancels in it' });
    expect(errors(rest, [1, 1, 1], [7e-7, 0, 0]).error).toBeLessThan(1e-4);
    expect(errors(rest, [1, 1, 1], [1e-2, 0, 0]).error).toBeGreaterThan(1e-3);
  });

  it('forgive a comparison of what is equal but for rounding', () => {
    // 0.1 + 0.2 in float32 is the float32 of 0.3, and in float64 it is less than it or more.
    const step = graphOf((b, x) => {
      const sum = b.op('add', x, b.like(Math.fround(0.2), x));
      const limit = b.like(Math.fround(0.3), x);
      return b.op('select', b.op('lt', sum, limit), b.like(0, x), b.like(1, x));
    });
    const x = [Math.fround(0.1), 0, 1];
    expect(errors(step, x, [0, 0, 1]).error).toBe(0);
    expect(errors(step, x, [1, 0, 1]).error).toBe(0);
    expect(errors(step, x, [1, 1, 1]).error).toBe(1);
  });
});

describe('random inputs', () => {
  it('are rows of the table that they look up, and classes of their own target', () => {
    const text = `input a: int[3]
input b: int[2]
input c: int[1]
target kind: int[]
target word: int[]
let other = concat(b, c) -> more: Embedding(9, 2) -> flatten -> Linear(6, 3)
layer concat(a, c) -> Embedding(5, 4) -> flatten -> first: Linear(16, 7)
loss cross_entropy(pred, kind) + cross_entropy(other, word)
optim sgd lr=0.1`;
    const { model: m } = model(text);
    const { source: graph } = at(compile(m, { rows: 200, batch: 200, devices: 'cpu' }).programs, 0).schedule;
    const classes = new Map(m.targets.map((t) => [t.name, t.classes]));
    const { inputs } = randomInputs(graph, (name) => classes.get(name), 1);
    const most = Object.fromEntries([...inputs].map(([name, values]) => [name, Array.from(values).reduce((x, y) => Math.max(x, y))]));
    expect(most).toEqual({ a: 4, b: 8, c: 4, kind: 6, word: 2 });
  });
});

describe('nnc verify and data', () => {
  const folder = temporary();
  writeFileSync(join(folder, 'd.csv'), 'a,b\n1,2\n3,4\n5,7\n');
  writeFileSync(join(folder, 'p.nn'), 'layer Linear(1, 3) -> tanh -> Linear(3, 1)\nloss mse\noptim sgd lr=0.1\n');
  writeFileSync(join(folder, 'drawn.nn'), 'data n=7 { x = uniform(); y = 2*x }\nlayer Linear(1, 1)\nloss mse\noptim sgd lr=0.1\n');

  it.each([
    ['the file that is given', ['p.nn', '--data', 'd.csv'], /^data: 3 examples of .*d\.csv$/m],
    ['what the program draws', ['drawn.nn'], /^data: 7 examples drawn as the program says$/m],
    ['random numbers where there is nothing', ['p.nn'], /^data: random numbers$/m],
  ])('takes %s', async (_what, args, said) => {
    const r = await nnc('verify', ...args.map((a) => (a.includes('.') ? join(folder, a) : a)));
    expect(r.stdout, r.stderr).toMatch(said);
    expect(r.stdout).toContain('every kernel agrees with the float64 reference');
    // What is not done in the first step is looked at too.
    expect(r.stdout).toMatch(/^train, step 1 +-O 1 +cpu/m);
  });

  it('takes examples over again where a program takes more than there are', () => {
    const random = { inputs: new Map([['x', new Float64Array(5)]]), state: new Map() };
    const given = withData(random, { model: model('layer Linear(1, 1)').model }, { tensors: [Float32Array.of(1, 2)] }, new Map());
    expect(Array.from(given.inputs.get('x') ?? [])).toEqual([1, 2, 1, 2, 1]);
  });
});
