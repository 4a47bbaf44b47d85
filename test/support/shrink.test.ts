import { expect, it } from 'vitest';
import { check } from '../../src/compile.ts';
import { randomProgram } from './random-program.ts';
import { shrink } from './shrink.ts';

/** The first random program with a word in it. */
function programWith(word: string): string {
  for (let seed = 0; ; seed++) {
    const text = randomProgram(seed);
    if (text.includes(word)) return text;
  }
}

it.each(['LSTM(', 'sort(', 'attention(', 'repeat 2', 'Conv2d(', 'mish'])(
  'a program that fails because of %s shrinks to a few lines',
  async (word) => {
    const program = programWith(word);
    const fails = (text: string): Promise<boolean> =>
      Promise.resolve(text.includes(word) && check({ name: 'a.nn', text }).model?.training !== undefined);
    const small = await shrink(program, fails);
    expect(await fails(small)).toBe(true);
    expect(small.trim().split('\n').length, small).toBeLessThanOrEqual(7);
  },
);
