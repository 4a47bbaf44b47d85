import { performance } from 'node:perf_hooks';
import { CompilerBug, fail } from '../../base/errors.ts';
import { columns } from '../../base/show.ts';
import { hint } from '../../base/suggest.ts';
import { parseGraphs } from '../../ir/graph/parse.ts';
import { printGraph } from '../../ir/graph/print.ts';
import type { Graph } from '../../ir/graph/types.ts';
import { PASSES, runByName, type Ran } from '../../passes/by-name.ts';
import { readUserFile, writeFileSafely } from '../files.ts';
import { note, print } from '../terminal.ts';

export interface OptFlags {
  readonly passes: readonly string[];
  readonly batch?: number;
  readonly diff?: boolean;
  readonly times?: boolean;
  readonly output?: string;
}

/** Runs passes on the graphs of a file: the result, or what each pass takes away and adds. */
export async function opt(path: string, flags: OptFlags): Promise<void> {
  for (const name of flags.passes)
    if (!Object.hasOwn(PASSES, name)) fail('NN501', `there is no pass '${name}'`, { help: hint(name, Object.keys(PASSES), 'passes') });
  const graphs = graphsOf(path, new TextDecoder().decode(await readUserFile(path)));
  const all = graphs.map((graph) => ({ graph, ran: runByName(graph, flags.passes, flags.batch, () => performance.now()) }));
  const result = all.map(({ graph, ran }) => printGraph(ran.at(-1)?.after ?? graph)).join('');
  if (flags.output !== undefined) await writeFileSafely(flags.output, result);
  if (flags.diff) print(all.flatMap(({ ran }) => ran.map(differences)).join('\n'));
  else if (flags.output === undefined) print(result.trimEnd());
  if (flags.times) for (const { graph, ran } of all) note(timesOf(graph, ran));
}

/** What people write is not ours to be sure of: a graph that cannot be read is an error with a way out. */
function graphsOf(path: string, text: string): Graph[] {
  try {
    return parseGraphs(text);
  } catch (e) {
    if (!(e instanceof CompilerBug)) throw e;
    return fail('NN502', `${path} holds no graph: ${e.message}`, { help: 'nnc dump FILE --stage forward prints one' });
  }
}

function timesOf(graph: Graph, ran: readonly Ran[]): string {
  const rows = ran.map(({ name, before, after, milliseconds }) => [
    name,
    String(before.nodes.length),
    String(after.nodes.length),
    milliseconds.toFixed(1),
  ]);
  return `${graph.name}\n${columns([['pass', 'nodes', 'after', 'ms'], ...rows])}`;
}

/** The lines that a pass takes away and adds. Nodes are told by what they compute, since a pass numbers them anew. */
function differences({ name, before, after }: Ran): string {
  const [was, is] = [described(before), described(after)];
  const count = (list: readonly string[]): Map<string, number> => {
    const found = new Map<string, number>();
    for (const text of list) found.set(text, (found.get(text) ?? 0) + 1);
    return found;
  };
  const less = (from: readonly string[], those: Map<string, number>): string[] =>
    from.filter((text) => {
      const left = those.get(text) ?? 0;
      those.set(text, left - 1);
      return left <= 0;
    });
  const [gone, added] = [less(was, count(is)), less(is, count(was))];
  const lines = [...gone.map((l) => `- ${l}`), ...added.map((l) => `+ ${l}`)];
  return `# ${name}: ${before.nodes.length} nodes, ${after.nodes.length} after\n${lines.length ? lines.join('\n') : '  (nothing changes)'}`;
}

/** Each node with its operands as operations: `add(mul, const) : f32[4]`. */
function described(graph: Graph): string[] {
  const nodes = graph.nodes.map((n) => {
    const line =
      printGraph({ name: '', nodes: [n], outputs: {}, writes: [] })
        .split('\n')
        .at(-3) ?? '';
    const [, op = '', rest = ''] = /^ *%\d+ = (\w+)(?: %\d+,?)*(.*)$/.exec(line) ?? [];
    const operands = n.inputs.map((i) => graph.nodes[i]?.op ?? '').join(', ');
    return `${op}${operands ? `(${operands})` : ''}${rest}`;
  });
  const named = (id: number): string => nodes[id] ?? '';
  return [
    ...nodes,
    ...Object.entries(graph.outputs).map(([n, id]) => `output ${n} = ${named(id)}`),
    ...graph.writes.map((w) => `write ${w.state} = ${named(w.value)}`),
  ];
}
