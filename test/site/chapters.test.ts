import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { agree, numbersBehind, type Cell } from '../../site/chapters/chapter.ts';
import { CHAPTERS } from '../../site/chapters/all.ts';
import { readTensors } from '../../src/exports/data.ts';
import { torchStart } from '../../src/library/torch-start.ts';
import { compile } from '../../src/library/program.ts';
import { printsOf } from '../../src/library/prints.ts';
import { load } from '../../src/exports/runtime.ts';

/** Every number that the chapters print beside PyTorch's, and every challenge. */
const cells = CHAPTERS.flatMap((c) =>
  c.parts.filter((p): p is Cell => typeof p !== 'string').map((cell, i) => ({ name: `${c.id} ${i}`, cell })),
);

/** What a program prints, and the losses of its training. */
async function run(text: string): Promise<{ readonly printed: readonly string[]; readonly losses: readonly number[] }> {
  const program = compile(text);
  if (!program.model) return { printed: printsOf(program), losses: [] };
  const { data, weights } = torchStart(program);
  const model = await load(program.plan({ data, devices: 'cpu' }), { data, weights, device: 'cpu' });
  const losses: number[] = [];
  await model.train({ onLosses: (_first, some) => losses.push(...some) });
  const printed = printsOf(program, { data, weights: await model.weights() });
  model.destroy();
  return { printed: [...printed, `first loss ${losses[0] ?? NaN}`, `last loss ${losses.at(-1) ?? NaN}`], losses };
}

describe('the programs of the chapters', () => {
  it.each(cells)('$name prints what PyTorch prints', async ({ cell }) => {
    const { printed } = await run(cell.nn);
    for (const { label, numbers } of cell.gives) {
      const found = numbersBehind(printed, label);
      expect(agree(found, numbers, cell.trains ? 1e-5 : 5e-7), `${label}: ${String(found)} for ${String(numbers)}`).toBe(true);
    }
  });

  it('the house is the one that PyTorch trained', () => {
    const { gives = [] } = cells.find((c) => c.cell.trains)?.cell ?? {};
    const losses = JSON.parse(readFileSync('test/parity/house/losses.json', 'utf8')) as number[];
    expect(agree(gives[0]?.numbers, [losses[0] ?? NaN], 1e-7)).toBe(true);
    expect(agree(gives[1]?.numbers, [losses.at(-1) ?? NaN], 1e-7)).toBe(true);
    // What its final weights say to a house of 3.0.
    const w = readTensors(readFileSync('test/parity/house/final.safetensors'));
    const of = (name: string): ArrayLike<number> => w[name]?.data ?? [];
    let price = of('2.bias')[0] ?? NaN;
    for (let i = 0; i < 16; i++) price += (of('2.weight')[i] ?? 0) * Math.max(0, 3 * (of('0.weight')[i] ?? 0) + (of('0.bias')[i] ?? 0));
    expect(agree([price], gives[2]?.numbers ?? [], 1e-6), String(price)).toBe(true);
  });

  it.each(CHAPTERS)('the challenge of $id is open at the start, and its answer solves it', async ({ challenge }) => {
    const { goal, start, change } = challenge;
    expect(start.split(change[0])).toHaveLength(2);
    const answer = start.replace(...change);
    const solved = async (text: string): Promise<boolean> => {
      const wrong = compile(text).diagnostics.some((d) => d.severity === 'error');
      if (wrong) return false;
      const { printed, losses } = await run(text);
      return 'lossBelow' in goal ? (losses.at(-1) ?? NaN) < goal.lossBelow : agree(numbersBehind(printed, goal.label), goal.numbers, 1e-3);
    };
    expect([await solved(start), await solved(answer)]).toEqual([false, true]);
  });
});
