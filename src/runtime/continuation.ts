import { mustBe } from '../base/calls.ts';
import { fail } from '../base/errors.ts';
import { stepUniforms, type Session } from './session.ts';

/** So many rows are computed all at once. */
const FEW = 6;

/**
 * The scores of the token that follows others. The model sees a window of at most T tokens; when it is full, the older half is forgotten, so
 * that most tokens cost one row. What the device computed for the rows before is kept there.
 */
export class Continuation {
  /** The tokens whose rows are on the device, and the session that has them. */
  private rows: readonly number[] = [];
  private on: Session | undefined;

  /** The scores of the token after `tokens`; only rows that are new since the last call are computed. */
  async after(session: Session, tokens: readonly number[]): Promise<Float32Array> {
    const { plan } = session;
    const input = plan.row?.input ?? plan.predict.inputs[0];
    const output = plan.row?.output ?? plan.predict.output;
    const length = input?.shape[1] ?? 0;
    const width = output.shape.at(-1) ?? 0;
    if (!input || length === 0 || input.dtype !== 'i32' || output.shape.length !== 3 || output.shape[0] !== 1)
      return fail('NN305', 'this plan was not compiled for generating text', { help: 'make it with: program.plan({ generate: true })' });
    mustBe(Array.isArray(tokens) || ArrayBuffer.isView(tokens), 'tokens are a list of numbers', tokens);
    if (tokens.length === 0) fail('NN304', 'there is no token to go on from');
    const seen = tokens.slice(windowStart(tokens.length, length));
    const bad = seen.find((t) => !(Number.isInteger(t) && t >= 0 && t < width));
    if (bad !== undefined) fail('NN304', `${bad} is none of the ${width} tokens, which are 0 to ${width - 1}`);
    const last = seen.length - 1;
    const window = Int32Array.from({ length }, (_, i) => seen[i] ?? 0);
    const known = this.on === session ? this.rows : [];
    const same = known.findIndex((t, i) => t !== seen[i]);
    // The last row is always computed, since its scores are asked for.
    const from = Math.min(last, same < 0 ? known.length : same);
    [this.on, this.rows] = [undefined, []];
    // Several rows at once are products of matrices, which cost little more than a few rows one after the other.
    const whole = plan.row ? (last + 1 - from >= FEW ? plan.row.fill : undefined) : { input, output };
    const place = whole ?? plan.row ?? { input, output };
    session.write(place.input.arena, place.input.offset, window);
    const run = { seed: 0, total: 1 };
    if (whole) await session.run([plan.row ? 'fill' : 'predict'], stepUniforms(plan, 0, 1, run));
    else await session.run(Array<string>(last + 1 - from).fill('row'), stepUniforms(plan, from, last + 1 - from, run));
    if (plan.row) [this.on, this.rows] = [session, seen];
    return (await session.read(place.output.arena, place.output.offset + (whole ? last * width : 0), width)) as Float32Array;
  }

  /** Computes everything again the next time: the weights have changed. */
  forget(): void {
    this.on = undefined;
  }
}

/** Where the window of `count` tokens begins: in steps of half a window, so that it is rarely computed anew. */
export function windowStart(count: number, length: number): number {
  const half = Math.max(1, Math.floor(length / 2));
  return count <= length ? 0 : Math.ceil((count - length) / half) * half;
}
