import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { gradcheck } from '../../src/gradcheck.ts';
import { VJP, type VjpTable } from '../../src/autodiff/vjp.ts';
import { openProgram } from '../../src/cli/program.ts';
import { nnc, temporary } from '../support/cli.ts';

const examples = readdirSync('examples').filter((f) => f.endsWith('.nn'));

describe('nnc check', () => {
  it.each(examples)('%s', async (file) => {
    const r = await nnc('check', `examples/${file}`);
    expect(r.code, r.stderr).toBe(0);
    await expect(r.stdout).toMatchFileSnapshot(join(import.meta.dirname, 'golden', `check-${file.replace('.nn', '.txt')}`));
  });

  it('tells the parameters, dispatches and bytes of the house', async () => {
    const { stdout } = await nnc('check', 'examples/house.nn');
    expect(stdout).toContain('49 parameters');
    expect(stdout).toMatch(/per step: [1-8] dispatches/);
    expect(stdout).toMatch(/device memory: [\d,]+ bytes/);
  });
});

describe('nnc gradcheck', () => {
  it.each(examples)('passes for %s', async (file) => {
    const r = await nnc('gradcheck', `examples/${file}`);
    expect(r.stdout).toMatch(/all \d+ gradients agree with float64 differences/);
    expect(r.code).toBe(0);
  });

  /** Rules broken on purpose, each in a way that a person could. */
  const broken: [string, Partial<VjpTable>, string[]][] = [
    [
      'a forgotten factor in tanh',
      { tanh: ({ b, out }, ct) => [b.op('mul', ct, b.op('sub', b.like(1, out), out))] },
      ['0.weight', '0.bias'],
    ],
    [
      'a swapped operand in contract',
      { contract: (cx, ct) => VJP.contract(cx, ct).map((g, i) => (i === 1 && g !== null ? cx.b.op('neg', g) : g)) },
      ['0.weight', '2.weight', '4.weight'],
    ],
    [
      'a sum that is a mean',
      { broadcast: (cx, ct) => VJP.broadcast(cx, ct).map((g) => g && cx.b.op('mul', g, cx.b.like(0.5, g))) },
      ['0.bias'],
    ],
  ];
  it.each(broken)('finds %s, and names the parameters and their lines', async (_what, rules, names) => {
    const { model } = await openProgram('examples/moons.nn');
    if (!model.training) throw new Error('no loss');
    const options = { rows: 5, seed: 1 };
    expect(gradcheck(model, model.training, options).every((r) => r.ok)).toBe(true);
    const wrong = gradcheck(model, model.training, { ...options, table: { ...VJP, ...rules } }).filter((r) => !r.ok);
    for (const name of names) expect(wrong.map((r) => r.param.name)).toContain(name);
    for (const r of wrong) expect(r.param.span.source.text.slice(0, r.param.span.start).split('\n')).toHaveLength(4);
  });

  it('counts a kink as right on either side', async () => {
    // |x| at 0: differences give 0, the symbolic gradient is sign(0) = 0, and -1 or 1 would do as well.
    const { check } = await import('../../src/compile.ts');
    const { model } = check({ name: 'kink.nn', text: 'layer Linear(1, 1, bias=false) -> relu; loss mse' });
    if (!model?.training) throw new Error('no loss');
    const [r] = gradcheck(model, model.training, {
      rows: 1,
      seed: 1,
      data: new Map([
        ['x', [0]],
        ['target', [1]],
      ]),
    });
    expect(r?.ok).toBe(true);
  });
});

describe('nnc verify', () => {
  it.each(examples)('agrees with the reference for %s', async (file) => {
    const r = await nnc('verify', `examples/${file}`);
    expect(r.stdout, r.stderr).toContain('every kernel agrees with the float64 reference');
    expect(r.stdout).toMatch(/train +-O 1 +gpu/);
    expect(r.code).toBe(0);
  });
});

describe('nnc verify, with every optimizer', () => {
  it.each([
    'sgd momentum=0.9 nesterov',
    'adam amsgrad',
    'adamw clip=0.1',
    'rmsprop momentum=0.5',
    'adagrad lr_decay=0.1',
    'adafactor weight_decay=0.1',
    'rprop',
    'asgd lambd=0.1',
    'lbfgs history_size=2',
    'lamb lookahead=(2, 0.5) maximize',
    'adamw lr["0.weight"]=0.1 lr[bias]=cosine(1)/10 weight_decay["2.weight"]=0.5 no_decay=bias',
    'sgd lr=plateau(0.1)',
  ])('optim %s', async (optim) => {
    const file = join(temporary(), 'p.nn');
    writeFileSync(file, `layer Linear(3, 5) -> tanh -> Linear(5, 2)\nloss mse\noptim ${optim}\n`);
    const r = await nnc('verify', file);
    expect(r.stdout, r.stderr).toContain('every kernel agrees with the float64 reference');
  });
});

describe('nnc verify, with a last batch of its own', () => {
  it('agrees where the rows do not divide evenly', async () => {
    const r = await nnc('verify', 'examples/moons.nn', '--batch', '150');
    expect(r.stdout, r.stderr).toMatch(/tail +-O 1 +cpu/);
    expect(r.code).toBe(0);
  });
});

describe('nnc doctor', () => {
  it('finds an adapter, tests it, and says what to do next', async () => {
    const r = await nnc('doctor');
    expect(r.code).toBe(0);
    expect(r.stdout).toContain('self-test on gpu: passed');
    expect(r.stdout).toContain('self-test on cpu: passed');
    expect(r.stdout).toMatch(/next: .+/);
  });
});
