import { performance } from 'node:perf_hooks';
import { CompilerBug, fail } from '../../base/errors.ts';
import { columns } from '../../base/show.ts';
import { hint } from '../../base/suggest.ts';
import { parseGraphs } from '../../ir/graph/parse.ts';
import { printGraph } from '../../ir/graph/print.ts';
import type { Graph } from '../../ir/graph/types.ts';
import { PASSES, runByName, type Ran } from '../../passes/by-name.ts';
import { bindBatch } from '../../passes/graph/cleanup.ts';
import { ALLOWED, movedBy, type Moved } from '../../verify/passes.ts';
import { reduceGraph } from '../../verify/reduce.ts';
import { programText } from '../../data/utf8.ts';
import { readUserFile, writeOutput } from '../files.ts';
import { note, print } from '../terminal.ts';

export interface OptFlags {
  readonly passes: readonly string[];
  readonly batch?: number;
  readonly diff?: boolean;
  readonly times?: boolean;
  readonly verify?: boolean;
  readonly reduce?: boolean;
  readonly output?: string;
}

/** The seed of the random numbers that results are compared on. */
const SEED = 1;

/** Runs passes on the graphs of a file: the result, or what each pass takes away and adds. */
export async function opt(path: string, flags: OptFlags): Promise<void> {
  for (const name of flags.passes)
    if (!Object.hasOwn(PASSES, name)) fail('NN501', `there is no pass '${name}'`, { help: hint(name, Object.keys(PASSES), 'passes') });
  const graphs = graphsOf(path, programText(path, await readUserFile(path)));
  if (flags.reduce) return reduced(graphs, flags);
  const all = graphs.map((graph) => ({ graph, ran: runByName(graph, flags.passes, flags.batch, () => performance.now()) }));
  const tables = flags.verify ? all.map(({ graph, ran }) => verified(graph, ran)) : [];
  const result = all.map(({ graph, ran }) => printGraph(ran.at(-1)?.after ?? graph)).join('');
  if (flags.output !== undefined) await writeOutput(flags.output, result);
  if (flags.diff) print(all.flatMap(({ ran }) => ran.map(differences)).join('\n'));
  else if (flags.output === undefined) print(result.trimEnd());
  if (flags.times) for (const { graph, ran } of all) note(timesOf(graph, ran));
  tables.forEach(note);
}

const allowed = (pass: string): number => (PASSES[pass]?.rounds ? Infinity : ALLOWED);

/** A table of what each pass changed of the results; it fails if that is more than rounding. */
function verified(graph: Graph, ran: readonly Ran[]): string {
  const moved = ran.map((r) => ({ name: r.name, ...movedOf(r) }));
  const wrong = moved.filter((m) => !(m.error <= allowed(m.name)));
  const rows = moved.map(({ name, results, error, worst }) => [name, String(results), error.toExponential(1), error > 0 ? worst : '']);
  const table = `${graph.name}\n${columns([['pass', 'results', 'worst difference', 'of'], ...rows])}`;
  if (wrong.length) throw new CompilerBug(`a pass changes what the graph computes\n${table}`);
  return table;
}

/** Batches of any size have no numbers to compare. */
function movedOf(ran: Ran): Moved {
  if (ran.name !== 'bind' && ran.before.nodes.some((n) => n.type.shape.some((d) => typeof d !== 'number')))
    fail('NN501', 'the batch has no size, so there are no numbers to compare', { help: 'give it one with --batch 4' });
  return ran.name === 'bind' ? { results: 0, worst: '', error: 0 } : movedBy(ran, SEED);
}

/** The smallest graphs found on which the passes fail as they do on those of the file. */
async function reduced(graphs: readonly Graph[], { passes, batch, output }: OptFlags): Promise<void> {
  const found = graphs.flatMap((whole) => {
    const graph = batch === undefined ? whole : bindBatch(whole, batch);
    const failure = failureOf(graph, passes);
    if (!failure) return [];
    const small = reduceGraph(graph, (g) => failsAs(failure, g, passes));
    return [{ graph, small, failure: failureOf(small, passes) ?? failure }];
  });
  if (found.length === 0)
    fail('NN501', 'nothing fails: the passes run, and change none of the results', { help: 'name the passes that fail with --passes' });
  const result = found.map(({ small }) => printGraph(small)).join('');
  if (output !== undefined) await writeOutput(output, result);
  else print(result.trimEnd());
  for (const { graph, small, failure } of found)
    note(
      `${graph.name}: ${small.nodes.length} of ${graph.nodes.length} nodes are left on which the passes fail in this way: ${failure.text}`,
    );
}

interface Failure {
  /** Equal for failures of one kind. */
  readonly kind: string;
  readonly text: string;
}

/** A graph that cannot be computed, because of an index beyond its table for instance, fails in a way of its own. */
function failsAs({ kind }: Failure, graph: Graph, passes: readonly string[]): boolean {
  try {
    return failureOf(graph, passes)?.kind === kind;
  } catch (e) {
    if (e instanceof Error) return false;
    throw e;
  }
}

/** How passes fail on a graph: by an error, or by other results. */
function failureOf(graph: Graph, passes: readonly string[]): Failure | undefined {
  let ran: readonly Ran[];
  try {
    ran = runByName(graph, passes, undefined, () => 0);
  } catch (e) {
    if (!(e instanceof Error)) throw e;
    return { kind: e.message.replace(/\d+/g, '0'), text: e.message };
  }
  const wrong = ran.find((r) => !(movedOf(r).error <= allowed(r.name)));
  return wrong && { kind: wrong.name, text: `${wrong.name} changes what is computed` };
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
