import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { suggestRate } from '../../src/cli/commands/find-lr.ts';
import { plot } from '../../src/cli/plot.ts';
import { TensorBoard } from '../../src/cli/tensorboard.ts';
import { Curve } from '../../src/pictures/curve.ts';
import { nncIn, temporary } from '../support/cli.ts';

/** What helps to judge a training: plots, rates, sweeps, TensorBoard, earlier checkpoints. */
const PROGRAM = `let hidden = 4
data n=60 seed=2 split=0.8 { x = uniform(-1, 1); y = x*x }
layer Linear(1, hidden) -> tanh -> Linear(hidden, 1)
loss mse
metric mae
optim adam lr=0.01
train epochs=30 batch=12
`;
const project = (): string => {
  const dir = temporary();
  writeFileSync(join(dir, 'a.nn'), PROGRAM);
  return dir;
};

describe('a plot in the terminal', () => {
  it('has axes with ends and names', () => {
    const line = Array.from({ length: 20 }, (_, i) => ({ x: i, y: i }));
    expect(plot(line, { x: 'step', y: 'loss', width: 24, height: 3 })).toEqual([
      '    loss',
      '19 │⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⢀⣀⡠⠤⠔⠒⠊',
      '   │⠀⠀⠀⠀⠀⠀⠀⣀⠤⠤⠒⠒⠊⠁⠀⠀⠀⠀⠀⠀',
      ' 0 │⣀⠤⠤⠒⠒⠉⠉⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀⠀',
      '   └────────────────────',
      '    0      step       19',
    ]);
    expect(plot([{ x: 1, y: 1 }], { x: 'x', y: 'y', width: 20 })).toEqual([]);
    expect(plot([...line, { x: 20, y: NaN }], { x: 'x', y: 'y', width: 20, logY: true })[0]).toContain('y (logarithmic)');
  });

  it('joins points of a long curve', () => {
    const curve = new Curve();
    for (let i = 0; i < 10_000; i++) curve.add(i, 2 * i);
    expect(curve.points.length).toBeLessThanOrEqual(1024);
    for (const p of curve.points) expect(p.y).toBeCloseTo(2 * p.x, 9);
    expect(curve.points.at(-1)?.x).toBeGreaterThan(9950);
  });
});

describe('learning rates', () => {
  it('are suggested below where the loss is lowest', () => {
    const losses = Array.from({ length: 50 }, (_, i) => ({
      rate: 10 ** (i / 10 - 4),
      loss: i < 40 ? 1 / (1 + Math.exp((i - 25) / 2)) : 5,
    }));
    expect(suggestRate({ start: 1, losses })).toBeCloseTo(10 ** -1.1, 6);
    expect(suggestRate({ start: 1, losses: losses.map((t) => ({ ...t, loss: 1 })) })).toBeUndefined();
    expect(suggestRate({ start: 1, losses: losses.map((t) => ({ ...t, loss: 1 + t.rate })) })).toBeUndefined();
    expect(suggestRate({ start: 1, losses: [] })).toBeUndefined();
  });

  const line = (x: string, batch: string): string =>
    `data n=200 seed=1 { x = ${x}; y = 3*x + 0.1*normal() }\nlayer Linear(1, 1, bias=false)\nloss mse\noptim sgd lr=RATE\ntrain steps=100 ${batch}\n`;
  const corner = (batch: string, norm: string): string =>
    `data n=200 seed=1 { a = normal(); b = normal(); x = concat(a, b); y = a + b > 0 }\nlayer Linear(2, 8) ->${norm} relu -> Linear(8, 1)\nloss bce_with_logits\noptim adam lr=RATE\ntrain epochs=20 ${batch}\n`;
  it.each([
    ['a line', line('normal()', 'batch=20 shuffle'), [1, 2, 5]],
    ['a line from single examples', line('normal()', 'batch=1 shuffle'), [1, 2]],
    ['a line at once', line('normal()', ''), [1]],
    ['a line of large numbers', line('100*normal()', 'batch=20 shuffle'), [1]],
    ['classes', corner('batch=4 shuffle', ''), [1]],
    ['classes in the order of the file', corner('batch=50', ' BatchNorm1d(8) ->'), [1]],
  ])('that are suggested train %s well', async (_name, text, seeds) => {
    const dir = temporary();
    const lossAfter = async (rate: string, seed: number, ...more: readonly string[]): Promise<number> => {
      writeFileSync(join(dir, 'a.nn'), text.replace('RATE', rate));
      const r = await nncIn(dir, {}, 'train', 'a.nn', '--device', 'cpu', '--seed', String(seed), '--save', 'w.safetensors', ...more);
      expect(r.code, r.stderr).toBe(0);
      const { stdout } = await nncIn(dir, {}, 'eval', 'a.nn', '--weights', 'w.safetensors', '--json');
      return (JSON.parse(stdout) as { readonly loss: number }).loss;
    };
    for (const seed of seeds) {
      writeFileSync(join(dir, 'a.nn'), text.replace('RATE', '0.01'));
      const { stdout } = await nncIn(dir, {}, 'train', 'a.nn', '--find-lr', '--device', 'cpu', '--seed', String(seed));
      const rate = /a good beginning, a tenth of that: optim \w+ lr=([\d.e-]+)\n$/.exec(stdout)?.[1] ?? '';
      expect(await lossAfter(rate, seed), `lr=${rate}, seed ${seed}`).toBeLessThan(0.4 * (await lossAfter('1e-12', seed, '--steps', '1')));
    }
  });

  it('are not suggested where the loss falls at none', async () => {
    const dir = temporary();
    writeFileSync(join(dir, 'a.nn'), line('0*normal()', 'batch=20 shuffle').replace('RATE', '0.01'));
    const { stdout } = await nncIn(dir, {}, 'train', 'a.nn', '--find-lr', '--device', 'cpu');
    expect(stdout).toContain('the loss falls at none of these rates');
  });

  it('are tried by nnc train --find-lr, which trains nothing', async () => {
    const dir = project();
    const r = await nncIn(dir, {}, 'train', 'a.nn', '--find-lr', '--device', 'cpu', '--steps', '150');
    expect(r.stderr).toContain('trying 150 learning rates from 1e-7 to 10');
    expect(r.stdout).toMatch(/learning rate \(logarithmic\)/);
    expect(r.stdout).toMatch(/the loss is lowest at lr=[\d.]+/);
    expect(r.stdout).toMatch(/a good beginning, a tenth of that: optim adam lr=[\d.]+\n$/);
    const few = await nncIn(dir, {}, 'train', 'a.nn', '--find-lr', '--steps', '5');
    expect([few.code, few.stderr]).toEqual([2, expect.stringContaining('--steps 5 is too few for --find-lr')]);
  });
});

describe('a sweep', () => {
  it('of a let, the batch and a setting is judged by what is held out', async () => {
    const r = await nncIn(
      project(),
      {},
      'train',
      'a.nn',
      '--sweep',
      'hidden=[1, 8]',
      '--sweep',
      'batch=[12, 48]',
      '--sweep',
      'lr=[1e-5, 0.03]',
      '--device',
      'cpu',
      '--save',
      'b.safetensors',
    );
    expect(r.code).toBe(0);
    const rows = r.stdout.split('\n').filter((l) => l.startsWith('hidden '));
    expect(rows).toHaveLength(8);
    expect(rows[0]).toMatch(/^hidden 8, batch 12, lr 0\.03 /);
    expect(r.stdout).toContain('best: hidden 8, batch 12, lr 0.03 (held-out mae');
    expect(r.stdout).toContain('ranked by held-out mae');
  });

  it('of something unknown names what there is', async () => {
    const r = await nncIn(project(), {}, 'train', 'a.nn', '--sweep', 'hiden=[1]');
    expect(r.stderr).toContain("there is no 'hiden' that --sweep could change");
    expect(r.stderr).toContain("did you mean 'hidden'?");
    const bad = await nncIn(project(), {}, 'train', 'a.nn', '--sweep', 'batch=[1.5]');
    expect(bad.stderr).toContain('--sweep sets batch to 1.5, and it is a whole number from 1 on');
  });
});

describe('a run', () => {
  it('plots its loss, writes for TensorBoard, and keeps earlier checkpoints', async () => {
    const dir = project();
    const r = await nncIn(dir, {}, 'train', 'a.nn', '--device', 'cpu', '--plot', '--tensorboard', 'tb', '--checkpoint', 'c', '--keep', '2');
    expect(r.stdout).toMatch(/ loss( \(logarithmic\))?\n.*│/);
    const files = readdirSync(join(dir, 'c')).sort();
    expect(files).toEqual([
      'best.safetensors',
      'checkpoint-000001.safetensors',
      'checkpoint-000120.safetensors',
      'checkpoint.previous.safetensors',
      'checkpoint.safetensors',
    ]);
    expect(readFileSync(join(dir, 'c', files[2] ?? '')).equals(readFileSync(join(dir, 'c', 'checkpoint.safetensors')))).toBe(true);
    const [name = ''] = readdirSync(join(dir, 'tb'));
    const events = eventsOf(readFileSync(join(dir, 'tb', name)));
    expect(events.filter((e) => e.tags['loss'] !== undefined)).toHaveLength(120);
    expect(events.filter((e) => e.tags['held_out/mae'] !== undefined).length).toBeGreaterThan(3);
    expect(events.at(-2)).toMatchObject({ step: 119, tags: { lr: Math.fround(0.01) } });
    const lone = await nncIn(dir, {}, 'train', 'a.nn', '--keep', '2');
    expect(lone.stderr).toContain('--keep says how many checkpoints stay, and needs --checkpoint DIR');
  });

  it.each([
    ['numbers', PROGRAM, ['The loss', 'What it learned', 'How good it is', 'The net', 'The program']],
    [
      'classes',
      `data n=80 seed=2 split=0.8 { a = uniform(-1, 1); b = uniform(-1, 1); x = concat(a, b); y = a*b > 0 }
layer Linear(2, 8) -> tanh -> Linear(8, 1)
loss bce_with_logits
optim adam lr=0.05
train epochs=20 batch=16 early_stop=5
`,
      ['The loss', 'What it says everywhere', 'Which class was taken for which', 'How good it is', 'The net', 'The program'],
    ],
    [
      'numbers of several inputs',
      'data n=50 { a = uniform(); b = uniform(); x = concat(a, b); y = a + b }\nlayer Linear(2, 1)\nloss mse\noptim sgd lr=0.1\ntrain epochs=5\n',
      ['The loss', 'Predicted and real', 'How good it is', 'The net', 'The program'],
    ],
  ])('writes a report of a program of %s that needs nothing else', async (_name, text, titles) => {
    const dir = temporary();
    writeFileSync(join(dir, 'a.nn'), text);
    const r = await nncIn(dir, {}, 'train', 'a.nn', '--device', 'cpu', '--report', 'r.html');
    expect(r.stdout).toContain('report: r.html, open it in a browser');
    const html = readFileSync(join(dir, 'r.html'), 'utf8');
    expect([...html.matchAll(/<h2>([^<]*)</g)].map((m) => m[1])).toEqual(titles);
    expect(html).not.toMatch(/NaN|undefined|Infinity|<script|(src|href)=/);
    expect(html).toContain(text.trimEnd().split('\n').at(-1));
  });

  it('has checksums that TensorBoard accepts', async () => {
    const dir = temporary();
    const board = await TensorBoard.open(join(dir, 'a', 'b'));
    board.write(300, { loss: 1.5 });
    await board.close();
    const [name = ''] = readdirSync(join(dir, 'a', 'b'));
    expect(eventsOf(readFileSync(join(dir, 'a', 'b', name)))).toEqual([
      { step: 0, tags: {} },
      { step: 300, tags: { loss: 1.5 } },
    ]);
  });
});

/** Reads event files by the description of their format, bit by bit. */
function eventsOf(bytes: Buffer): { step: number; tags: Record<string, number> }[] {
  const found = [];
  for (let at = 0; at < bytes.length;) {
    const length = Number(bytes.readBigUInt64LE(at));
    expect(bytes.readUInt32LE(at + 8)).toBe(masked(bytes.subarray(at, at + 8)));
    const data = bytes.subarray(at + 12, at + 12 + length);
    expect(bytes.readUInt32LE(at + 12 + length)).toBe(masked(data));
    found.push(eventOf(data));
    at += 16 + length;
  }
  return found;
}

/** CRC-32C by long division, masked. */
function masked(bytes: Buffer): number {
  let crc = 0xffffffff;
  for (const b of bytes) {
    crc ^= b;
    for (let k = 0; k < 8; k++) crc = (crc >>> 1) ^ (crc & 1 ? 0x82f63b78 : 0);
  }
  crc = ~crc >>> 0;
  return (((crc >>> 15) | (crc << 17)) + 0xa282ead8) >>> 0;
}

type Field = number | Buffer;

function fieldsOf(data: Buffer): [number, Field][] {
  const out: [number, Field][] = [];
  let at = 0;
  const varint = (): number => {
    let [value, scale] = [0, 1];
    for (;;) {
      const b = data[at++] ?? 0;
      value += (b & 127) * scale;
      scale *= 128;
      if (b < 128) return value;
    }
  };
  while (at < data.length) {
    const key = varint();
    const kind = key & 7;
    if (kind === 0) out.push([key >> 3, varint()]);
    else if (kind === 1) out.push([key >> 3, data.readDoubleLE((at += 8) - 8)]);
    else if (kind === 5) out.push([key >> 3, data.readFloatLE((at += 4) - 4)]);
    else {
      const n = varint();
      out.push([key >> 3, data.subarray(at, (at += n))]);
    }
  }
  return out;
}

function eventOf(data: Buffer): { step: number; tags: Record<string, number> } {
  const fields = fieldsOf(data);
  const step = fields.find(([n]) => n === 2)?.[1];
  const tags: Record<string, number> = {};
  for (const [n, value] of fields)
    if (n === 5 && typeof value !== 'number')
      for (const [, each] of fieldsOf(value)) {
        const [tag, number] = [1, 2].map((k) => (typeof each === 'number' ? undefined : fieldsOf(each).find(([m]) => m === k)?.[1]));
        tags[String(tag)] = Number(number);
      }
  return { step: Number(step ?? 0), tags };
}
