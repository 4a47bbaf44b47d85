import { at } from '../../base/errors.ts';
import { leafNamed, loopsOf, type Scan } from '../../ir/graph/scan.ts';
import type { Graph, NodeId } from '../../ir/graph/types.ts';
import { cse, dce } from './cleanup.ts';
import { rebuild } from './rewrite.ts';
import { simplify } from './simplify.ts';

/**
 * Cleans up loops: all results of a loop get one body, which computes what they need and nothing else and is simplified like any graph.
 * Operands that the body no longer reads are dropped.
 */
export function tidyLoops(graph: Graph): Graph {
  const live = dce(graph);
  const tidied = new Map<NodeId, Tidied>();
  for (const results of loopsOf(live.nodes)) {
    const made = tidy(results);
    for (const r of results) tidied.set(r.id, { ...made, name: made.names.get(r.id) });
  }
  if (tidied.size === 0) return graph;
  return rebuild(live, (node, inputs, b) => {
    const made = tidied.get(node.id);
    if (!made || node.op !== 'scan') return undefined;
    const { names, each } = node.attrs;
    const kept = names.filter((name) => made.operands.has(name));
    return b.add(
      'scan',
      kept.map((name) => at(inputs, names.indexOf(name))),
      { ...node.attrs, body: made.body, names: kept, each: each.filter((name) => made.operands.has(name)), of: made.name ?? node.attrs.of },
    );
  });
}

interface Tidied {
  readonly body: Graph;
  /** The operands that the body needs, by name. */
  readonly operands: ReadonlySet<string>;
  /** The output that a result takes. */
  readonly name?: string | undefined;
}

function tidy(results: readonly Scan[]): Tidied & { readonly names: ReadonlyMap<NodeId, string> } {
  const { body } = at(results, 0).attrs;
  // Names may differ between results, as the gradient adds some; nodes do not.
  const outputs: Record<string, NodeId> = {};
  const wanted = new Map<NodeId, NodeId>();
  const last = new Set<string>();
  for (const { id, attrs } of results) {
    if (attrs.take === 'last') last.add(attrs.of);
    else wanted.set(id, attrs.body.outputs[attrs.of] ?? -1);
  }
  for (const node of wanted.values()) outputs[`%${node}`] = node;
  const clean = dce(cse(simplify(withoutDeadStates({ ...body, outputs }, last))));
  // Equal outputs become one, so that the graph around sees that they are equal.
  const named: Record<string, NodeId> = {};
  const nameOf = new Map<string, string>();
  for (const [name, id] of Object.entries(clean.outputs)) {
    const known = Object.entries(named).find(([, other]) => other === id)?.[0];
    if (known === undefined) named[name] = id;
    nameOf.set(name, known ?? name);
  }
  const short = new Map(Object.keys(named).map((name, i) => [name, `y${i}`]));
  const operands = new Set(clean.nodes.flatMap((n) => (n.op === 'input' || n.op === 'state' ? [n.attrs.name] : [])));
  for (const name of last) operands.add(name);
  return {
    body: { ...clean, outputs: Object.fromEntries(Object.entries(named).map(([name, id]) => [short.get(name) ?? name, id])) },
    operands,
    names: new Map([...wanted].map(([id, node]) => [id, short.get(nameOf.get(`%${node}`) ?? '') ?? ''])),
  };
}

/** Drops the writes of states that no result depends on. */
function withoutDeadStates(body: Graph, last: ReadonlySet<string>): Graph {
  const live = new Set<NodeId>();
  const states = new Set<string>();
  const visit = (id: NodeId): void => {
    if (live.has(id)) return;
    live.add(id);
    const node = at(body.nodes, id);
    if (node.op === 'state') need(node.attrs.name);
    node.inputs.forEach(visit);
  };
  const need = (state: string): void => {
    if (states.has(state)) return;
    states.add(state);
    for (const w of body.writes) if (w.state === state) visit(w.value);
  };
  Object.values(body.outputs).forEach(visit);
  last.forEach(need);
  const writes = body.writes.filter((w) => states.has(w.state));
  // A state that only its write mentions stays declared.
  return { ...body, writes: writes.filter((w) => leafNamed(body, w.state) !== undefined) };
}
