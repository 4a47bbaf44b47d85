import { describe, expect, it } from 'vitest';
import { GraphBuilder } from '../../src/ir/graph/builder.ts';
import { parseGraph } from '../../src/ir/graph/parse.ts';
import { printGraph } from '../../src/ir/graph/print.ts';
import type { Graph } from '../../src/ir/graph/types.ts';
import { rebuild } from '../../src/passes/graph/rewrite.ts';
import { movedBy } from '../../src/verify/passes.ts';
import { reduceGraph } from '../../src/verify/reduce.ts';

const f32 = (...shape: number[]) => ({ dtype: 'f32', shape }) as const;

/** Three layers with an output and a written state, in which `exp` reads a product. */
function large(): Graph {
  const b = new GraphBuilder('large');
  let x = b.add('input', [], { name: 'x' }, f32(8, 12));
  for (const i of [0, 1, 2]) {
    const w = b.add('param', [], { name: `w${i}` }, f32(12, 12));
    const product = b.contract('ab,cb->ac', x, w);
    const shifted = b.op('sub', b.op(i === 1 ? 'exp' : 'tanh', product), b.op('abs', x));
    x = b.op('add', b.op('neg', shifted), x);
  }
  b.outputs['y'] = x;
  b.outputs['z'] = b.op('sin', x);
  b.writes.push({ state: 'seen', value: b.op('mul', x, x) });
  return b.graph();
}

const has = (g: Graph, op: string, from: string): boolean =>
  g.nodes.some((n) => n.op === op && n.inputs.some((i) => g.nodes[i]?.op === from));

describe('the smallest graph that still fails', () => {
  it('is the node and what it reads, at the size that matters', () => {
    const wide = (g: Graph): boolean => g.nodes.some((n) => n.op === 'contract' && Number(n.type.shape[0]) > 2);
    expect(printGraph(reduceGraph(large(), (g) => has(g, 'exp', 'contract') && wide(g)))).toMatchInlineSnapshot(`
      "graph large {
        %0 = input {name="cut1"} : f32[3, 1]
        %1 = input {name="cut0"} : f32[1, 1]
        %2 = contract %0, %1 {spec="ab,cb->ac"} : f32[3, 1]
        %3 = exp %2 : f32[3, 1]
        output y = %3
      }
      "
    `);
  });

  it('may be a write or what takes a node out', () => {
    const written = reduceGraph(large(), (g) => g.writes.length > 0);
    expect([written.nodes.map((n) => n.op), Object.keys(written.outputs)]).toEqual([['input'], []]);
    const both = reduceGraph(large(), (g) => ['exp', 'sin'].every((op) => g.nodes.some((n) => n.op === op)));
    expect(both.nodes.map((n) => n.op)).toEqual(['input', 'exp', 'sin']);
    expect(both.nodes[0]?.type.shape).toEqual([1, 1]);
  });

  it('is the whole if nothing less fails, and is looked for only so long', () => {
    const graph = large();
    const text = printGraph(graph);
    expect(reduceGraph(graph, (g) => printGraph(g) === text)).toBe(graph);
    let tried = 0;
    reduceGraph(graph, () => ++tried < 0, 10);
    expect(tried).toBe(10);
  });

  it('shows a pass that computes something else', () => {
    /** A law that somebody got wrong: a - b as b - a, unless they are one. */
    const flip = (g: Graph): Graph => rebuild(g, (n, [x = 0, y = 0], b) => (n.op === 'sub' && x !== y ? b.op('sub', y, x) : undefined));
    const moved = (g: Graph): number => movedBy({ name: 'flip', before: g, after: flip(g), milliseconds: 0 }, 1).error;
    expect(moved(large())).toBeGreaterThan(0.1);
    const small = reduceGraph(large(), (g) => moved(g) > 1e-6);
    expect(small.nodes.map((n) => n.op)).toEqual(['input', 'input', 'sub']);
    expect(moved(parseGraph(printGraph(small)))).toBeGreaterThan(1e-6);
  });
});

describe('what a pass moved', () => {
  const graphs = (before: string, after: string): [Graph, Graph] => {
    const graph = (body: string): Graph => parseGraph(`graph g {\n  %0 = input {name="x"} : f32[4]\n${body}}\n`);
    return [graph(before), graph(after)];
  };
  const error = ([before, after]: readonly [Graph, Graph]) => movedBy({ name: 'p', before, after, milliseconds: 0 }, 1);

  it('is told by result, and is nothing where neither side is a number', () => {
    const log = (more: string): string =>
      `  %1 = neg %0 : f32[4]\n  %2 = abs %1 : f32[4]\n  %3 = neg %2 : f32[4]\n  %4 = log %3 : f32[4]\n${more}`;
    const same = log('  output y = %4\n');
    expect(error(graphs(same, same))).toEqual({ results: 1, worst: '', error: 0 });
    expect(
      error(
        graphs('  %1 = exp %0 : f32[4]\n  output y = %0\n  output z = %1\n', '  %1 = neg %0 : f32[4]\n  output y = %0\n  output z = %1\n'),
      ),
    ).toMatchObject({
      results: 2,
      worst: 'z',
    });
  });

  it('is without bound where one side is a number and the other is not, or has another size', () => {
    const log = '  %1 = abs %0 : f32[4]\n  %2 = neg %1 : f32[4]\n  %3 = log %2 : f32[4]\n  output y = %3\n';
    expect(error(graphs('  output y = %0\n', log)).error).toBe(Infinity);
    expect(error(graphs('  output y = %0\n', '  %1 = reduce_sum %0 {axes=[0]} : f32[]\n  output y = %1\n')).error).toBe(Infinity);
  });
});
