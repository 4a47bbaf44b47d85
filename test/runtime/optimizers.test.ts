import { describe, expect, it } from 'vitest';
import { CompilerBug } from '../../src/base/errors.ts';
import { check, compile } from '../../src/compile.ts';
import { OPTIMIZERS } from '../../src/sema/optimizers.ts';
import { SCHEDULES } from '../../src/sema/schedules.ts';
import { Random } from '../support/random.ts';
import { lossesOf, model, plan, running, toyData } from '../support/programs.ts';

/** Optimizers in whole programs: what their numbers are stands in test/parity/optimizers.test.ts. */

const NET = 'layer body: Linear(2, 5) -> tanh -> head: Linear(5, 1)\nloss mse\n';
const TRAIN = '\ntrain epochs=6 batch=10 shuffle seed=3\n';
const ROWS = 20;

const LINES = [
  'sgd lr=0.05 lr[head]=0.01 momentum=cyclic(0.5, 0.9, 4) lookahead=(3, 0.5)',
  'adamw lr=0.02*cosine(1, warmup=3) lr[body]=max(0.001, linear(0.02)) weight_decay[bias]=0 weight_decay=0.1 clip=1',
  'adam lr=plateau(0.05, factor=0.5, patience=0, threshold=0.5) lr[head]=0.02',
  'muon lr=0.02 lr[head]=0.05 no_decay=bias',
  'adafactor lr=0.05 lr[head]=0.1 weight_decay=0.1 no_decay=bias',
  'rprop lr=0.01 freeze=["head.bias"]',
  'asgd lr=0.02 t0=3',
  'lbfgs lr=0.1 history_size=3',
  'nadam lr=0.01 lr[head]=0.02 decoupled_weight_decay weight_decay=0.1',
];

describe.each(LINES)('optim %s', (line) => {
  const p = plan(`${NET}optim ${line}${TRAIN}`, { rows: ROWS });
  const { x, y } = toyData(ROWS);

  it('trains alike on all devices, and goes on after a stop', async () => {
    const runs = await Promise.all(
      (['gpu', 'cpu', 'js'] as const).map((kind) =>
        running(p, kind, async (m) => {
          m.setData(x, y);
          return lossesOf(m);
        }),
      ),
    );
    const [first = []] = runs;
    expect(first).toHaveLength(12);
    for (const other of runs) other.forEach((loss, i) => expect(loss, `step ${i}`).toBeCloseTo(first[i] ?? NaN, 3));
    // With a last batch of its own.
    const ragged = plan(`${NET}optim ${line}\ntrain epochs=4 batch=8 shuffle seed=3\n`, { rows: ROWS, devices: 'cpu' });
    const straight = await running(ragged, 'cpu', async (m) => {
      m.setData(x, y);
      return lossesOf(m);
    });
    const onJs = await running(ragged, 'js', async (m) => {
      m.setData(x, y);
      return lossesOf(m);
    });
    straight.forEach((loss, i) => expect(loss, `step ${i}`).toBeCloseTo(onJs[i] ?? NaN, 3));
    const state = await running(ragged, 'cpu', async (m) => {
      m.setData(x, y);
      await lossesOf(m, { until: 5 });
      expect(m.step).toBe(5);
      return m.state();
    });
    const rest = await running(ragged, 'cpu', async (m) => {
      m.setData(x, y);
      await m.restore(state);
      return lossesOf(m);
    });
    expect(rest).toEqual(straight.slice(5));
  });

  it('trains with numbers of two bytes', async () => {
    const half = plan(`precision f16\n${NET}optim ${line}${TRAIN}`, { rows: ROWS });
    const losses = await running(half, 'cpu', async (m) => {
      m.setData(x, y);
      return lossesOf(m);
    });
    expect(losses.every(Number.isFinite)).toBe(true);
  });
});

describe('in numbers of two bytes, where the first steps overflow and are skipped', () => {
  const { x, y } = toyData(ROWS);
  const lossesIn = (precision: 'f16' | 'f32', line: string): Promise<number[]> => {
    const text = `precision ${precision}\n${NET.replace('mse', '1000*mse(pred, target)')}optim ${line}\ntrain steps=24 batch=${ROWS}\n`;
    return running(plan(text, { rows: ROWS }), 'cpu', async (m) => {
      m.setData(x, y);
      return lossesOf(m);
    });
  };

  it.each([
    'sgd lr=plateau(1e-5)',
    'sgd lr=1e-5 lookahead=(1, 0.5)',
    'sgd lr=1e-5 momentum=0.5 dampening=0.9',
    'lbfgs lr=0.1 history_size=3',
    'rprop lr=0.01',
  ])('%s goes on as if they had not been', async (line) => {
    const [half, whole] = [await lossesIn('f16', line), await lossesIn('f32', line)];
    const skipped = half.findIndex((l) => l !== half[0]) - 1;
    expect(skipped).toBeGreaterThan(0);
    const [first = 0, last = 0] = [whole[0], whole[half.length - 1 - skipped]];
    expect(last).toBeLessThan(first);
    half
      .slice(skipped)
      .forEach((l, i) => expect(Math.abs(l - (whole[i] ?? NaN)) / first, `step ${i} of ${skipped} skipped`).toBeLessThan(5e-3));
  });

  it.each([
    ['asgd lr=1e-5 t0=0', 'ax', (w: readonly number[]) => w],
    // 0.9 (1 - 0.5 0.96^(0.004 t)), times nothing: what came before is no step.
    ['nadam lr=1e-5', 'mu_product', (_: readonly number[], t: number) => [0.9 * (1 - 0.5 * 0.96 ** (0.004 * t))]],
  ] as const)('%s starts with the first step that is done', async (line, slot, want) => {
    const text = `precision f16\n${NET.replace('mse', '1000*mse(pred, target)')}optim ${line}\ntrain steps=24 batch=${ROWS}\n`;
    await running(plan(text, { rows: ROWS }), 'cpu', async (m) => {
      m.setData(x, y);
      const weights = async (): Promise<number[]> => Object.values(await m.weights()).flatMap((t) => [...t.data]);
      const before = (await weights()).join();
      do await lossesOf(m, { until: m.step + 1 });
      while ((await weights()).join() === before);
      expect(m.step).toBeGreaterThan(1);
      const got = [...((await m.state()).tensors[`optim.${slot}`]?.data ?? [])];
      const order = (a: number, b: number): number => a - b;
      const wanted = [...want(await weights(), m.step)].sort(order);
      got.sort(order).forEach((v, i) => expect(v).toBeCloseTo(wanted[i] ?? NaN, 6));
      expect(got).toHaveLength(wanted.length);
    });
  });
});

describe('groups', () => {
  const { x, y } = toyData(ROWS);
  const moved = async (line: string): Promise<string[]> =>
    running(plan(`${NET}optim ${line}\ntrain steps=4\n`, { rows: ROWS }), 'cpu', async (m) => {
      m.setData(x, y);
      const before = await m.weights();
      await lossesOf(m);
      const after = await m.weights();
      return Object.keys(before).filter((k) => before[k]?.data.join() !== after[k]?.data.join());
    });

  it('with a rate of 0 stand still, and so does what is frozen', async () => {
    expect(await moved('adam')).toEqual(['body.weight', 'body.bias', 'head.weight', 'head.bias']);
    expect(await moved('adam lr[head]=0')).toEqual(['body.weight', 'body.bias']);
    expect(await moved('adam lr=0 lr[bias]=0.1 lr["head.bias"]=0')).toEqual(['body.bias']);
    expect(await moved('adamw freeze=head lr[head]=0.5')).toEqual(['body.weight', 'body.bias']);
  });

  it('may be sixteen, whatever the optimizer', () => {
    const names = Array.from({ length: 17 }, (_, i) => `l${i}`);
    const layers = names.map((n) => `layer ${n}: Linear(1, 1, bias=false)`).join('\n');
    const own = names.slice(1).map((n, i) => `lr[${n}]=0.0${i + 1}`);
    for (const [name, settings] of Object.entries(OPTIMIZERS)) {
      if (name === 'lbfgs') continue;
      const decay = 'weight_decay' in settings ? names.slice(1).map((n, i) => `weight_decay[${n}]=0.1${i + 1}`) : [];
      const flag = 'decoupled_weight_decay' in settings ? 'decoupled_weight_decay' : '';
      const line = `optim ${name} clip=cosine(1) clip_value=linear(1) lookahead=(5, 0.5) ${flag} ${[...own, ...decay].join(' ')}`;
      const text = `${layers}\nloss mse\n${line}\ntrain epochs=2 batch=2 shuffle`;
      expect(() => compile(model(text).model, { rows: 5, devices: 'cpu' }), name).not.toThrow();
    }
  });
});

describe('plateau', () => {
  it.each(['gpu', 'cpu', 'js'] as const)('says on %s by how much it has lowered the rate of each step', async (kind) => {
    const { x, y } = toyData(ROWS);
    // No loss is ever better by 100, so that the rate is halved after every second step. The last group must not be taken for the usual one.
    const lr = 'lr=plateau(0.01, factor=0.5, patience=1, threshold=100, threshold_mode=abs, every=1, min_lr=0.002) lr[body]=0.1';
    await running(plan(`${NET}optim sgd ${lr}\ntrain steps=9\n`, { rows: ROWS }), kind, async (m) => {
      m.setData(x, y);
      const shares: number[] = [];
      await m.train({ onLosses: (first, losses, _, some) => void losses.forEach((_l, i) => (shares[first + i] = some?.[i] ?? NaN)) });
      const want = [1, 1, 1, 0.5, 0.5, 0.25, 0.25, 0.2, 0.2];
      expect(shares).toEqual(want.map((s) => expect.closeTo(s, 6) as number));
    });
  });

  it('lowers the rate when the loss of an epoch is no better', async () => {
    const { x, y } = toyData(ROWS);
    const p = plan(`${NET}optim sgd lr=plateau(0.01, factor=0, patience=1, threshold=100, threshold_mode=abs)\ntrain epochs=6 batch=8\n`, {
      rows: ROWS,
    });
    await running(p, 'cpu', async (m) => {
      m.setData(x, y);
      await m.train({ until: 9 });
      const before = (await m.state()).tensors;
      expect(before['optim.plateau_share']?.data[0]).toBe(0);
      expect(before['optim.plateau_best']?.data[0]).toBeGreaterThan(0);
      await m.train({ until: 18 });
      expect((await m.weights())['body.weight']).toEqual(before['body.weight']);
    });
  });
});

describe('misuse of optimizers', () => {
  const VALUES = ['0', '1', '-1', '2.5', '(1, 2)', '[0, 0]', '(0.5, 0.9)', 'true', 'head', '"x"', 'step', 'cosine(1)', '1e39', '0.1/total'];
  VALUES.push('plateau(0.1)', '(cosine(0.5), 0.9)', 'min(1, step)', '-step', 'one_cycle(0.1)*2', '[]', 'sqrt(step - 1)', '1/step');
  it.each(Object.keys(OPTIMIZERS))('%s ends with diagnostics', (name) => {
    const r = new Random(name.length * 77 + (name.codePointAt(1) ?? 0));
    const keys = [...Object.keys(OPTIMIZERS[name] ?? {}), 'clip', 'clip_value', 'lookahead', 'no_decay', 'freeze', 'maximize'];
    for (let i = 0; i < 60; i++) {
      const given = keys.filter(() => r.unit() < 0.25).map((k) => `${k}${r.unit() < 0.2 ? '[head]' : ''}=${r.pick(VALUES)}`);
      const text = `${NET}optim ${name} ${given.join(' ')}\ntrain steps=2`;
      try {
        const checked = check({ name: 'misuse.nn', text });
        if (checked.model) compile(checked.model, { rows: 4, devices: 'cpu' });
      } catch (e) {
        if (e instanceof CompilerBug || !(e instanceof Error) || !('diagnostics' in e))
          throw new Error(`${text}\n${String(e)}`, { cause: e });
      }
    }
  });

  it.each(Object.keys(SCHEDULES))('%s ends with diagnostics', (name) => {
    const r = new Random(name.length * 31);
    const keys = Object.keys(SCHEDULES[name]?.parameters ?? {});
    for (let i = 0; i < 60; i++) {
      const args = [...(r.unit() < 0.7 ? [r.pick(VALUES)] : []), ...keys.filter(() => r.unit() < 0.4).map((k) => `${k}=${r.pick(VALUES)}`)];
      const text = `${NET}optim adam lr=${name}(${args.join(', ')})`;
      expect(() => check({ name: 'misuse.nn', text }), text).not.toThrow();
    }
  });
});
