import { uniformAt } from '../base/random.ts';
import { fail } from '../base/errors.ts';

/** How the next token is chosen from its scores. */
export interface Sampling {
  /** Divides the scores: below 1 likely tokens become likelier, and 0 always takes the likeliest. 1 by default. */
  readonly temperature?: number | undefined;
  /** Only the so many likeliest tokens can be chosen. */
  readonly topK?: number | undefined;
  /** Only the likeliest tokens can be chosen that together have this probability. */
  readonly topP?: number | undefined;
  /** The seed of the choice; 0 by default. */
  readonly seed?: number | undefined;
}

/** The stream of random numbers for choices of tokens. */
const STREAM = 0x30000;

export function checkSampling({ temperature = 1, topK, topP }: Sampling): void {
  if (!(temperature >= 0 && temperature < Infinity)) fail('NN501', `the temperature is a number from 0 on, and not ${temperature}`);
  if (topK !== undefined && !(Number.isInteger(topK) && topK >= 1)) fail('NN501', `top-k is a whole number from 1 on, and not ${topK}`);
  if (topP !== undefined && !(topP > 0 && topP <= 1)) fail('NN501', `top-p is a number above 0 and at most 1, and not ${topP}`);
}

/** The token at place `n` of a text, chosen by its scores (logits). Ties go to the lower token. */
export function chooseToken(scores: ArrayLike<number>, n: number, { temperature = 1, topK, topP, seed = 0 }: Sampling): number {
  const all = Array.from(scores, (_, i) => i);
  const score = (i: number): number => scores[i] ?? -Infinity;
  const peak = all.reduce((best, i) => (score(i) > score(best) ? i : best), 0);
  if (temperature === 0 || topK === 1) return peak;
  const sorts = topK !== undefined || topP !== undefined;
  const order = sorts ? all.sort((a, b) => score(b) - score(a) || a - b).slice(0, topK) : all;
  const weights = order.map((i) => Math.exp((score(i) - score(peak)) / temperature));
  let total = weights.reduce((a, b) => a + b, 0);
  let kept = order.length;
  if (topP !== undefined) {
    const enough = topP * total;
    let sum = 0;
    kept = weights.findIndex((w) => (sum += w) >= enough) + 1 || order.length;
    total = weights.slice(0, kept).reduce((a, b) => a + b, 0);
  }
  let left = uniformAt(seed, STREAM, n, 0) * total;
  for (let k = 0; k < kept; k++) {
    left -= weights[k] ?? 0;
    if (left < 0) return order[k] ?? peak;
  }
  return order[kept - 1] ?? peak;
}
