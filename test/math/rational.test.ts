import { describe, expect, it } from 'vitest';
import { GraphBuilder } from '../../src/ir/graph/builder.ts';
import type { NodeId } from '../../src/ir/graph/types.ts';
import { agree } from '../../src/math/agree.ts';
import { linesOf } from '../../src/math/formula.ts';
import { lowestTerms } from '../../src/math/rational.ts';
import { dce } from '../../src/passes/graph/cleanup.ts';

const SCALAR = { dtype: 'f32', shape: [] } as const;

/** A graph of x and y, and what makes expressions of it. */
function calculator() {
  const b = new GraphBuilder('x');
  const [x = -1, y = -1] = ['x', 'y'].map((name) => b.add('input', [], { name }, SCALAR));
  const number = (value: number): NodeId => b.full(value, SCALAR);
  const op = (name: 'add' | 'sub' | 'mul' | 'div' | 'sqrt' | 'pow' | 'exp', ...args: readonly (NodeId | undefined)[]): NodeId =>
    b.op(name, ...args.map((a) => a ?? -1));
  return { b, x, y, number, op };
}

/** The forms that an expression has in lowest terms. */
function forms(build: (c: ReturnType<typeof calculator>) => NodeId): (string | undefined)[] {
  const c = calculator();
  return lowestTerms(c.b, build(c)).map((id) => {
    c.b.outputs['out'] = id;
    return linesOf(dce(c.b.graph()), { out: 'out' }).at(-1)?.text;
  });
}

describe('lowest terms', () => {
  it('leave out what is above and below', () => {
    // (x^2 - y^2)/(x - y)
    const difference = forms(({ x, y, op }) => op('div', op('sub', op('mul', x, x), op('mul', y, y)), op('sub', x, y)));
    expect(difference).toEqual(['x + y']);
    // 1/(1 - x) + 1/(1 + x)
    const sum = forms(({ x, number, op }) =>
      op('add', op('div', number(1), op('sub', number(1), x)), op('div', number(1), op('add', number(1), x))),
    );
    expect(sum[1]).toBe('2/(1 - x^2)');
  });

  it('know what the square of a root is', () => {
    // (1 - x^2)/sqrt(1 - x^2), and with the root above.
    const root = ({ x, number, op }: ReturnType<typeof calculator>) => {
      const inside = op('sub', number(1), op('mul', x, x));
      return { inside, root: op('sqrt', inside) };
    };
    expect(forms((c) => c.op('div', root(c).inside, root(c).root))).toEqual(['sqrt(1 - x^2)']);
    expect(forms((c) => c.op('div', root(c).root, root(c).inside))[0]).toBe('1/sqrt(1 - x^2)');
    // x^2/(1 + sqrt(1 + x^2)) is sqrt(1 + x^2) - 1.
    expect(
      forms(({ x, number, op }) => {
        const square = op('mul', x, x);
        return op('div', square, op('add', number(1), op('sqrt', op('add', number(1), square))));
      }),
    ).toEqual(['sqrt(x^2 + 1) - 1']);
  });

  it('take everything else for a variable', () => {
    // (e^2 - 1)/(e + 1)
    const quotient = forms(({ x, number, op }) => {
      const e = op('exp', x);
      return op('div', op('sub', op('pow', e, number(2)), number(1)), op('add', e, number(1)));
    });
    expect(quotient).toEqual(['exp(x) - 1']);
  });

  it('are not looked for where there is a quotient by 0, or too much to write', () => {
    expect(forms(({ x, op }) => op('div', x, op('sub', x, x)))).toEqual([]);
    expect(
      forms(({ b, x, y, number, op }) => {
        const more = ['z', 'u', 'v'].map((name) => b.add('input', [], { name }, SCALAR));
        const all = [x, y, ...more, number(1)].reduce((p, q) => op('add', p, q));
        return op('pow', all, number(8));
      }),
    ).toEqual([]);
  });
});

describe('two formulas agree', () => {
  it('where they are the same number, and nowhere else', () => {
    const { b, x, number, op } = calculator();
    const [small, large] = [op('sub', op('sqrt', op('add', op('mul', x, x), number(1))), number(0)), b.op('abs', x)];
    const far = b.op('lt', number(1e4), x);
    expect(agree(b, small, large, [{ condition: far, holds: true }])).toBe(true);
    expect(agree(b, small, large, [{ condition: far, holds: false }])).toBe(false);
  });

  it('is not known of two variables, or where they cannot be computed', () => {
    const { b, x, y, number, op } = calculator();
    expect(agree(b, op('add', x, y), op('add', y, x), [])).toBe(false);
    const never = b.op('lt', x, x);
    expect(agree(b, x, x, [{ condition: never, holds: true }])).toBe(false);
    const root = op('sqrt', op('sub', number(-1), op('mul', x, x)));
    expect(agree(b, root, root, [])).toBe(false);
  });
});
