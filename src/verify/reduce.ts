import { CompilerBug } from '../base/errors.ts';
import { parseGraph } from '../ir/graph/parse.ts';
import { printGraph } from '../ir/graph/print.ts';
import type { Graph, NodeId, NodeOf } from '../ir/graph/types.ts';
import { dce } from '../passes/graph/cleanup.ts';
import { rebuild } from '../passes/graph/rewrite.ts';

/**
 * The smallest graph found that still fails: parts are taken out as long as it does (Zeller and Hildebrandt, Simplifying and isolating
 * failure-inducing input, 2002), along what graphs are made of: results, what lies before and behind a node, single nodes, and sizes.
 * At most `tries` graphs are tried.
 */
export function reduceGraph(graph: Graph, fails: (graph: Graph) => boolean, tries = 5000): Graph {
  let smallest = graph;
  let left = tries;
  for (let again = true; again;) {
    again = false;
    for (const candidate of candidates(smallest)) {
      if (left-- <= 0) return smallest;
      if (!fails(candidate)) continue;
      smallest = candidate;
      again = true;
      break;
    }
  }
  return smallest;
}

/** Graphs with something less, those with much less first. */
function* candidates(graph: Graph): Generator<Graph> {
  yield* withFewerResults(graph);
  yield* endingEarlier(graph);
  yield* startingLater(graph);
  yield* withoutOne(graph);
  yield* ofSmallerSizes(graph);
}

/** One result alone, and all but one. */
function* withFewerResults(graph: Graph): Generator<Graph> {
  const outputs = Object.entries(graph.outputs);
  if (outputs.length + graph.writes.length < 2) return;
  for (const [name, id] of outputs) yield dce({ ...graph, outputs: { [name]: id }, writes: [] });
  for (const write of graph.writes) yield dce({ ...graph, outputs: {}, writes: [write] });
  for (const [name] of outputs) yield dce({ ...graph, outputs: Object.fromEntries(outputs.filter(([other]) => other !== name)) });
  for (const write of graph.writes) yield dce({ ...graph, writes: graph.writes.filter((w) => w !== write) });
}

/** A node in the place of a result that needs it. */
function* endingEarlier(graph: Graph): Generator<Graph> {
  for (const [name, result] of Object.entries(graph.outputs))
    for (const id of graph.nodes.keys()) if (id < result) yield dce({ ...graph, outputs: { ...graph.outputs, [name]: id } });
  for (const write of graph.writes)
    for (const id of graph.nodes.keys())
      if (id < write.value && sameType(graph, id, write.value))
        yield dce({ ...graph, writes: graph.writes.map((w) => (w === write ? { ...w, value: id } : w)) });
}

/** An input in the place of a node, so that what it was computed from is gone. */
function* startingLater(graph: Graph): Generator<Graph> {
  const taken = new Set(graph.nodes.flatMap((n) => (n.op === 'input' ? [(n as NodeOf<'input'>).attrs.name] : [])));
  let cuts = 0;
  while (taken.has(`cut${cuts}`)) cuts++;
  const name = `cut${cuts}`;
  for (const { id, op } of [...graph.nodes].reverse())
    if (op !== 'input') yield dce(rebuild(graph, (n, _, b) => (n.id === id ? b.add('input', [], { name }, n.type) : undefined)));
}

/** An operand in the place of a node. */
function* withoutOne(graph: Graph): Generator<Graph> {
  for (const { id, inputs } of graph.nodes)
    for (const [place, operand] of inputs.entries())
      if (sameType(graph, id, operand)) yield dce(rebuild(graph, (n, operands) => (n.id === id ? operands[place] : undefined)));
}

const sameType = (graph: Graph, a: NodeId, b: NodeId): boolean =>
  JSON.stringify(graph.nodes[a]?.type) === JSON.stringify(graph.nodes[b]?.type);

/** The same with a smaller number wherever one stands, if that is a graph. */
function* ofSmallerSizes(graph: Graph): Generator<Graph> {
  const text = printGraph(graph);
  const sizes = [...new Set(text.match(/(?<![\w%.-])\d+\b(?!\.)/g) ?? [])].map(Number).sort((a, b) => b - a);
  for (const size of sizes)
    for (const smaller of [1, 2, Math.ceil(size / 2), size - 1].filter((n) => n > 0 && n < size)) {
      const tried = graphIn(text.replace(new RegExp(`(?<![\\w%.-])${size}\\b(?!\\.)`, 'g'), String(smaller)));
      if (tried) yield tried;
    }
}

/** The graph of a text, unless it is none. */
function graphIn(text: string): Graph | undefined {
  try {
    return parseGraph(text);
  } catch (e) {
    if (e instanceof CompilerBug) return undefined;
    throw e;
  }
}
