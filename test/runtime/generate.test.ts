import { describe, expect, it } from 'vitest';
import { compile, type Program } from '../../src/library/program.ts';
import { load } from '../../src/exports/node.ts';
import type { Model } from '../../src/runtime/api.ts';
import { windowStart } from '../../src/runtime/continuation.ts';
import { generate } from '../../src/runtime/generate.ts';
import { checkSampling, chooseToken } from '../../src/runtime/sampling.ts';
import { tokenizerOf } from '../../src/runtime/tokens.ts';

/** Text is made one position at a time, and is the text that whole windows would make. */

const BLOCKS = `
block Layer(d, heads) {
  let h = x + (x -> ln1: LayerNorm(d) -> attn: Attention(d, heads))
  h + (h -> ln2: LayerNorm(d) -> fc1: Linear(d, 4*d) -> gelu -> fc2: Linear(4*d, d))
}
input tokens: int[10]
`;
const ATTENTION = `
block Attention(d, heads) {
  let q, k, v = x -> qkv: Linear(d, 3*d) -> split(3)
  attention(q, k, v, heads, causal=true) -> proj: Linear(d, d)
}`;
const END = '\nloss cross_entropy\n';

const MODELS: Readonly<Record<string, string>> = {
  'learned positions': `${ATTENTION}${BLOCKS}layer tok: Embedding(12, 8) + pos: Positions(10, 8) -> repeat 2 Layer(8, 2) -> LayerNorm(8) -> Linear(8, 12)${END}`,
  'rotary positions and heads that share keys': `
block Attention(d, heads) {
  let q = x -> wq: Linear(d, d) -> rotary(4)
  let k = x -> wk: Linear(d, d/2) -> rotary(2)
  let v = x -> wv: Linear(d, d/2)
  attention(q, k, v, 4, causal=true, kv_heads=2) -> proj: Linear(d, d)
}${BLOCKS}layer Embedding(12, 16) -> repeat 2 Layer(16, 4) -> Linear(16, 12)${END}`,
  'sines, and a layer that the language brings': `input tokens: int[10]\nlayer Embedding(12, 8) + SinusoidalPositions(8) -> TransformerEncoderLayer(8, 2, dim_feedforward=16, causal=true) -> Linear(8, 12)${END}`,
  'two loops over the text': `input tokens: int[10]\nlayer Embedding(12, 8) -> LSTM(8, 8, num_layers=2) -> GRU(8, 6) -> Linear(6, 12)${END}`,
  'a loop of the program': `input tokens: int[10]\nlayer Embedding(12, 8) -> scan(fc: Linear(8, 8) + (h -> Linear(8, 8)) -> tanh, h=ones(8)) -> Linear(8, 12)${END}`,
  'tied weights and half precision': `${ATTENTION}${BLOCKS}let h = tok: Embedding(tokens, 12, 8) + Positions(tokens, 10, 8)\nlayer (h -> Layer(8, 2)) @ transpose(tok.weight)${END}precision f16\n`,
};

/** Words of programs that do not hold in this grammar are left to their own errors. */
const programOf = (text: string): Program => {
  const program = compile(text);
  if (!program.model) throw new Error(program.diagnostics.map((d) => d.label).join('\n'));
  return program;
};

const tokens = (n: number): number[] => Array.from({ length: n }, (_, i) => (i * i * 7 + 3 * i + 5) % 12);

async function scoresOf(model: Model, lengths: readonly number[]): Promise<Float32Array[]> {
  const found: Float32Array[] = [];
  for (const n of lengths) found.push(Float32Array.from(await model.scoresAfter(tokens(n))));
  return found;
}

const far = (a: Float32Array, b: Float32Array): number => a.reduce((m, v, i) => Math.max(m, Math.abs(v - (b[i] ?? NaN))), 0);

describe.each(['cpu', 'gpu'] as const)('scores of the next token on the %s', (device) => {
  it.each(Object.entries(MODELS))('%s', async (name, text) => {
    const program = programOf(text);
    const rows = program.plan({ generate: true, devices: device });
    expect(rows.row, name).toBeDefined();
    const windows = { ...rows, row: undefined };
    const [one, whole] = await Promise.all([load(rows, { device, seed: 3 }), load(windows, { device, seed: 3 })]);
    // One after the other, in leaps, back, and over the end of the window.
    const lengths = [1, 2, 3, 7, 10, 4, 11, 12, 15, 16, 30];
    const [a, b] = [await scoresOf(one, lengths), await scoresOf(whole, lengths)];
    a.forEach((scores, i) =>
      expect(far(scores, b[i] ?? scores), `after ${lengths[i] ?? 0} tokens`).toBeLessThan(text.includes('f16') ? 2e-2 : 2e-5),
    );
    // Other weights are seen.
    await one.reset(4);
    await whole.reset(4);
    expect(far((await scoresOf(one, [5]))[0] ?? new Float32Array(1), (await scoresOf(whole, [5]))[0] ?? new Float32Array(1))).toBeLessThan(
      5e-3,
    );
    one.destroy();
    whole.destroy();
  });
});

describe('generating', () => {
  const program = programOf(MODELS['learned positions'] ?? '');
  const textOf = async (windows: boolean, how: object): Promise<number[]> => {
    const plan = program.plan({ generate: true, devices: 'cpu' });
    const model = await load(windows ? { ...plan, row: undefined } : plan, { device: 'cpu', seed: 1 });
    const made: number[] = [];
    for await (const { token } of generate(model, '3 1 4', { tokens: 40, ...how })) made.push(token);
    model.destroy();
    return made;
  };

  it.each([{ temperature: 0 }, { temperature: 0.8, seed: 7 }, { topK: 3, seed: 2 }, { topP: 0.6, seed: 5 }])(
    'makes the tokens of whole windows with %o',
    async (how) => {
      const rows = await textOf(false, how);
      expect(rows).toHaveLength(40);
      expect(rows).toEqual(await textOf(true, how));
      expect(rows).toEqual(await textOf(false, how));
    },
  );

  it('a model that is not causal computes whole windows', async () => {
    const text = `input tokens: int[6]\nlayer Embedding(5, 4) -> LSTM(4, 2, bidirectional=true) -> Linear(4, 5)${END}`;
    const plan = programOf(text).plan({ generate: true, devices: 'cpu' });
    expect(plan.row).toBeUndefined();
    const model = await load(plan, { device: 'cpu' });
    expect(await model.scoresAfter([1, 2, 3])).toHaveLength(5);
    model.destroy();
  });

  it.each([
    ['no mask', MODELS['learned positions']?.replace('causal=true', 'causal=false') ?? ''],
    [
      'a mean over all positions',
      `input tokens: int[6]\nlayer (Embedding(5, 4) -> h: Linear(4, 4)) * 2 -> softmax(dim=1) -> Linear(4, 5)${END}`,
    ],
  ])('%s is no reason to compute rows', (_what, text) => {
    expect(programOf(text).plan({ generate: true, devices: 'cpu' }).row).toBeUndefined();
  });

  it('refuses what it cannot do', async () => {
    const plain = await load(program.plan({ devices: 'cpu' }), { device: 'cpu' });
    if (plain.about && program.plan({ devices: 'cpu' }).predict.rows > 1)
      await expect(plain.scoresAfter([1])).rejects.toThrow('was not compiled for generating');
    plain.destroy();
    expect(() => programOf('layer Linear(1, 1); loss mse').plan({ generate: true })).toThrow('the model does not read text');
    const model = await load(program.plan({ generate: true, devices: 'cpu' }), { device: 'cpu' });
    await expect(model.scoresAfter([])).rejects.toThrow('there is no token to go on from');
    await expect(model.scoresAfter([12])).rejects.toThrow('12 is none of the 12 tokens');
    model.destroy();
  });
});

describe('the choice of a token', () => {
  const scores = [0, 1, 3, 2];
  const shares = (how: object): number[] => {
    const counts = [0, 0, 0, 0];
    for (let n = 0; n < 20000; n++) {
      const token = chooseToken(scores, n, how);
      counts[token] = (counts[token] ?? 0) + 1 / 20000;
    }
    return counts;
  };
  const softmax = (temperature: number, kept: readonly number[]): number[] => {
    const w = scores.map((s, i) => (kept.includes(i) ? Math.exp(s / temperature) : 0));
    return w.map((v) => v / w.reduce((a, b) => a + b));
  };

  it.each<[object, number[]]>([
    [{}, softmax(1, [0, 1, 2, 3])],
    [{ temperature: 2 }, softmax(2, [0, 1, 2, 3])],
    [{ topK: 2 }, softmax(1, [2, 3])],
    [{ topP: 0.7 }, softmax(1, [2, 3])],
    [{ topP: 0.1 }, [0, 0, 1, 0]],
    [{ temperature: 0 }, [0, 0, 1, 0]],
  ])('follows the probabilities with %o', (how, want) => {
    shares(how).forEach((s, i) => expect(s).toBeCloseTo(want[i] ?? NaN, 1));
  });

  it('has settings that make sense', () => {
    for (const how of [{ temperature: -1 }, { temperature: NaN }, { topK: 0 }, { topK: 1.5 }, { topP: 0 }, { topP: 1.1 }])
      expect(() => checkSampling(how)).toThrow();
  });

  it('windows begin in steps of half a window', () => {
    expect([1, 10, 11, 15, 16, 20, 21].map((n) => windowStart(n, 10))).toEqual([0, 0, 5, 5, 10, 10, 15]);
    for (let n = 1; n < 100; n++) expect(n - windowStart(n, 7)).toBeLessThanOrEqual(7);
  });

  it('tokens and text', () => {
    const about = { inputs: [], targets: [], output: 'softmax' } as const;
    const chars = tokenizerOf({ ...about, vocabulary: { tokens: 'chars', entries: ['a', 'é'] } });
    expect([chars.encode('éa'), chars.decode(1)]).toEqual([[1, 0], 'é']);
    expect(() => chars.encode('b')).toThrow('none of the 2 characters');
    const bytes = tokenizerOf({ ...about, vocabulary: { tokens: 'bytes', entries: [] } });
    expect(bytes.encode('é').map((t) => bytes.decode(t))).toEqual(['', 'é']);
    expect(tokenizerOf(about).encode('3 1,4')).toEqual([3, 1, 4]);
  });
});
