import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readSafetensors } from '../../src/data/safetensors.ts';
import { TorchRandom } from '../../src/base/torch-random.ts';
import { count } from '../../src/base/types.ts';
import { nnc } from '../support/cli.ts';
import { model } from '../support/programs.ts';

const folder = mkdtempSync(join(tmpdir(), 'nnc-run-'));
const file = (name: string, text: string): string => {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
};

describe('nnc run', () => {
  it.each([
    ['1-neuron', ['tip 7.6', 'neuron 7.6', 'loss 0.36']],
    ['2-tensors', ['[5, 7, 9]', '[4, 10, 18]', '32', '[[19, 22],\n [43, 50]]']],
    ['3-autograd', ['dy/dx = 2*x + 2\n      = 8', 'd^2y/dx^2 = 2']],
    ['4-five-steps', ['loss 18.66667', '= -18.66667', '2 times 5 is about 10']],
  ])('tells chapter %s', async (name, lines) => {
    const { code, stdout } = await nnc('run', `examples/tutorial/${name}.nn`);
    expect(code).toBe(0);
    for (const line of lines) expect(stdout).toContain(line);
  });

  it.each(['gpu', 'cpu'])("prints PyTorch's log of the tutorial on the %s", async (device) => {
    const { stdout } = await nnc('run', 'examples/tutorial/house.nn', '--rng', 'torch', '--device', device);
    const rows = [...stdout.matchAll(/^ +(\d+) +([\d.]+)$/gm)].map((m) => [Number(m[1]), Number(m[2])]);
    const want = [405237.3, 328548.5, 112948.4, 11098.2, 2950.3];
    expect(rows.map((r) => r[0])).toEqual([0, 100, 200, 300, 400, 499]);
    want.forEach((w, i) => expect(Math.abs((rows[i]?.[1] ?? NaN) - w) / w).toBeLessThan(2e-5));
    expect(Number(/costs ([\d.]+)/.exec(stdout)?.[1])).toBeCloseTo(654.1, 1);
  });

  it('reads imports from beside the file, and says what is missing', async () => {
    file('blocks.nn', 'let width = 4\nblock Mlp(d) { Linear(d, width) -> relu -> Linear(width, 1) }\n');
    const good = file('main.nn', 'import "blocks.nn"\ninput x: [2]\nlayer Mlp(2)\nprint predict([0, 0]) == predict([0, 0])\n');
    expect((await nnc('check', good)).stdout).toContain('17 parameters');
    const bad = await nnc('check', file('bad.nn', 'import "nowhere.nn"\nlayer Linear(1, 1)\n'));
    expect(bad.code).toBe(1);
    expect(bad.stderr).toContain('nowhere.nn cannot be read: it does not exist');
    const wrong = await nnc('check', file('wrong.nn', 'import "main.nn"\nlayer Linear(1, 1)\n'));
    expect(wrong.stderr).toContain('error[NN218]');
  });

  it('trains a program of one line', async () => {
    const { stdout } = await nnc(
      'run',
      file('line.nn', 'data n=4 { x = uniform(); y = x }; layer Linear(1,1); loss mse; optim sgd; train steps=3; print predict(0) < 9\n'),
      '--device',
      'cpu',
    );
    expect(stdout).toMatch(/done: 3 steps[\s\S]*\n1\n$/);
  });

  it('has nothing to run where nothing is asked', async () => {
    const { code, stderr } = await nnc('run', file('empty.nn', 'layer Linear(1, 1)\n'));
    expect([code, stderr]).toEqual([1, expect.stringContaining('has nothing to run')]);
    const script = await nnc('train', 'examples/tutorial/2-tensors.nn');
    expect([script.code, script.stderr]).toEqual([1, expect.stringContaining('has print lines and no model')]);
  });
});

describe('metrics, held-out examples and normalised inputs', () => {
  it('are in the table, in the log and in the weights', async () => {
    const program = file(
      'split.nn',
      'data n=60 seed=3 normalize split=0.75 { x = 1000 + 100*normal(); y = (x - 1000)/50 }\nlayer Linear(1, 8) -> tanh -> Linear(8, 1)\nloss mse\nmetric mae\nmetric r2\noptim adam lr=0.05\ntrain epochs=60 batch=15 shuffle seed=1\n',
    );
    const [log, weights] = [join(folder, 'log.jsonl'), join(folder, 'w.safetensors')];
    const { code, stdout } = await nnc('train', program, '--log', log, '--save', weights, '--device', 'cpu');
    expect(code).toBe(0);
    expect(stdout).toMatch(/epoch +loss +mae +r2 +held-out loss +held-out mae +held-out r2/);
    const last = Number(/held out: loss ([\d.e-]+)/.exec(stdout)?.[1]);
    expect(last).toBeLessThan(0.5);
    const lines = readFileSync(log, 'utf8')
      .trim()
      .split('\n')
      .map((l) => JSON.parse(l) as Record<string, unknown>);
    expect(Object.keys(lines[0] ?? {})).toEqual(['step', 'loss', 'mae', 'r2', 'lr', 'time']);
    expect(lines[0]?.['lr']).toBe(0.05);
    // Values of the holdout are on the line of the step that they were taken after: the last one of the first epoch, and of the last.
    expect(lines.flatMap((l) => ('held_out' in l ? [l['step']] : []))).toEqual([2, 38, 74, 110, 146, 179]);
    expect(lines[179]?.['held_out']).toMatchObject({ loss: expect.closeTo(last, 4) as number });
    const tensors = readSafetensors(readFileSync(weights), 'w');
    expect(Math.abs((tensors.get('normalize.mean')?.data[0] ?? 0) - 1000)).toBeLessThan(50);
    const predicted = await nnc('predict', program, '--weights', weights, '--input', '1100', '--device', 'cpu');
    expect(Math.abs(Number(predicted.stdout) - 2)).toBeLessThan(0.5);
  });

  it('running statistics are saved by PyTorch’s names and used to predict', async () => {
    const program = file(
      'bn.nn',
      'data n=64 seed=5 { x = 3 + 2*normal(); y = x }\nlayer BatchNorm1d(1) -> Linear(1, 1)\nloss mse\noptim sgd lr=0.1\ntrain steps=200 seed=2\n',
    );
    // Sums that cancel behind the norm are rounded like their terms.
    expect((await nnc('verify', program)).code).toBe(0);
    const values: number[][] = [];
    for (const device of ['gpu', 'cpu']) {
      const weights = join(folder, `bn-${device}.safetensors`);
      expect((await nnc('train', program, '--save', weights, '--device', device)).code).toBe(0);
      const t = readSafetensors(readFileSync(weights), 'w');
      expect([...t.keys()].sort()).toEqual(
        ['0.num_batches_tracked', '0.weight', '0.bias', '1.weight', '1.bias', '0.running_mean', '0.running_var'].sort(),
      );
      values.push([t.get('0.running_mean')?.data[0] ?? NaN, t.get('0.running_var')?.data[0] ?? NaN]);
      const { stdout } = await nnc('predict', program, '--weights', weights, '--input', '5', '--device', device);
      expect(Math.abs(Number(stdout) - 5)).toBeLessThan(0.3);
    }
    expect(Math.abs((values[0]?.[0] ?? 0) - 3)).toBeLessThan(0.8);
    values[0]?.forEach((v, i) => expect(Math.abs(v - (values[1]?.[i] ?? NaN))).toBeLessThan(1e-4));
  });

  it('shuffles with --rng torch alike on both devices', async () => {
    const program = file(
      'order.nn',
      'data n=10 { x = uniform(); y = x }\nlayer Linear(1, 1)\nloss mse\noptim sgd lr=0.1\ntrain epochs=3 batch=4 shuffle seed=7\n',
    );
    const [a, b] = [
      await nnc('train', program, '--rng', 'torch', '--device', 'cpu'),
      await nnc('train', program, '--rng', 'torch', '--device', 'gpu'),
    ];
    const loss = (text: string): string => /last loss (\S+)/.exec(text)?.[1] ?? '';
    expect(Math.abs(Number(loss(a.stdout)) - Number(loss(b.stdout)))).toBeLessThan(1e-5);
  });
});

describe("PyTorch's generator", () => {
  it('is mt19937: the first words of seed 5489 are those of its authors', () => {
    const r = new TorchRandom(5489);
    expect([r.bits(), r.bits(), r.bits()]).toEqual([3499211612, 581869302, 3890346734]);
    for (let i = 3; i < 9999; i++) r.bits();
    expect(r.bits()).toBe(4123659995);
  });

  it('draws torch.rand of seed 42', () => {
    const want = [0.8823, 0.915, 0.3829, 0.9593];
    [...new TorchRandom(42).uniform(4, 0, 1)].forEach((v, i) => expect(v).toBeCloseTo(want[i] ?? 0, 4));
  });

  it('draws every normal number once, and permutations that hold all places', () => {
    for (const n of [5, 16, 37]) {
      const values = new TorchRandom(1).normal(n, 2, 0.5);
      expect(new Set(values).size).toBe(n);
      expect(values.every((v) => Math.abs(v - 2) < 4)).toBe(true);
    }
    expect([...new TorchRandom(3).permutation(50)].sort((a, b) => a - b)).toEqual(Array.from({ length: 50 }, (_, i) => i));
  });
});

describe('nnc grad and nnc fmt', () => {
  it('prints derivatives as they are derived and simplified, and as LaTeX', async () => {
    const path = file('curve.nn', 'param x = 3.0\nparam a = 2.0\nlet y = x^3 - 2*x/a + exp(a*x)\nprint y\n');
    const { stdout } = await nnc('grad', path, '--of', 'y', '--wrt', 'x');
    expect(stdout.split('# simplified\n')[1]?.trim()).toBe('dy/dx = 3*x^2 + a*exp(a*x) - 2/a');
    const latex = await nnc('grad', path, '--latex', '--wrt', 'a');
    expect(latex.stdout).toContain('\\frac{\\partial y}{\\partial a}');
    const layer = await nnc('grad', 'examples/house.nn');
    expect(layer.stdout).toContain('dloss/d2.weight');
    expect(layer.stdout).toMatch(/@ 2\.weight\^T/);
    expect(layer.stdout).toContain('[B, 16]');
    const wrong = await nnc('grad', path, '--wrt', 'b');
    expect([wrong.code, wrong.stderr]).toEqual([1, expect.stringContaining("there is no 'b'")]);
  });

  it('the prediction has a name, and no gradient while it is many numbers', async () => {
    const r = await nnc('grad', 'examples/house.nn', '--of', 'pred', '--wrt', 'x');
    expect([r.code, r.stderr]).toEqual([
      1,
      expect.stringContaining("'pred' is no single number, so it has no gradient\n  = help: differentiate its sum or its mean"),
    ]);
    const wrong = await nnc('grad', 'examples/house.nn', '--of', 'prde');
    expect(wrong.stderr).toContain("there is no 'prde'");
  });

  it('check says which data are not there', async () => {
    const path = file(
      'absent.nn',
      'input x: [1, 4, 4]\ndata "photos"\nlayer flatten -> Linear(16, 2)\nloss cross_entropy\noptim sgd\ntrain\n',
    );
    const { stdout } = await nnc('check', path);
    expect(stdout).toMatch(/examples \(assumed; .*photos does not exist\)/);
  });

  it('formats in place, and --check fails for what is not formatted', async () => {
    const path = file('messy.nn', 'layer  Linear( 1,1 )   # one\n');
    const before = await nnc('fmt', '--check', path);
    expect([before.code, before.stderr]).toEqual([
      1,
      expect.stringContaining('error[NN704]: a file is not formatted\n  = not formatted: '),
    ]);
    expect((await nnc('fmt', path)).stdout).toContain('1 of 1 changed');
    expect(readFileSync(path, 'utf8')).toBe('layer Linear(1, 1)  # one\n');
    expect((await nnc('fmt', '--check', path)).code).toBe(0);
    const broken = file('broken.nn', 'layer Linear(1\n');
    expect((await nnc('fmt', broken)).code).toBe(1);
    expect(readFileSync(broken, 'utf8')).toBe('layer Linear(1\n');
  });
});

describe('large models', () => {
  it.each([
    ['resnet18', 11_689_512],
    ['unet', 31_043_521],
    ['gpt2', 163_037_184],
  ])('%s has as many parameters as its original', (name, parameters) => {
    const { params } = model(readFileSync(`examples/large/${name}.nn`, 'utf8')).model;
    expect(params.reduce((n, p) => n + count(p.shape), 0)).toBe(parameters);
  });

  it.each([
    ['resnet18', '11,689,512 parameters'],
    ['gpt2', '163,037,184 parameters'],
  ])('nnc check compiles %s for training', async (name, parameters) => {
    const { code, stdout } = await nnc('check', `examples/large/${name}.nn`);
    expect(code).toBe(0);
    expect(stdout).toContain(parameters);
    expect(stdout).toMatch(/device memory: [\d,]+ bytes/);
  });

  it('prints weights, activations, the loss and gradients of the model, before and after training', async () => {
    const program = file(
      'inside.nn',
      'data n=8 seed=2 { x = uniform(-1, 1); y = 2*x + 1 }\nlayer fc1: Linear(1, 1)\nloss mse\noptim sgd lr=0.1\nprint "before", loss, fc1.weight\ntrain epochs=3\nprint "after", loss, fc1.weight\nprint grad(loss, fc1.bias)\nprint pred\n',
    );
    const { stdout, stderr, code } = await nnc('run', program, '--device', 'cpu');
    expect(code, stderr).toBe(0);
    expect(stderr).toContain('such as pred and loss, are those of all training examples');
    const numbers = (name: string): number[] =>
      (new RegExp(`^${name}\\n?\\s*([-\\d.]+)\\s+\\[\\[([-\\d.]+)\\]\\]`, 'm').exec(stdout) ?? []).slice(1).map(Number);
    const [[first = NaN, w0 = NaN], [last = NaN, w3 = NaN]] = [numbers('before'), numbers('after')];
    // The loss before training is that of the first step.
    expect(first).toBeCloseTo(Number(/^ +0 +([\d.]+)$/m.exec(stdout)?.[1]), 4);
    expect(last).toBeLessThan(first);
    expect(w3).not.toBe(w0);
    expect(stdout).toMatch(/^dloss\/dfc1\.bias = \[?-[\d.]+/m);
    expect(stdout).toMatch(/\.\.\. and 2 rows more/);
  });

  it('nnc grad shows every derivative that the file prints', async () => {
    const program = file(
      'several.nn',
      'param x = 3.0\nparam w = 2.0\nlet y = x^2 * w\nlet z = x^3\nprint grad(y, x), grad(z, x)\nprint grad(y, w)\n',
    );
    const { stdout } = await nnc('grad', program);
    expect(stdout.match(/^d.*$/gm)?.filter((l) => !l.includes('where'))).toEqual([
      'dy/dw = x^2',
      'dy/dx = 2*w*x',
      'dy/dw = x^2',
      'dz/dx = 3*x^2',
    ]);
  });
});
