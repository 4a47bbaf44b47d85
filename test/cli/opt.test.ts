import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parseGraph } from '../../src/ir/graph/parse.ts';
import { PASSES } from '../../src/passes/by-name.ts';
import { nnc, temporary } from '../support/cli.ts';

const dir = temporary();
const written = async (name: string, ...args: readonly string[]): Promise<string> => {
  const { code, stdout, stderr } = await nnc('dump', ...args);
  expect([code, stderr]).toEqual([0, '']);
  writeFileSync(join(dir, name), stdout);
  return join(dir, name);
};

describe('nnc opt', () => {
  it('runs passes on what nnc dump prints', async () => {
    const file = await written('house.graph', 'examples/house.nn', '--stage', 'forward');
    const { code, stdout } = await nnc('opt', file, '--passes', 'differentiate,simplify,cse,dce', '--batch', '4');
    expect(code).toBe(0);
    const graph = parseGraph(stdout);
    expect(Object.keys(graph.outputs)).toContain('grad:0.weight');
    expect(graph.nodes[0]?.type.shape).toEqual([4, 1]);
  });

  it('reads a program of the stage fused back, which no pass changes any more', async () => {
    const file = await written('moons.graph', 'examples/moons.nn', '--stage', 'fused', '--program', 'train');
    const { stdout } = await nnc('opt', file, '--passes', 'simplify,cse,dce', '--diff');
    expect(stdout.match(/\(nothing changes\)/g)).toHaveLength(3);
  });

  it('has every pass, and each gives a graph', async () => {
    const text = 'input x: [6, 3]\nlayer LSTM(3, 4, last=true) -> Linear(4, 1)\nloss mse\n';
    writeFileSync(join(dir, 'lstm.nn'), text);
    const file = await written('lstm.graph', join(dir, 'lstm.nn'), '--stage', 'forward');
    for (const pass of Object.keys(PASSES)) {
      const { code, stdout } = await nnc('opt', file, '--passes', pass, '--batch', '2');
      expect(code, pass).toBe(0);
      const ops = parseGraph(stdout).nodes.map((n) => n.op);
      expect(ops.includes('scan'), pass).toBe(pass !== 'unroll');
    }
  });

  it('holds the results after each pass against those before', async () => {
    const file = await written('spirals.graph', 'examples/spirals.nn', '--stage', 'grad');
    const { code, stderr } = await nnc(
      'opt',
      file,
      '--passes',
      'simplify,cse,dce',
      '--batch',
      '4',
      '--verify',
      '-o',
      join(dir, 'out.graph'),
    );
    expect(code).toBe(0);
    const rows = stderr
      .trim()
      .split('\n')
      .slice(-4)
      .map((line) => line.trim().split(/ {2,}/));
    expect(rows.map(([pass]) => pass)).toEqual(['bind', 'simplify', 'cse', 'dce']);
    for (const [, results, error] of rows.slice(1)) {
      expect(Number(results)).toBeGreaterThan(4);
      expect(Number(error)).toBeLessThan(1e-9);
    }
    const unbound = await nnc('opt', file, '--passes', 'cse', '--verify');
    expect([unbound.code, unbound.stderr]).toMatchSnapshot();
  });

  it('looks for the smallest graph on which passes fail', async () => {
    const file = await written('tip.graph', 'examples/moons.nn', '--stage', 'forward');
    const text = readFileSync(file, 'utf8');
    // Without a loss there is nothing to differentiate.
    writeFileSync(file, text.replace(/^ *output loss = .*\n/m, ''));
    const out = join(dir, 'small.graph');
    const { code, stdout, stderr } = await nnc('opt', file, '--passes', 'cse,differentiate', '--batch', '4', '--reduce', '-o', out);
    expect([code, stdout]).toEqual([0, '']);
    expect(stderr).toMatchSnapshot();
    expect(parseGraph(readFileSync(out, 'utf8')).nodes.length).toBeLessThan(3);
    const fine = await nnc('opt', out, '--passes', 'cse', '--reduce');
    expect([fine.code, fine.stdout, fine.stderr]).toMatchSnapshot();
  });

  it('passes over smaller graphs that cannot be computed, and batches of any size where no numbers are needed', async () => {
    // Without the absolute value the row is none of the table.
    const indexed = `graph p {
  %0 = param {name="w"} : f32[8, 3]
  %1 = const {value=-4} : f32[2]
  %2 = abs %1 : f32[2]
  %3 = cast %2 {dtype="i32"} : i32[2]
  %4 = gather %0, %3 : f32[2, 3]
  output y = %4
}
`;
    writeFileSync(join(dir, 'indexed.graph'), indexed);
    const first = await nnc('opt', join(dir, 'indexed.graph'), '--passes', 'differentiate', '--reduce');
    expect([first.code, first.stderr]).toMatchSnapshot();
    const unbound = `graph s {
  %0 = param {name="w"} : f32[]
  %1 = input {name="x"} : f32[B, 3]
  %2 = reduce_sum %1 {axes=[0,1]} : f32[]
  %3 = mul %2, %0 : f32[]
  %4 = reshape %3 {shape=[1]} : f32[1]
  %5 = reshape %1 {shape=["B",3,1]} : f32[B, 3, 1]
  output loss = %4
  output y = %5
}
`;
    writeFileSync(join(dir, 'unbound.graph'), unbound);
    const second = await nnc('opt', join(dir, 'unbound.graph'), '--passes', 'differentiate', '--reduce');
    expect([second.code, second.stderr]).toMatchSnapshot();
  });

  it('takes the overflow of binary16 for what the pass is there for', async () => {
    const large = `graph h {
  %0 = const {value=100000} : f32[4, 3]
  %1 = param {name="w"} : f32[4, 3]
  %2 = mul %0, %1 : f32[4, 3]
  %3 = contract %2, %2 {spec="ab,cb->ac"} : f32[4, 4]
  output y = %3
}
`;
    writeFileSync(join(dir, 'large.graph'), large);
    const { code, stderr } = await nnc('opt', join(dir, 'large.graph'), '--passes', 'precision', '--verify', '-o', join(dir, 'out.graph'));
    expect([code, stderr]).toMatchSnapshot();
  });

  it('shows what a pass takes away and adds, how long it took, and writes the result', async () => {
    const file = join(dir, 'sum.graph');
    writeFileSync(
      file,
      'graph g {\n  %0 = input {name="x"} : f32[2]\n  %1 = const {value=0} : f32[2]\n  %2 = add %0, %1 : f32[2]\n  %3 = exp %2 : f32[2]\n  output y = %3\n}\n',
    );
    const out = join(dir, 'out.graph');
    const { stdout, stderr } = await nnc('opt', file, '--passes', 'simplify', '--diff', '--times', '-o', out);
    expect(stdout).toMatchInlineSnapshot(`
      "# simplify: 4 nodes, 2 after
      - const {value=0} : f32[2]
      - add(input, const) : f32[2]
      - exp(add) : f32[2]
      - output y = exp(add) : f32[2]
      + exp(input) : f32[2]
      + output y = exp(input) : f32[2]
      "
    `);
    expect(stderr).toMatch(/^g\npass +nodes +after +ms\nsimplify +4 +2 +[\d.]+\n$/);
    expect(readFileSync(out, 'utf8')).toBe('graph g {\n  %0 = input {name="x"} : f32[2]\n  %1 = exp %0 : f32[2]\n  output y = %1\n}\n');
  });

  it.each([
    ['graph g {\n  %0 = input {name="x"} : f32[2]\n', 'holds no graph: a graph starts with `graph NAME {` and ends with `}`'],
    ['graph g {\n  %0 = exp %1 : f32[2]\n}\n', "graph 'g' is broken: %0 uses %1, which is not before it"],
    ['graph g {\n  %0 = nothing : f32[2]\n}\n', "'nothing' is not an operation"],
  ])('refuses what is no graph', async (text, says) => {
    const file = join(dir, 'wrong.graph');
    writeFileSync(file, text);
    const { code, stdout, stderr } = await nnc('opt', file, '--passes', 'cse');
    expect([code, stdout]).toEqual([2, '']);
    expect(stderr).toContain('error[NN502]');
    expect(stderr).toContain(says);
    expect(stderr).toContain('help: nnc dump FILE --stage forward prints one');
  });

  it('knows its passes', async () => {
    const { code, stderr } = await nnc('opt', 'any.graph', '--passes', 'cze');
    expect(code).toBe(2);
    expect(stderr).toContain("there is no pass 'cze'");
    expect(stderr).toContain("did you mean 'cse'?");
  });
});

describe('nnc dump', () => {
  it('--why --line tells of one line alone', async () => {
    const { stdout } = await nnc('dump', 'examples/house.nn', '--stage', 'fused', '--program', 'train', '--why', '--line', '4');
    const lines = stdout.trimEnd().split('\n');
    expect(lines[0]).toBe('# program train, line 4');
    expect(lines.length).toBeGreaterThan(5);
    for (const l of lines.slice(1)) expect(l).toMatch(/house\.nn:4:|^\[/);
    expect((await nnc('dump', 'examples/house.nn', '--stage', 'fused', '--line', '4')).stderr).toContain(
      '--line goes with --stage fused --why',
    );
  });

  it('--program names one of the programs', async () => {
    const { code, stderr } = await nnc('dump', 'examples/house.nn', '--stage', 'fused', '--program', 'trian');
    expect(code).toBe(2);
    expect(stderr).toContain("did you mean 'train'?");
  });
});
