import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { SMALL_EXAMPLES } from '../support/examples.ts';
import { gradcheck, gradcheckEffort } from '../../src/gradcheck.ts';
import { VJP, type VjpTable } from '../../src/autodiff/vjp.ts';
import { renderAll } from '../../src/base/diagnostics.ts';
import { UserError } from '../../src/base/errors.ts';
import { gradcheckCommand } from '../../src/cli/commands/gradcheck.ts';
import { verify } from '../../src/cli/commands/verify.ts';
import { openProgram } from '../../src/cli/program.ts';
import { nnc, temporary } from '../support/cli.ts';

describe('nnc check', () => {
  it.each(SMALL_EXAMPLES)('%s', async (file) => {
    const r = await nnc('check', `examples/${file}`);
    expect(r.code, r.stderr).toBe(0);
    await expect(r.stdout).toMatchFileSnapshot(join(import.meta.dirname, 'golden', `check-${file.replace('.nn', '.txt')}`));
  });

  it('counts parameters that the program declares itself', async () => {
    const file = join(temporary(), 'p.nn');
    writeFileSync(
      file,
      'param w: [3, 4] = zeros\nparam b = 0.5\ninput x: [3]\ntarget y: [1]\nlayer tanh(x @ w + b) -> Linear(4, 1)\nloss mean((pred - target)^2)\n',
    );
    const { stdout, stderr } = await nnc('check', file);
    expect(stdout, stderr).toContain('18 parameters');
    expect(stdout).toMatch(/^w +param +\[3, 4\] +12 +0$/m);
    expect(stdout).toMatch(/^b +param +\[\] +1 +0$/m);
    expect(stdout).toMatch(/^ +total +18 +\d+$/m);
  });

  it.each([
    ['loss mse', 'an optimizer is'],
    ['optim adam', 'a loss is'],
    ['', 'a loss and an optimizer are'],
  ])('says what is missing to train beside %j', async (line, what) => {
    const file = join(temporary(), 'p.nn');
    writeFileSync(file, `layer Linear(3, 1)\n${line}\n`);
    expect((await nnc('check', file)).stdout).toContain(`predicts only: ${what} needed to train`);
  });

  it('tells the parameters, dispatches and bytes of the house', async () => {
    const { stdout } = await nnc('check', 'examples/house.nn');
    expect(stdout).toContain('49 parameters');
    expect(stdout).toMatch(/per step: [1-8] dispatches/);
    expect(stdout).toMatch(/device memory: [\d,]+ bytes/);
  });
});

describe('nnc gradcheck', () => {
  it.each(SMALL_EXAMPLES)('passes for %s', async (file) => {
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

  it('ends with an error at the line of every parameter whose gradient is wrong', async () => {
    const right = VJP.tanh;
    vi.spyOn(VJP, 'tanh').mockImplementation((cx, ct) => right(cx, ct).map((g) => g && cx.b.op('neg', g)));
    vi.spyOn(process.stdout, 'write').mockReturnValue(true);
    const error = await gradcheckCommand('examples/moons.nn', {}).catch((e: unknown) => e);
    vi.restoreAllMocks();
    expect(error).toBeInstanceOf(UserError);
    expect(renderAll((error as UserError).diagnostics)).toMatchInlineSnapshot(`
      "error[NN701]: the gradient check failed
       --> examples/moons.nn:4:7
        |
      4 | layer Linear(2, width) -> tanh -> Linear(width, width) -> gelu -> Linear(width, 2)
        |       ^^^^^^^^^^^^^^^^ the gradient of '0.weight' along element 21 is -0.0120434, and differences give 0.0120434 (parameters random)
        |
        = help: if the program uses only what the language offers, this is a bug in nnc: please report it

      error[NN701]: the gradient check failed
       --> examples/moons.nn:4:7
        |
      4 | layer Linear(2, width) -> tanh -> Linear(width, width) -> gelu -> Linear(width, 2)
        |       ^^^^^^^^^^^^^^^^ the gradient of '0.bias' along element 15 is -0.00557878, and differences give 0.00557878 (parameters as it starts)
        |
        = help: if the program uses only what the language offers, this is a bug in nnc: please report it"
    `);
  });

  it('shows both numbers, how far they are apart and how far they may be, in a hundred columns', async () => {
    const { stdout } = await nnc('gradcheck', 'examples/blocks.nn');
    const number = String.raw`-?\d\.\d{4}e[-+]\d+`;
    const small = String.raw`(0|\d\.\de[-+]\d+)`;
    expect(stdout).toMatch(
      new RegExp(
        String.raw`^body\.0\.mlp\.up\.weight +\d+ at \d +\d+ +${number} +${number} +${small} +${small} +(rounding|curvature)`,
        'm',
      ),
    );
    expect(Math.max(...stdout.split('\n').map((l) => l.length))).toBeLessThanOrEqual(100);
  });

  it.each([
    ['log(0 * pred - 1)', 'the loss is not a number at any place that was tried'],
    ['sqrt(abs(0 * pred))', 'the loss has no slope that is a number at any place that was tried'],
  ])('tells a loss that is no number from one that has no slope: %s', async (loss, why) => {
    const file = join(temporary(), 'p.nn');
    writeFileSync(file, `layer Linear(2, 1, bias=false)\nloss mean(${loss})\n`);
    const error: unknown = await gradcheckCommand(file, {}).catch((e: unknown) => e);
    expect(error instanceof UserError && error.diagnostics[0]?.label).toBe(`the gradient of '0.weight' cannot be checked: ${why}`);
  });

  it('counts gradients that are NaN where the loss has a slope, and fails', async () => {
    const file = join(temporary(), 'p.nn');
    writeFileSync(file, 'fn f(h) = where(h > 0, sqrt(abs(h)), exp(h))\nlayer Linear(2, 3) -> f -> Linear(3, 1)\nloss mse\n');
    const { stdout, stderr, code } = await nnc('gradcheck', file);
    expect(stdout).toContain('2 of 4 gradients are NaN at some places; the other 2 agree with float64 differences');
    expect(stdout).not.toContain('all 4 gradients');
    expect(stderr).toContain("the gradient of '0.weight' is no number at some places: the gradient is NaN along a random direction");
    expect(stderr).toContain('keep roots, logarithms and divisors away from 0');
    expect(code).toBe(1);
  });

  it('names the loss where there are several', async () => {
    const { stdout, code } = await nnc('gradcheck', 'test/parity/programs/gan.nn');
    expect(code).toBe(0);
    expect(stdout).toMatch(/^parameter +of the loss +tried/m);
    expect(stdout).toMatch(/^gen\.0\.weight +bce_with_logits\(dis… +\d+ at \d/m);
    expect(stdout).toContain('all 9 gradients agree');
  });

  it('says before it starts where it tries a part only', async () => {
    const { model } = await openProgram('bench/programs/D.nn');
    if (!model.training) throw new Error('no loss');
    const plan = gradcheckEffort(model, model.training, Infinity);
    expect(plan.sampled).toBe(true);
    expect(plan.seconds).toBeLessThan(40);
    expect(plan.effort.params).toBeUndefined();
    const r = await nnc('gradcheck', 'bench/programs/C.nn');
    expect(r.stderr).toMatch(/^20,490 parameters in 6 tensors: of each, 1 direction.* at \d places? with \d examples/m);
    expect(r.stdout).toContain('all 6 gradients agree');
  });
});

describe('nnc verify', () => {
  it.each(['house', 'moons', 'blocks', 'robust'])('agrees with the reference for %s.nn', async (name) => {
    const r = await nnc('verify', `examples/${name}.nn`);
    expect(r.stdout, r.stderr).toContain('every kernel agrees with the float64 reference');
    expect(r.stdout).toMatch(/train +-O 1 +gpu/);
    expect(r.code).toBe(0);
  });
});

describe('nnc verify, with every optimizer', () => {
  afterEach(() => void vi.restoreAllMocks());
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
    const written = vi.spyOn(process.stdout, 'write').mockReturnValue(true);
    await verify(file, { device: 'auto' });
    expect(written.mock.calls.flat().join('')).toContain('every kernel agrees with the float64 reference');
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
