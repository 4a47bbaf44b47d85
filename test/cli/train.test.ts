import { spawn } from 'node:child_process';
import { appendFileSync, chmodSync, existsSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { SMALL_EXAMPLES } from '../support/examples.ts';
import { nnc, nncIn, temporary } from '../support/cli.ts';

const losses = (path: string): { step: number; loss: number }[] =>
  readFileSync(path, 'utf8')
    .trim()
    .split('\n')
    .map((l) => {
      const { time: _time, ...line } = JSON.parse(l) as { step: number; loss: number; time: number };
      return line;
    });

describe('nnc train', () => {
  it('trains the tutorial net, prints its table, saves, and predicts a price', async () => {
    const dir = temporary();
    const [weights, log] = [join(dir, 'w.safetensors'), join(dir, 'l.jsonl')];
    const r = await nnc(
      'train',
      'examples/house.nn',
      '--init',
      'test/parity/house/init.safetensors',
      '--save',
      weights,
      '--log',
      log,
      '--device',
      'gpu',
    );
    // With some drivers Dawn has things to say of its own.
    expect(r.stderr.replace(/^Warning: .+\n/gm, '')).toMatch(/^training house on .+: .+\n$/);
    const table = r.stdout
      .split('\n')
      .slice(0, 6)
      .map((line) => line.trim().split(/ +/));
    expect(table.map(([epoch]) => epoch)).toEqual(['epoch', '0', '100', '200', '300', '400']);
    [405237.3, 328548.5, 112948.4, 11098.2, 2950.3].forEach((loss, i) =>
      expect(Math.abs(Number(table[i + 1]?.[1]) - loss)).toBeLessThan(0.2),
    );
    expect(r.stdout).toMatch(/done: 500 steps in .* s \(\d+ steps\/s\), last loss 2561\.2/);
    expect(r.code).toBe(0);
    const lines = losses(log);
    expect(lines).toHaveLength(500);
    expect(lines[0]?.step).toBe(0);
    expect(lines[0]?.loss).toBeCloseTo(405237.28, 0);
    const p = await nnc('predict', 'examples/house.nn', '--weights', weights, '--input', '3.0');
    expect(Number(p.stdout)).toBeCloseTo(654.1019, 1);
  });

  it.each(SMALL_EXAMPLES)('%s learns on the GPU and on the CPU alike', async (file) => {
    const dir = temporary();
    const data = file === 'oneline.nn' ? ['--data', 'examples/house.csv'] : [];
    const runs: number[][] = [];
    for (const device of ['gpu', 'cpu']) {
      const log = join(dir, `${device}.jsonl`);
      const r = await nnc('train', `examples/${file}`, ...data, '--device', device, '--log', log);
      expect(r.code, r.stderr).toBe(0);
      runs.push(losses(log).map((l) => l.loss));
    }
    const [gpu = [], cpu = []] = runs;
    expect(gpu).toHaveLength(cpu.length);
    const tail = gpu.slice(-20).reduce((a, b) => a + b, 0) / 20;
    expect(tail).toBeLessThan((gpu[0] ?? 0) * 0.5);
    for (const i of [0, 1, 2, 10])
      expect(Math.abs((gpu[i] ?? NaN) - (cpu[i] ?? NaN)) / Math.abs(cpu[i] ?? 1), `step ${i}`).toBeLessThan(1e-4);
  });

  it('logs the rate that is in force, also where plateau lowers it on the device', async () => {
    const [dir, log] = [temporary(), join(temporary(), 'l.jsonl')];
    const plateau = 'plateau(0.1, patience=0, threshold=100, threshold_mode=abs, every=2)';
    writeFileSync(join(dir, 'p.nn'), `data n=8 seed=1 { x = uniform(); y = x }\nlayer Linear(1, 1)\nloss mse\noptim sgd lr=${plateau}\n`);
    const run = async (steps: string, ...more: readonly string[]): Promise<void> => {
      const r = await nnc('train', join(dir, 'p.nn'), '--device', 'cpu', '--log', log, '--steps', steps, ...more);
      expect(r.code, r.stderr).toBe(0);
    };
    const ways = ['--checkpoint', join(dir, 'ck')];
    await run('5', ...ways);
    await run('8', ...ways, '--resume');
    const rates = readFileSync(log, 'utf8').trim().split('\n');
    expect(rates.map((l) => (JSON.parse(l) as { readonly lr: number }).lr)).toEqual([0.1, 0.1, 0.1, 0.1, 0.01, 0.01, 0.001, 0.001]);
  });

  it('says that a schedule has come down to nothing long before the end', async () => {
    const dir = temporary();
    const said = async (lr: string): Promise<string> => {
      const path = join(dir, 'p.nn');
      writeFileSync(
        path,
        `data n=8 seed=1 { x = uniform(); y = x }\nlayer Linear(1, 1)\nloss mse\noptim sgd lr=${lr}\ntrain epochs=50 batch=4\n`,
      );
      const r = await nnc('train', path, '--device', 'cpu');
      expect(r.code, r.stderr).toBe(0);
      return r.stderr;
    };
    expect(await said('step(0.1, 7)')).toContain(
      'advice: the learning rate is below 1e-10 from step 70 of 100 on, so that nothing is learned there; schedules count steps, and an epoch has 2 of them\n',
    );
    for (const lr of ['0', 'cosine(0.1)', 'linear(0.1, warmup=9)', 'one_cycle(0.1)', 'step(0.1, 7*2)', 'plateau(0.1)'])
      expect(await said(lr), lr).not.toContain('below');
  });

  it('goes on from a checkpoint with the same bits as a straight run', async () => {
    const dir = temporary();
    const [a, b] = ['a', 'b'].map((n) => join(dir, `${n}.jsonl`));
    const common = ['examples/moons.nn', '--device', 'cpu', '--epochs', '8'];
    await nnc('train', ...common, '--log', a ?? '', '--save', join(dir, 'straight.safetensors'));
    // Killed in the middle: the checkpoint is what a run of half the length leaves behind.
    const half = await nnc(
      'train',
      'examples/moons.nn',
      '--device',
      'cpu',
      '--epochs',
      '4',
      '--checkpoint',
      join(dir, 'ck'),
      '--log',
      b ?? '',
    );
    expect(half.code, half.stderr).toBe(0);
    // Steps that were done after the last checkpoint of a killed run, and half a line: a resumed run writes them again.
    appendFileSync(b ?? '', '{"step": 28, "loss": 9}\n{"step": 29, "lo');
    const rest = await nnc(
      'train',
      ...common,
      '--checkpoint',
      join(dir, 'ck'),
      '--resume',
      '--log',
      b ?? '',
      '--save',
      join(dir, 'resumed.safetensors'),
    );
    expect(rest.code, rest.stderr).toBe(0);
    expect(losses(b ?? '')).toEqual(losses(a ?? ''));
    expect(readFileSync(join(dir, 'resumed.safetensors'))).toEqual(readFileSync(join(dir, 'straight.safetensors')));
    writeFileSync(join(dir, 'other.nn'), 'data "moons.csv" x=[x1, x2] y=moon\nlayer Linear(2, 2)\nloss cross_entropy\noptim adam\n');
    writeFileSync(join(dir, 'moons.csv'), readFileSync('examples/moons.csv'));
    const other = await nnc('train', join(dir, 'other.nn'), '--device', 'cpu', '--checkpoint', join(dir, 'ck'), '--resume');
    expect(other.code).toBe(1);
    expect(other.stderr).toContain('was made by another program');
  });

  it('takes the calls of the design card', async () => {
    const dir = temporary();
    writeFileSync(join(dir, 'one.nn'), 'layer Linear(1,16) -> relu -> Linear(16,1); loss mse; optim adam lr=0.01');
    const r = await nnc('train', join(dir, 'one.nn'), '--data', 'examples/house.csv', '--steps', '3', '--seed', '7', '--batch', '10');
    expect(r.code, r.stderr).toBe(0);
    expect(r.stdout).toContain('done: 3 steps');
  });
});

describe('what goes wrong', () => {
  it.each([
    ['an unknown command', ['trian', 'x.nn'], 2, "error: unknown command 'trian'"],
    ['an unknown flag', ['train', 'examples/house.nn', '--stpes', '3'], 2, "error: unknown option '--stpes'"],
    ['a flag with a wrong value', ['train', 'examples/house.nn', '--steps', 'many'], 2, 'It must be a whole number of at least 1.'],
    ['an unknown device', ['train', 'examples/house.nn', '--device', 'tpu'], 2, 'Allowed choices are auto, gpu, cpu.'],
    [
      'weights of a pickle',
      ['train', 'examples/house.nn', '--init', 'package.json.pt'],
      1,
      'package.json.pt is a pickle of Python, which may run any code',
    ],
    ['a level that does not exist', ['check', 'examples/house.nn', '-O7'], 2, 'It is 0 or 1.'],
    [
      'a missing program',
      ['train', 'examples/nothing.nn'],
      2,
      'error[NN502]: the file cannot be read\n  = examples/nothing.nn cannot be read: it does not exist',
    ],
    ['a folder as program', ['check', 'examples'], 2, 'examples cannot be read: it is a folder'],
    ['--resume alone', ['train', 'examples/house.nn', '--resume'], 2, '--resume needs --checkpoint DIR'],
    ['a size that is none', ['check', 'examples/house.nn', '--max-memory', '4XB'], 2, 'It is a number of bytes, or one with a unit'],
    [
      'more memory than is allowed',
      ['train', 'examples/house.nn', '--max-memory', '1KiB'],
      1,
      'bytes of device memory, and 1024 are allowed',
    ],
    [
      'a missing checkpoint',
      ['train', 'examples/house.nn', '--resume', '--checkpoint', '/nonexistent'],
      1,
      'does not exist, so there is nothing to resume',
    ],
    [
      'weights that do not exist',
      ['predict', 'examples/house.nn', '--weights', 'nope.safetensors', '--input', '3'],
      1,
      'nope.safetensors cannot be read',
    ],
    [
      'weights of another model',
      ['train', 'examples/house.nn', '--init', 'test/parity/mlp/init.safetensors'],
      1,
      "test/parity/mlp/init.safetensors holds '4.weight', which the model has not",
    ],
    [
      'input of the wrong width',
      ['predict', 'examples/house.nn', '--weights', 'test/parity/house/final.safetensors', '--input', '1,2'],
      2,
      "the model takes 1 number for each example, and '1,2' has 2",
    ],
    [
      'input that is no number',
      ['predict', 'examples/house.nn', '--weights', 'test/parity/house/final.safetensors', '--input', 'big'],
      2,
      "'big' is not a number",
    ],
    [
      'no input',
      ['predict', 'examples/house.nn', '--weights', 'test/parity/house/final.safetensors'],
      2,
      'give the inputs with either --input or --data',
    ],
    [
      'a place that cannot be written',
      ['train', 'examples/house.nn', '--steps', '2', '--save', 'package.json/w.safetensors'],
      1,
      'package.json/w.safetensors cannot be written',
    ],
    ['a stage that does not exist', ['dump', 'examples/house.nn', '--stage', 'asm'], 2, 'Allowed choices are ast, forward, grad'],
    ['--after without its stage', ['dump', 'examples/house.nn', '--stage', 'ast', '--after', 'cse'], 2, '--after goes with --stage fused'],
    ['no program', ['train'], 2, "missing required argument 'file'"],
    ['a program with errors', ['train', 'test/golden/errors/shapes.nn'], 1, 'error[NN203]: shapes do not fit'],
  ] as const)('%s', async (_what, args, code, text) => {
    const r = await nnc(...args);
    expect(r.stderr).toContain(text);
    expect(r.code).toBe(code);
  });

  it.each([
    [
      'nested beyond all reason',
      `let a = ${'('.repeat(6000)}1${')'.repeat(6000)}\nlayer Linear(1, 1)\n`,
      1,
      'error[NN216]: the program is nested too deeply',
    ],
    ['with more parameters than a buffer holds', 'layer Linear(1, 2000000000)\n', 1, 'error[NN217]: the model is too large'],
    ['with a size beyond 32 bits', 'layer Linear(1, 99999999999999999999)\n', 1, "'out_features' must be at most 2147483647"],
    [
      'with a setting that objects have',
      'layer Linear(1, 1)\nloss mse\noptim adam constructor=1\n',
      1,
      "adam has no setting 'constructor'",
    ],
  ] as const)('a program %s', async (_what, text, code, message) => {
    const dir = temporary();
    writeFileSync(join(dir, 'p.nn'), text);
    const r = await nnc('check', join(dir, 'p.nn'));
    expect(r.stderr).toContain(message);
    expect(r.code).toBe(code);
  });

  it('an output that is read by the run is not overwritten', async () => {
    const before = readFileSync('examples/house.nn');
    for (const target of ['examples/house.nn', 'examples/house.csv']) {
      const r = await nnc('train', 'examples/house.nn', '--steps', '2', '--save', target);
      expect(r.code).toBe(2);
      expect(r.stderr).toContain(`${target} would be overwritten, and it is read by this run`);
    }
    expect(readFileSync('examples/house.nn')).toEqual(before);
  });

  it('a folder that can neither be found nor made is one error, not a hang', async () => {
    for (const args of [
      ['build', 'examples/house.nn', '-o', '/proc/nnc/page'],
      ['train', 'examples/house.nn', '--steps', '2', '--save', '/proc/nnc/w.safetensors'],
      ['build', 'examples/house.nn', '-o', 'package.json/page'],
    ]) {
      const r = await nnc(...args);
      expect(r.code, r.stderr).toBe(1);
      expect(r.stderr).toContain('error[NN403]');
    }
  });

  it('weights that are no numbers are refused', async () => {
    const dir = temporary();
    const weights = readFileSync('test/parity/house/final.safetensors');
    weights.writeFloatLE(NaN, weights.length - 8);
    writeFileSync(join(dir, 'nan.safetensors'), weights);
    const r = await nnc('predict', 'examples/house.nn', '--weights', join(dir, 'nan.safetensors'), '--input', '3');
    expect(r.code).toBe(1);
    expect(r.stderr).toMatch(/'[02]\.(weight|bias)' holds NaN at element \d+/);
  });

  it('a checkpoint that is complete says so', async () => {
    const dir = temporary();
    const args = ['train', 'examples/house.nn', '--steps', '5', '--checkpoint', dir, '--device', 'cpu'];
    await nnc(...args);
    const again = await nnc(...args, '--resume');
    expect(again.code, again.stderr).toBe(0);
    expect(again.stdout).toContain('the checkpoint stands at step 5 of 5: nothing is left to do');
  });

  it.skipIf(process.platform === 'win32')('being told to stop keeps what was learnt', async () => {
    const dir = temporary();
    const save = join(dir, 'w.safetensors');
    const child = spawn(process.execPath, [
      'dist/cli/main.js',
      'train',
      'examples/house.nn',
      '--epochs',
      '2000000',
      '--device',
      'cpu',
      '--save',
      save,
      '--checkpoint',
      dir,
    ]);
    await new Promise<void>((resolve) => child.stderr.on('data', (d: Buffer) => d.toString().includes('training house') && resolve()));
    await new Promise((resolve) => setTimeout(resolve, 500));
    child.kill('SIGTERM');
    const code = await new Promise((resolve) => child.on('close', resolve));
    expect(code).toBe(143);
    expect(readdirSync(dir).sort()).toEqual(['checkpoint.previous.safetensors', 'checkpoint.safetensors', 'w.safetensors']);
  });

  it('a reader that has seen enough ends nothing but the text', async () => {
    const child = spawn('sh', ['-c', `${process.execPath} dist/cli/main.js dump examples/moons.nn --stage plan | head -1`]);
    let [out, err] = ['', ''];
    child.stdout.on('data', (d: Buffer) => (out += d.toString()));
    child.stderr.on('data', (d: Buffer) => (err += d.toString()));
    await new Promise((resolve) => child.on('close', resolve));
    expect(out).toBe('{\n');
    expect(err).toBe('');
  });

  it('a loss that is no number ends the run, and nothing is saved', async () => {
    const dir = temporary();
    writeFileSync(
      join(dir, 'wild.nn'),
      `data "${process.cwd()}/examples/house.csv" x=sqft y=price\nlayer Linear(1, 1)\nloss mse\noptim sgd lr=1e20\ntrain steps=20\n`,
    );
    const save = join(dir, 'w.safetensors');
    writeFileSync(save, 'the old weights');
    const r = await nnc('train', join(dir, 'wild.nn'), '--save', save);
    expect(r.code).toBe(1);
    expect(r.stderr).toMatch(
      /error\[NN702\]: the loss is not a number\n {2}= the loss is (NaN|Infinity) at step \d+\n {2}= help: try a smaller learning rate/,
    );
    expect(readFileSync(save, 'utf8')).toBe('the old weights');
    expect(readdirSync(dir).sort()).toEqual(['w.safetensors', 'wild.nn']);
  });

  it('without any adapter it says so, trains on the CPU, and --device gpu ends with 3', async () => {
    // A cache that cannot be made and no loader: what a machine without both looks like.
    const dir = temporary();
    writeFileSync(join(dir, 'not-a-folder'), '');
    const env = {
      NNC_CACHE: join(dir, 'not-a-folder'),
      TMPDIR: join(dir, 'not-a-folder'),
      LD_LIBRARY_PATH: '',
      VK_ICD_FILENAMES: '/nonexistent',
      VK_DRIVER_FILES: '/nonexistent',
    };
    const auto = await nncIn(process.cwd(), env, 'train', 'examples/house.nn', '--steps', '3');
    expect(auto.code, auto.stderr).toBe(0);
    expect(auto.stderr).toContain('training house on WebAssembly SIMD, 1 thread: no WebGPU adapter was found');
    const gpu = await nncIn(process.cwd(), env, 'train', 'examples/house.nn', '--steps', '3', '--device', 'gpu');
    expect(gpu.code).toBe(3);
    expect(gpu.stderr).toContain('error[NN601]: no device');
  });

  it.skipIf(process.getuid?.() === 0)('a folder that may not be written keeps what it holds', async () => {
    const dir = temporary();
    chmodSync(dir, 0o555);
    const r = await nnc('train', 'examples/house.nn', '--steps', '2', '--save', join(dir, 'w.safetensors'));
    expect(r.code).toBe(1);
    expect(existsSync(join(dir, 'w.safetensors'))).toBe(false);
  });
});

describe('help', () => {
  it.each(['train', 'predict', 'check', 'build', 'dump', 'gradcheck', 'verify', 'tune', 'doctor'])('%s shows examples', async (command) => {
    const r = await nnc(command, '--help');
    expect(r.code).toBe(0);
    expect(r.stdout).toMatch(new RegExp(`Examples:\n {2}\\$ nnc ${command}`));
  });
});
