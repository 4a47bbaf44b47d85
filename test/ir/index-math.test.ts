import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import * as ix from '../../src/ir/kernel/index-math.ts';
import type { Expr } from '../../src/ir/kernel/types.ts';

/** What an index is for given variables, straight from its definition. */
function valueOf(x: ix.Index, vars: ReadonlyMap<string, number>): number {
  const atom = (a: ix.Atom): number => {
    if (a.kind === 'var') return vars.get(a.name) ?? NaN;
    if (a.kind === 'value') return NaN;
    return a.kind === 'div' ? Math.floor(valueOf(a.of, vars) / a.by) : valueOf(a.of, vars) % a.by;
  };
  return x.terms.reduce((n, t) => n + t.coefficient * atom(t.atom), x.constant);
}

function evalExpr(e: Expr, vars: ReadonlyMap<string, number>): number {
  if (e.kind === 'literal') return e.value;
  if (e.kind === 'ref') return vars.get(e.name) ?? NaN;
  if (e.kind !== 'call') return NaN;
  const [a = NaN, b = NaN] = e.args.map((x) => evalExpr(x, vars));
  const f: Record<string, number> = { add: a + b, sub: a - b, mul: a * b, div: Math.floor(a / b), mod: a % b };
  const value = f[e.fn] ?? NaN;
  // As unsigned arithmetic: a negative intermediate would wrap.
  if (!(value >= 0)) throw new Error(`${e.fn} gives ${value}`);
  return value;
}

const shape = fc.array(fc.integer({ min: 1, max: 7 }), { minLength: 1, maxLength: 4 });

/** Every assignment of variables below some extents. */
function* assignments(extents: readonly number[]): Iterable<Map<string, number>> {
  const total = extents.reduce((a, b) => a * b, 1);
  for (let n = 0; n < total; n++) {
    let rest = n;
    yield new Map(
      extents.map((e, i) => {
        const v = rest % e;
        rest = Math.floor(rest / e);
        return [`i${i}`, v];
      }),
    );
  }
}

describe('every rewriting of a small index', () => {
  const sizes = [1, 2, 3];
  const all = sizes.flatMap((a) => [[a], ...sizes.flatMap((b) => [[a, b], ...sizes.map((c) => [a, b, c])])]);

  it.each(all.map((extents) => [extents.join(' x '), extents] as const))('over %s is the same number at every place', (_, extents) => {
    const variables = extents.map((e, i) => ix.variable(`i${i}`, e));
    const places = [...assignments(extents)];
    const same = (got: ix.Index, want: (vars: Map<string, number>) => number): void => {
      const expr = ix.toExpr(got);
      const [low, high] = ix.range(got);
      for (const vars of places) {
        const w = want(vars);
        if (valueOf(got, vars) !== w || evalExpr(expr, vars) !== w || w < low || w > high)
          throw new Error(`${JSON.stringify([...vars])}: ${valueOf(got, vars)}, not ${w}`);
      }
    };
    for (const offset of [0, 1, 5])
      for (const order of [extents, [...extents].reverse()]) {
        // Reversed, the strides do not match the extents, so that parts overlap.
        const index = ix.add(ix.constant(offset), ix.linear(variables, order));
        for (let a = 1; a <= 10; a++) {
          const whole = (vars: Map<string, number>): number => valueOf(index, vars);
          same(ix.div(index, a), (v) => Math.floor(whole(v) / a));
          same(ix.mod(index, a), (v) => whole(v) % a);
          for (const c of [2, 3]) {
            same(ix.div(ix.mod(index, a), c), (v) => Math.floor((whole(v) % a) / c));
            same(ix.mod(ix.div(index, a), c), (v) => Math.floor(whole(v) / a) % c);
          }
        }
      }
  });
});

describe('index arithmetic', () => {
  it('quotients and remainders are those of the numbers', () => {
    fc.assert(
      fc.property(
        shape,
        fc.integer({ min: 1, max: 12 }),
        fc.integer({ min: 0, max: 9 }),
        fc.infiniteStream(fc.nat(1000)),
        (extents, by, offset, stream) => {
          const vars = new Map(extents.map((e, i) => [`i${i}`, (stream.next().value ?? 0) % e]));
          const index = ix.add(
            ix.constant(offset),
            ix.linear(
              extents.map((e, i) => ix.variable(`i${i}`, e)),
              extents,
            ),
          );
          const n = valueOf(index, vars);
          for (const [got, want] of [
            [ix.div(index, by), Math.floor(n / by)],
            [ix.mod(index, by), n % by],
          ] as const) {
            expect(valueOf(got, vars)).toBe(want);
            expect(evalExpr(ix.toExpr(got), vars)).toBe(want);
            const [low, high] = ix.range(got);
            expect(want).toBeGreaterThanOrEqual(low);
            expect(want).toBeLessThanOrEqual(high);
          }
        },
      ),
      { numRuns: 2000 },
    );
  });

  it('what is smaller than every other part and the divisor leaves quotients, and is the end of remainders', () => {
    // A head's part of a row in fours: (4 k + lane) mod 32 are four places in a row.
    const four = ix.add(ix.scale(ix.variable('k', 24), 4), ix.LANES);
    expect(ix.mod(four, 32)).toEqual(ix.add(ix.scale(ix.mod(ix.variable('k', 24), 8), 4), ix.LANES));
    expect(ix.div(four, 32)).toEqual(ix.div(ix.variable('k', 24), 8));
    expect(ix.vectorStart(ix.mod(four, 32))).toEqual(ix.scale(ix.mod(ix.variable('k', 24), 8), 4));
    // Together they are the index again.
    expect(ix.add(ix.scale(ix.div(four, 32), 32), ix.mod(four, 32))).toEqual(four);
    // What may be as large as the next unit stays in.
    const more = ix.add(ix.scale(ix.variable('k', 24), 4), ix.variable('j', 5));
    expect(ix.showIndex(ix.div(more, 32))).toBe('1*(1*j+4*k+0/32)+0');
  });

  it('a reshape and back is nothing', () => {
    fc.assert(
      fc.property(shape, (extents) => {
        const total = extents.reduce((a, b) => a * b, 1);
        const vars = extents.map((e, i) => ix.variable(`i${i}`, e));
        const flat = ix.linear(vars, extents);
        expect(ix.delinear(flat, extents)).toEqual(vars);
        const p = ix.variable('p', total);
        expect(ix.linear(ix.delinear(p, extents), extents)).toEqual(p);
      }),
    );
  });

  it('four that run over the end of an axis stay in their row', () => {
    // [5] as [1, 5] in rows of 7: without the axis's own end, place 5 would be the first one of the next row.
    const last = ix.variable('i0', 2);
    const over = ix.overrunning(ix.scale(last, 4), 5);
    const [row = ix.ZERO, column = ix.ZERO] = ix.delinear(over, [1, 5]);
    const at = ix.linear([row, column], [3, 7]);
    expect(ix.isWide(at)).toBe(true);
    expect([0, 1, 2, 3].map((lane) => valueOf(ix.atLane(at, lane), new Map([['i0', 1]])))).toEqual([4, 5, 6, 7]);
    expect(valueOf(ix.vectorStart(at) ?? ix.ZERO, new Map([['i0', 1]]))).toBe(4);
    // Of an axis shorter than a vector the last place stands again for what is not there.
    const short = ix.linear([...ix.delinear(ix.overrunning(ix.ZERO, 2), [1, 2]), ix.constant(6)].slice(-2), [2, 8]);
    expect([0, 1, 2, 3].map((lane) => valueOf(ix.atLane(short, lane), new Map()))).toEqual([6, 14, 14, 14]);
  });

  it('fours that begin at different places are different', () => {
    const [low, high] = [ix.overrunning(ix.ZERO, 5), ix.overrunning(ix.variable('i0', 2), 5)];
    expect(ix.showIndex(low)).not.toBe(ix.showIndex(high));
    const both = ix.add(low, ix.scale(high, 10));
    expect([0, 3].map((lane) => valueOf(ix.atLane(both, lane), new Map([['i0', 1]])))).toEqual([10, 43]);
    expect(ix.vectorStart(both)).toBeUndefined();
  });
});
