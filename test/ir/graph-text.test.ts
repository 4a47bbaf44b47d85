import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { CompilerBug } from '../../src/base/errors.ts';
import { check, compile } from '../../src/compile.ts';
import { GraphBuilder } from '../../src/ir/graph/builder.ts';
import { parseGraph } from '../../src/ir/graph/parse.ts';
import { printGraph } from '../../src/ir/graph/print.ts';
import type { Graph, Node } from '../../src/ir/graph/types.ts';
import { verifyGraph } from '../../src/ir/graph/verify.ts';
import { gradientPipeline, runPasses } from '../../src/passes/pipeline.ts';
import { Random } from '../support/random.ts';
import { SMALL_EXAMPLES } from '../support/examples.ts';
import { randomGraph } from '../support/random-graph.ts';

function same(graph: Graph): void {
  const text = printGraph(graph);
  const read = parseGraph(text);
  expect(read).toEqual(graph);
  expect(printGraph(read)).toBe(text);
}

describe('the text of the tensor IR', () => {
  it.each(SMALL_EXAMPLES)('%s is read back to the same graph after every pass', (file) => {
    const source = { name: file, text: readFileSync(`examples/${file}`, 'utf8') };
    const { model } = check(source);
    if (!model?.training) throw new Error('the example has no loss');
    same(model.training);
    same(runPasses(model.training, gradientPipeline(model.params.map((p) => p.name))));
    compile(model, { rows: 50, observe: (_program, _pass, graph) => same(graph) });
  });

  it.each(Array.from({ length: 60 }, (_, i) => i))('random graph %i is read back to the same graph', (seed) => {
    const r = new Random(1000 + seed);
    same(randomGraph(r, r.int(3, 16)).graph);
  });

  it('keeps quotes, backslashes and line breaks of names', () => {
    const { model } = check({
      name: 'q.nn',
      text: 'input x: [2, 3]\nlayer einsum(x, equation="bij->bji") -> flatten -> Linear(6, 1)\nloss mse',
    });
    if (!model?.training) throw new Error('no loss');
    expect(model.training.nodes.some((n) => n.name?.includes('"'))).toBe(true);
    same(model.training);
    const b = new GraphBuilder('g');
    b.outputs['y'] = b.within({ name: 'a "b" \\ c\nd', loc: 'x y.nn:1:2' }, () => b.full(1, { dtype: 'f32', shape: [2] }));
    same(b.graph());
  });

  it.each([
    ['garbage', 'graph g {\n  hello\n}', "cannot read 'hello'"],
    ['an unknown operation', 'graph g {\n  %0 = frobnicate : f32[1]\n}', "'frobnicate' is not an operation"],
    ['a wrong type', 'graph g {\n  %0 = input {name="x"} : f32[2]\n  %1 = exp %0 : f32[3]\n}', '%1 = exp is f32[3] and should be f32[2]'],
    ['a missing end', 'graph g {\n', 'a graph starts with'],
  ])('%s is refused', (_what, text, message) => {
    expect(() => parseGraph(text)).toThrow(message);
  });
});

describe('the verifier of the tensor IR', () => {
  const build = (): { graph: Graph; nodes: Node[] } => {
    const b = new GraphBuilder('g');
    const x = b.add('input', [], { name: 'x' }, { dtype: 'f32', shape: [2, 3] });
    const w = b.add('state', [], { name: 'w' }, { dtype: 'f32', shape: [3] });
    b.outputs['y'] = b.sum(b.op('mul', x, b.broadcast(w, [2, 3], [1])), [0]);
    b.writes.push({ state: 'w', value: b.outputs['y'] });
    const graph = b.graph();
    return { graph, nodes: [...graph.nodes] };
  };
  const broken: [string, (n: Node[]) => Partial<Graph>, string][] = [
    [
      'a use before its definition',
      (n) => ({ nodes: n.map((x) => (x.op === 'mul' ? { ...x, inputs: [0, 4] } : x)) }),
      'which is not before it',
    ],
    ['a wrong id', (n) => ({ nodes: n.map((x, i) => (i === 1 ? { ...x, id: 7 } : x)) }), 'calls itself'],
    ['too few operands', (n) => ({ nodes: n.map((x) => (x.op === 'mul' ? { ...x, inputs: [0] } : x)) }), 'has 1 operands'],
    [
      'a wrong shape',
      (n) => ({ nodes: n.map((x) => (x.op === 'mul' ? ({ ...x, type: { dtype: 'f32', shape: [3, 2] } } as Node) : x)) }),
      'should be f32[2, 3]',
    ],
    ['an output that does not exist', () => ({ outputs: { y: 99 } }), 'does not exist'],
    ['a write to what is no state', () => ({ writes: [{ state: 'v', value: 4 }] }), 'is no state'],
    ['a write of another shape', () => ({ writes: [{ state: 'w', value: 0 }] }), 'and gets f32[2, 3]'],
  ];
  it.each(broken)('finds %s and names the pass', (_what, change, message) => {
    const { graph, nodes } = build();
    verifyGraph(graph, 'building');
    const trial = (): void => verifyGraph({ ...graph, ...change(nodes) }, 'a broken pass');
    expect(trial).toThrow(CompilerBug);
    expect(trial).toThrow(message);
    expect(trial).toThrow('after a broken pass');
  });

  it('blames the pass that broke the graph', () => {
    const { graph } = build();
    expect(() => runPasses(graph, [{ name: 'vandal', about: '', run: (g) => ({ ...g, outputs: { y: 42 } }) }])).toThrow('after vandal');
  });
});
