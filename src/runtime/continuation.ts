import { fail } from '../base/errors.ts';
import { stepUniforms, type Session } from './session.ts';

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
    if (tokens.length === 0) fail('NN304', 'there is no token to go on from');
    const bad = tokens.find((t) => !(Number.isInteger(t) && t >= 0 && t < width));
    if (bad !== undefined) fail('NN304', `${bad} is none of the ${width} tokens, which are 0 to ${width - 1}`);
    const seen = tokens.slice(windowStart(tokens.length, length));
    const last = seen.length - 1;
    session.write(
      input.arena,
      input.offset,
      Int32Array.from({ length }, (_, i) => seen[i] ?? 0),
    );
    if (!plan.row) {
      await session.run(['predict'], stepUniforms(plan, 0, 1, { seed: 0, total: 1 }));
      return (await session.read(output.arena, output.offset + last * width, width)) as Float32Array;
    }
    const known = this.on === session ? this.rows : [];
    const same = known.findIndex((t, i) => t !== seen[i]);
    // The last row is always computed, since its scores are asked for.
    let from = Math.min(last, same < 0 ? known.length : same);
    [this.on, this.rows] = [undefined, []];
    while (from <= last) {
      const n = Math.min(plan.chunk, last + 1 - from);
      await session.run(Array<string>(n).fill('row'), stepUniforms(plan, from, n, { seed: 0, total: 1 }));
      from += n;
    }
    [this.on, this.rows] = [session, seen];
    return (await session.read(output.arena, output.offset, width)) as Float32Array;
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
