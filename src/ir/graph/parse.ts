import { get, invariant } from '../../base/errors.ts';
import { parseDim, type DType, type Shape } from '../../base/types.ts';
import { OPS } from './ops.ts';
import type { Graph, Node, Op, Write } from './types.ts';
import { verifyGraph } from './verify.ts';

const NODE = /^%(\d+) = (\w+)((?: %\d+,?)*)(?: \{(.*)\})? : (f32|i32|bool)\[([^\]]*)\](?: ("(?:[^"\\]|\\.)*"))?(?: @ (.+))?$/;
/** Attributes that hold dims, where "B" stands for the batch. */
const DIM_ATTRS = new Set(['shape', 'size', 'dim', 'rows']);

function restore(key: string, value: unknown): unknown {
  if (value === 'inf') return Infinity;
  if (value === '-inf') return -Infinity;
  if (!DIM_ATTRS.has(key)) return value;
  if (Array.isArray(value)) return value.map((v) => restore(key, v));
  return typeof value === 'string' ? parseDim(value) : value;
}

/** `axes=[0] value=2` */
function parseAttributes(text: string): Record<string, unknown> {
  const attrs: Record<string, unknown> = {};
  let rest = text;
  while (rest) {
    const match = /^(\w+)=/.exec(rest);
    invariant(match, `cannot read attributes '${rest}'`);
    const key = match[1] ?? '';
    rest = rest.slice(match[0].length);
    // The value ends before ` name=` or at the end of the text; of the candidates, the first that is JSON is right.
    const cuts = [...rest.matchAll(/ (?=\w+=)/g)].map((m) => m.index).concat(rest.length);
    const cut = cuts.find((c) => isJson(rest.slice(0, c)));
    invariant(cut !== undefined, `cannot read the value of '${key}' in '${text}'`);
    attrs[key] = restore(key, JSON.parse(rest.slice(0, cut)));
    rest = rest.slice(cut).trimStart();
  }
  return attrs;
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

function parseShape(text: string): Shape {
  return text === '' ? [] : text.split(', ').map(parseDim);
}

/** Parses the output of `printGraph` and verifies it. Lines that start with # are comments. */
export function parseGraph(text: string): Graph {
  const [graph, ...more] = parseGraphs(text);
  invariant(graph && more.length === 0, `there are ${more.length + 1} graphs, and one is wanted`);
  return graph;
}

/** All graphs of a text, one after the other. */
export function parseGraphs(text: string): Graph[] {
  const lines = text
    .split('\n')
    .map((l) => l.trim())
    .filter((l) => l !== '' && !l.startsWith('#'));
  const graphs: Graph[] = [];
  do graphs.push(graphIn(lines));
  while (lines.length > 0);
  for (const graph of graphs) verifyGraph(graph, 'reading its text');
  return graphs;
}

/** Takes a graph off the front of the lines. */
function graphIn(lines: string[]): Graph {
  const nodes: Node[] = [];
  const outputs: Record<string, number> = {};
  const writes: Write[] = [];
  const bodies = new Map<string, Graph>();
  const head = /^graph (\S+) \{$/.exec(lines.shift() ?? '');
  const unended = 'a graph starts with `graph NAME {` and ends with `}`';
  invariant(head, unended);
  for (;;) {
    const line = lines[0];
    invariant(line !== undefined, unended);
    if (line.startsWith('graph ')) {
      const body = graphIn(lines);
      bodies.set(body.name, body);
      continue;
    }
    lines.shift();
    if (line === '}') return { name: head[1] ?? '', nodes, outputs, writes };
    const node = NODE.exec(line);
    const output = /^output (.+) = %(\d+)$/.exec(line);
    const write = /^write (\S+) = %(\d+)$/.exec(line);
    if (node) nodes.push(nodeOf(node, bodies));
    else if (output) outputs[output[1] ?? ''] = Number(output[2]);
    else if (write) writes.push({ state: write[1] ?? '', value: Number(write[2]) });
    else invariant(false, `cannot read '${line}'`);
  }
}

function nodeOf([, id, op, inputs, text, dtype, shape, name, loc]: RegExpExecArray, bodies: ReadonlyMap<string, Graph>): Node {
  invariant(op && op in OPS, `'${op}' is not an operation`);
  const attrs = parseAttributes(text ?? '');
  if (op === 'scan') attrs['body'] = get(bodies, String(attrs['body']), 'graph');
  return {
    id: Number(id),
    op: op as Op,
    inputs: [...(inputs ?? '').matchAll(/%(\d+)/g)].map((m) => Number(m[1])),
    attrs,
    type: { dtype: dtype as DType, shape: parseShape(shape ?? '') },
    ...(name ? { name: JSON.parse(name) as string } : {}),
    ...(loc ? { loc } : {}),
  } as unknown as Node;
}
