import { join } from 'node:path';
import { expect, it } from 'vitest';
import { UserError } from '../../src/base/errors.ts';
import * as data from '../../src/exports/data.ts';
import * as nnc from '../../src/exports/nnc.ts';
import * as pictures from '../../src/exports/pictures.ts';
import * as runtime from '../../src/exports/runtime.ts';
import { nnc as plugin } from '../../src/exports/vite.ts';
import * as worker from '../../src/exports/worker.ts';

/** Calls from JavaScript, where nobody checks the types: whatever is given, the error is one of the library, in words of the call. */

const GOLDEN = join(import.meta.dirname, '..', 'golden', 'wrong-calls.txt');
const LINE = 'layer Linear(1, 1); loss mse; optim sgd lr=0.01; train steps=4 batch=2';
const bytes = new TextEncoder().encode('a,b\n1,2\n3,4\n1,2\n3,4\n');
const program = nnc.compile(`data "t.csv" x=a y=b split=0.5\n${LINE}`);
const trained = nnc.compile(`${LINE}; print 1`);
const text = nnc.compile(
  'input t: int[8]\nlayer Embedding(5, 8) -> Linear(8, 5)\nloss cross_entropy; optim sgd lr=0.01; train steps=4 batch=2',
);
const name = { name: 't.csv' };
const examples = data.readData(program, bytes, name);
const plan = program.plan({ data: examples, devices: 'cpu', watch: ['pred'] });

/** `never` is what every parameter takes. */
type Call = (given: never) => unknown;
type Method = (...given: unknown[]) => unknown;

const calls: Readonly<Record<string, Call>> = {
  'render(?)': (v) => nnc.render(v),
  'renderAll(?)': (v) => nnc.renderAll(v),
  'compile(?)': (v) => nnc.compile(v),
  'compile(text, ?)': (v) => nnc.compile(LINE, v),
  'compile(text, { name: ? })': (v) => nnc.compile(LINE, { name: v }),
  'compile(text, { files: ? })': (v) => nnc.compile(LINE, { files: v }),
  'formatText(?)': (v) => nnc.formatText(v),
  'printsOf(?)': (v) => nnc.printsOf(v),
  'printsOf(program, ?)': (v) => nnc.printsOf(trained, v),
  'printsOf(program, { data: ? })': (v) => nnc.printsOf(trained, { data: v }),
  'printsOf(program, { weights: ? })': (v) => nnc.printsOf(trained, { weights: v }),
  'dumpOf(?)': (v) => nnc.dumpOf(v, 'plan'),
  'dumpOf(program, ?)': (v) => nnc.dumpOf(program, v),
  'dumpOf(program, stage, ?)': (v) => nnc.dumpOf(program, 'plan', v),
  'stagesOf(?)': (v) => nnc.stagesOf(v),
  'stagesOf(program, ?)': (v) => nnc.stagesOf(program, v),
  'declarationsOf(?)': (v) => nnc.declarationsOf(v),
  'declarationsOf(model, ?)': (v) => program.model && nnc.declarationsOf(program.model, v),
  'program.plan(?)': (v) => program.plan(v),
  'program.plan({ data: ? })': (v) => program.plan({ data: v }),
  'program.plan({ adapter: ? })': (v) => program.plan({ adapter: v }),
  'program.plan({ watch: ? })': (v) => program.plan({ rows: 2, watch: v }),
  'program.plan({ watch: [?] })': (v) => program.plan({ rows: 2, watch: [v] }),
  'readTensors(?)': (v) => data.readTensors(v),
  'writeTensors(?)': (v) => data.writeTensors(v),
  'writeTensors({ a: ? })': (v) => data.writeTensors({ a: v }),
  'readLearned(?)': (v) => data.readLearned(v),
  'drawnData(?)': (v) => data.drawnData(v),
  'loadData(?)': (v) => data.loadData(v, bytes, name),
  'loadData(program, ?)': (v) => data.loadData(program, v, name),
  'loadData(program, bytes, ?)': (v) => data.loadData(program, bytes, v),
  'readData(?)': (v) => data.readData(v, bytes, name),
  'readData(program, ?)': (v) => data.readData(program, v, name),
  'readData(program, bytes, ?)': (v) => data.readData(program, bytes, v),
  'readData(program, bytes, { name: ? })': (v) => data.readData(program, bytes, { name: v }),
  'readImageData(?)': (v) => data.readImageData(v, []),
  'readImageData(program, ?)': (v) => data.readImageData(program, v),
  'readImageData(program, [?])': (v) => data.readImageData(program, [v]),
  'torchStart(?)': (v) => data.torchStart(v),
  'suggestProgram(?)': (v) => data.suggestProgram(v, bytes),
  'suggestProgram(path, ?)': (v) => data.suggestProgram('a.csv', v),
  'suggestProgram(path, bytes, ?)': (v) => data.suggestProgram('a.csv', bytes, v),
  'load(?)': (v) => runtime.load(v as unknown),
  'load(plan, ?)': (v) => runtime.load(plan, v),
  'load(plan, { device: ? })': (v) => runtime.load(plan, { device: v }),
  'load(plan, { weights: ? })': (v) => runtime.load(plan, { device: 'cpu', weights: v }),
  'load(plan, { data: ? })': (v) => runtime.load(plan, { device: 'cpu', data: v }),
  'load(plan, { gpu: ? })': (v) => runtime.load(plan, { gpu: v as unknown }),
  'generate(?)': (v) => runtime.generate(v, 'a', { tokens: 1 }).next(),
  'probabilities(?)': (v) => runtime.probabilities(v),
  'trainJudged(?)': (v) => runtime.trainJudged(v, 1, {}),
  'connect(?)': (v) => worker.connect(v, plan),
  'connect(port, plan, ?)': (v) => Promise.race([worker.connect({ postMessage: () => undefined, on: () => undefined }, plan, v), 'asked']),
  'serve(?)': (v) => worker.serve((v as unknown) === undefined ? (null as never) : v),
  'nnc(?) of nnc/vite': (v) => plugin(v),
  ...Object.fromEntries(
    Object.entries(pictures)
      .filter(([n]) => n !== 'Curve')
      .map(([n, draw]) => [`${n}(?)`, (v: never) => (draw as Method)(v)]),
  ),
};

/** Calls of a model. */
const methods: Readonly<Record<string, (model: runtime.Model, given: never) => unknown>> = {
  'model.setData(?)': (m, v) => m.setData(v),
  'model.setData({ x: ?, y })': (m, v) => m.setData({ x: v, y: [1, 2] }),
  'model.addData(?)': (m, v) => m.addData(v),
  'model.setHoldout(?)': (m, v) => m.setHoldout(v),
  'model.train(?)': (m, v) => m.train(v),
  'model.train({ until: ? })': (m, v) => m.train({ until: v }),
  'model.predict(?)': (m, v) => m.predict(v),
  'model.predict({ x: ? })': (m, v) => m.predict({ x: v }),
  'model.scoresAfter(?)': (m, v) => m.scoresAfter(v),
  'model.watch(?)': (m, v) => m.watch(v),
  'model.watch([?])': (m, v) => m.watch([v]),
  'model.set(?)': (m, v) => m.set(v),
  'model.set({ lr: ? })': (m, v) => m.set({ lr: v }),
  'model.reset(?)': (m, v) => m.reset(v),
  'model.read(?)': (m, v) => m.read(v),
  'model.setWeights(?)': (m, v) => m.setWeights(v),
  "model.setWeights({ '0.weight': ? })": async (m, v) => m.setWeights({ ...(await m.weights()), '0.weight': v }),
  'model.restore(?)': (m, v) => m.restore(v),
  'model.restore({ seed: ? })': async (m, v) => m.restore({ ...(await m.state()), seed: v }),
  'model.restore({ tensors: ? })': (m, v) => m.restore({ step: 0, seed: 0, tensors: v }),
  'trainJudged(model, steps, ?)': (m, v) => runtime.trainJudged(m, 1, v),
  'generate(model, ?)': (m, v) => runtime.generate(m, v, { tokens: 1 }).next(),
  "generate(model, 'a', ?)": (m, v) => runtime.generate(m, 'a', v).next(),
};

const WRONG: readonly unknown[] = [null, undefined, 5, 'x', {}, [], true, () => 1];
const shown = (v: unknown): string => (typeof v === 'function' ? '() => 1' : (JSON.stringify(v) ?? 'undefined'));

async function said(call: () => unknown): Promise<string> {
  try {
    await call();
    return 'is taken';
  } catch (e) {
    if (e instanceof UserError || e instanceof runtime.DeviceError) return e.message.replaceAll('\n', '\n      ');
    return `FAILS IN ${String(e)}`;
  }
}

it('have an error of the library, and none of JavaScript', async () => {
  const model = await runtime.load(plan, { device: 'cpu', data: examples });
  const scores = await runtime.load(text.plan({ generate: true, devices: 'cpu' }), { device: 'cpu' });
  // Those of text ask the model that makes text.
  const ofModel = Object.entries(methods).map(([n, call]): [string, Call] => [
    n,
    (v) => call(/scoresAfter|generate/.test(n) ? scores : model, v),
  ]);
  const lines: string[] = [];
  for (const [n, call] of [...Object.entries(calls), ...ofModel]) {
    lines.push(n);
    // The same words are written once for all values that have them.
    const by = new Map<string, string[]>();
    for (const v of WRONG) {
      const words = (await said(() => call(v as never))).replaceAll(
        /this is (null|undefined|5|true|x|some object|a list|some function)$/gm,
        'this is ...',
      );
      by.set(words, [...(by.get(words) ?? []), shown(v)]);
    }
    for (const [words, values] of by) lines.push(`  ${values.join(', ')}: ${words}`);
  }
  const all = `${lines.join('\n')}\n`;
  expect(all).not.toContain('FAILS IN');
  await expect(all).toMatchFileSnapshot(GOLDEN);
  // The model is as it was.
  expect((await model.train({ until: model.step + 1 })).outcome).toMatch(/done|paused/);
  model.destroy();
  scores.destroy();
});

it.each([
  [{}, 4],
  [{ until: 3 }, 3],
  [{ until: 100 }, 4],
  [{ steps: 6 }, 6],
])('trainJudged with %j ends after %i steps', async (options, steps) => {
  const model = await runtime.load(plan, { device: 'cpu', data: examples });
  const judged: number[] = [];
  const { steps: done } = await runtime.trainJudged(model, 1, {
    ...options,
    evaluateAt: (step) => step + 2,
    onEvaluation: ({ step }) => void judged.push(step),
  });
  expect([done, model.step, judged.at(-1)]).toEqual([steps, steps, steps]);
  model.destroy();
});
