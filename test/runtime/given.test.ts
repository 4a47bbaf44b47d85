import { describe, expect, it } from 'vitest';
import { compile } from '../../src/library/program.ts';
import { drawnData } from '../../src/library/drawn-data.ts';
import { readData } from '../../src/library/read-data.ts';
import { load } from '../../src/exports/runtime.ts';
import type { Model, Rows } from '../../src/runtime/api.ts';
import { wrong } from '../support/wrong.ts';

/** What is given to a model: it is checked in the same way wherever it comes in. */

const CLASSES = 'layer Linear(2, 3); loss cross_entropy; optim sgd lr=0.1; train steps=4 batch=2';
const x = [0, 1, 2, 3, 4, 5, 6, 7];
const good = { x, y: [0, 1, 2, 0] };
const bad = { x, y: [0, 1, 2, 7] };
const WRONG = "NN306: label 7 of example 4 in 'y' is not one of the 3 classes 0 to 2\n  help: the last layer has one output for each class";

async function using(plan: unknown, body: (model: Model) => unknown, data?: typeof good): Promise<void> {
  const model = await load(plan, { device: 'cpu', data });
  await body(model);
  model.destroy();
}

describe('labels that are none of the classes', () => {
  const program = compile(CLASSES);

  it('are refused by plan, load, setData, addData and setHoldout', async () => {
    expect(await wrong(() => program.plan({ data: bad }))).toContain('label 7 of example 4 in the data is not one of the 3 classes 0 to 2');
    const plan = program.plan({ rows: 4, devices: 'cpu' });
    expect(await wrong(() => load(plan, { device: 'cpu', data: bad }))).toBe(WRONG);
    await using(plan, async (model) => expect(await wrong(() => model.setData(bad))).toBe(WRONG));
    await using(program.plan({ capacity: 9, devices: 'cpu' }), async (model) => {
      expect(await wrong(() => model.setData(bad))).toBe(WRONG);
      model.setData(good);
      expect(await wrong(() => model.addData(bad))).toBe(WRONG);
      expect(model.rows).toBe(4);
    });
    const table = `a,b,y\n${Array.from({ length: 16 }, (_, i) => `${i},${i * i},${i % 3}\n`).join('')}`;
    const split = compile(`data "t.csv" split=0.5\n${CLASSES}`);
    const data = readData(split, new TextEncoder().encode(table), { name: 't.csv' });
    const { x: held = [], y = [] } = data.holdout?.arrays ?? {};
    await using(split.plan({ data, devices: 'cpu' }), async (model) => {
      expect(await wrong(() => model.setHoldout({ x: held, y: Array.from(y, (v, i) => (i === 3 ? 7 : v)) }))).toBe(WRONG);
    });
  });

  it('are those outside of 0 to 1 for a loss of yes and no', async () => {
    const sides = compile('layer Linear(2, 1); loss bce_with_logits; optim sgd lr=0.1; train steps=4 batch=2');
    const labels = { x, y: [0, 1, 0.5, 2] };
    expect(await wrong(() => sides.plan({ data: labels }))).toContain('label 2 of example 4 in the data is not from 0 to 1');
    await using(sides.plan({ rows: 4, devices: 'cpu' }), async (model) => {
      expect(await wrong(() => model.setData(labels))).toBe(
        "NN306: label 2 of example 4 in 'y' is not from 0 to 1\n  help: for this loss, 0 is no and 1 is yes",
      );
      expect(await wrong(() => model.setData({ x, y: [0, 1, -1, 1] }))).toContain("label -1 of example 3 in 'y'");
      model.setData({ x, y: [0, 1, 0.5, 1] });
    });
    const drawn = compile('data n=4 { x = uniform(); y = 2 + x }\nlayer Linear(1, 1); loss bce_with_logits; optim sgd lr=0.1');
    expect(await wrong(() => drawnData(drawn))).toContain('of example 1 in the data is not from 0 to 1');
    // What the program makes of a target is its own business.
    const made = compile(
      'target y: [1]\nlayer Linear(2, 1); loss bce_with_logits(pred, (y + 1) / 2); optim sgd lr=0.1; train steps=4 batch=2',
    );
    await using(made.plan({ rows: 4, devices: 'cpu' }), (model) => model.setData({ x, y: [1, -1, 1, -1] }));
  });

  it('are refused where a source of rows gives them', async () => {
    const rows: Rows = { length: 4, read: (which, out, at) => Array.from(which).forEach((row, i) => (out[at + i] = bad.y[row] ?? 0)) };
    await using(program.plan({ rows: 4, resident: 8, devices: 'cpu' }), async (model) => {
      model.setData({ x, y: rows });
      expect(await wrong(() => model.train())).toBe(WRONG);
    });
  });

  it('may be the one that is ignored', async () => {
    const ignoring = compile(CLASSES.replace('cross_entropy', 'cross_entropy(ignore_index=-100)'));
    const plan = ignoring.plan({ rows: 4, devices: 'cpu' });
    expect(plan.data?.tensors[1]?.labels).toEqual({ classes: 3, ignored: -100 });
    await using(plan, async (model) => {
      model.setData({ x, y: [0, -100, 2, 0] });
      expect((await model.train()).steps).toBe(4);
      expect(await wrong(() => model.setData(bad))).toBe(WRONG);
    });
  });

  it('of a plan that does not say how many classes there are, are taken as they are', async () => {
    const plan = program.plan({ rows: 4, devices: 'cpu' });
    const older = { ...plan, data: plan.data && { ...plan.data, tensors: plan.data.tensors.map(({ labels: _, ...t }) => t) } };
    await using(older, (model) => model.setData(bad));
  });
});

describe('what is no list of numbers', () => {
  const program = compile('layer Linear(2, 1); loss mse; optim sgd lr=0.1; train steps=4 batch=2');
  const plan = program.plan({ rows: 2, devices: 'cpu' });
  const FLAT = '\n  help: it takes all rows in one flat array';
  const FINITE = '\n  help: it takes finite numbers';

  it.each([
    [
      [
        [1, 2],
        [3, 4],
      ],
      `NN303: 'x' holds the object 1,2 at element 0${FLAT}`,
    ],
    [[[1], [2], [3], [4]], `NN303: 'x' holds the object 1 at element 0${FLAT}`],
    [[Float32Array.of(1, 2), Float32Array.of(3, 4)], `NN303: 'x' holds the object 1,2 at element 0${FLAT}`],
    [[1, null, 3, 4], `NN303: 'x' holds null at element 1 (row 1, column 2)${FINITE}`],
    [[1, 2, '3', 4], `NN303: 'x' holds the string 3 at element 2 (row 2, column 1)${FINITE}`],
    [[1, 2, 3, NaN], `NN303: 'x' holds NaN at element 3 (row 2, column 2)${FINITE}`],
    [Float32Array.of(1, 2, 3, NaN), `NN303: 'x' holds NaN at element 3 (row 2, column 2)${FINITE}`],
    [Float64Array.of(1, 2, NaN, 4), `NN303: 'x' holds NaN at element 2 (row 2, column 1)${FINITE}`],
    [Float32Array.of(1, -Infinity, 3, 4), `NN303: 'x' holds -Infinity at element 1 (row 1, column 2)${FINITE}`],
    [[1, 2, 3, 1e39], "NN303: 'x' holds 1e+39 at element 3 (row 2, column 2)\n  help: it takes float32, which ends at 3.4e38"],
    [BigInt64Array.of(1n, 2n, 3n, 4n), `NN303: 'x' holds the bigint 1 at element 0 (row 1, column 1)${FINITE}`],
    [new ArrayBuffer(16), "NN304: 'x' is no array of numbers"],
    [new DataView(new ArrayBuffer(16)), "NN304: 'x' is no array of numbers"],
    [new Set([1, 2]), "NN304: 'x' is no array of numbers"],
    [3, "NN304: 'x' is no array of numbers"],
  ])('%s is refused by plan, setData and predict', async (given, text) => {
    const values = given as unknown as number[];
    const data = { x: values, y: [1, 2] };
    expect(await wrong(() => program.plan({ data }))).toBe(text);
    await using(plan, async (model) => {
      expect(await wrong(() => model.predict({ x: values }))).toBe(text);
      if (ArrayBuffer.isView(given) || Array.isArray(given)) expect(await wrong(() => model.predict(values))).toContain(text.slice(0, 6));
      expect(await wrong(() => model.setData(data))).toBe(text);
    });
  });

  it('is refused in targets, where more is added, held out, and where a source of rows gives it', async () => {
    const [x, y] = [Float32Array.of(1, 2, 3, 4), Float32Array.of(1, NaN)];
    const text = `NN303: 'y' holds NaN at element 1 (row 2)${FINITE}`;
    expect(await wrong(() => program.plan({ data: { x, y } }))).toBe(text);
    await using(plan, async (model) => expect(await wrong(() => model.setData({ x, y }))).toBe(text));
    await using(program.plan({ capacity: 9, devices: 'cpu' }), async (model) => {
      model.setData({ x: [1, 2], y: [1] });
      expect(await wrong(() => model.addData({ x, y }))).toBe(text);
      expect(model.rows).toBe(1);
    });
    const split = compile('data "t.csv" split=0.5 hold=last\nlayer Linear(2, 1); loss mse; optim sgd lr=0.1; train steps=4 batch=2');
    const data = readData(split, new TextEncoder().encode('a,b,y\n1,2,1\n3,4,1\n1,2,1\n3,4,1\n'), { name: 't.csv' });
    const source: Rows = { length: 2, read: (which, out, at) => Array.from(which).forEach((row, i) => (out[at + i] = y[row] ?? 0)) };
    await using(split.plan({ data, devices: 'cpu' }), async (model) => {
      expect(await wrong(() => model.evaluate())).toBe(
        'NN305: there are no held-out examples on the device\n  help: call setHoldout first',
      );
      for (const targets of [y, source]) expect(await wrong(() => model.setHoldout({ x, y: targets }))).toBe(text);
    });
    const four: Rows = { length: 4, read: (which, out, at) => Array.from(which).forEach((row, i) => (out[at + i] = row === 3 ? NaN : 1)) };
    await using(program.plan({ rows: 4, resident: 8, devices: 'cpu' }), async (model) => {
      model.setData({ x: [1, 2, 3, 4, 5, 6, 7, 8], y: four });
      expect(await wrong(() => model.train())).toBe(text.replace('1 (row 2)', '3 (row 4)'));
    });
  });

  it('is no example either', async () => {
    await using(plan, async (model) => {
      for (const none of [[], new Float32Array(0)])
        expect(await wrong(() => model.predict(none))).toBe('NN304: there is no example to predict');
      expect(await wrong(() => model.predict({ x: undefined as unknown as number[] }))).toContain("NN304: 'x' is missing");
      expect((await model.predict([1, 2, 3, 4])).shape).toEqual([2, 1]);
    });
  });
});

it('an input that the output does not depend on says how many examples there are', async () => {
  const program = compile('input x: [2]\nparam b: [3]\nblock F() { x[:, 0:1] * 0 + b }\nlayer F()');
  await using(program.plan({ devices: 'cpu' }), async (model) => {
    const { shape, data } = await model.predict([1, 2, 3, 4, 5, 6]);
    expect([shape, data.length]).toEqual([[3, 3], 9]);
    expect(await wrong(() => model.predict([1, 2, 3]))).toBe('NN304: 3 numbers are no whole number of examples of 2');
  });
});
