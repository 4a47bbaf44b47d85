import type { NodeId } from '../ir/graph/types.ts';
import { at, get } from '../base/errors.ts';
import type { Model } from '../sema/model.ts';
import { callsOf, isFixed, liveNodes, type Call } from './net-graph.ts';

/** What is drawn as one box: a call of a layer, the calls inside a block, or a place where values meet. */
export interface Part {
  readonly id: string;
  readonly kind: 'layer' | 'block' | 'joint';
  /** Of a block: what the paths of its calls begin with. */
  readonly path: string;
  readonly calls: Call[];
  /** Of a joint: its operation. */
  readonly op: string;
  /** The last of its nodes so far. */
  last: NodeId;
}

export interface Flow {
  readonly parts: readonly Part[];
  readonly arrows: readonly { readonly from: string; readonly to: string }[];
  /** Whether all of the model is calls of layers, and no value flows twice through one of them. */
  readonly plain: boolean;
}

export const INPUT = 'input:';
export const OUTPUT = 'output';

/** How values flow between layers, as the prediction graph computes them. */
export function flowOf({ predict }: Pick<Model, 'predict'>): Flow {
  const output = get(new Map(Object.entries(predict.outputs)), 'pred', 'output');
  const nodes = liveNodes(predict, output).filter((n) => !isFixed(n));
  const calls = callsOf(nodes);
  const depth = depthOf([...new Set(calls.values())]);
  const parts: Part[] = [];
  const byKey = new Map<string, Part>();
  const arrows = new Map<string, { readonly from: string; readonly to: string }>();
  /** The parts whose values a node holds, without those that came in between. */
  const sources = new Map<NodeId, ReadonlySet<string>>();
  let plain = true;
  const order = new Map<string, number>();
  const known = (id: string): Part | undefined => parts[(order.get(id) ?? 0) - 1];

  const part = (key: string, kind: Part['kind'], path: string, op: string): Part => {
    const found = byKey.get(key);
    if (found) return found;
    const made: Part = { id: `part${parts.length}`, kind, path, calls: [], op, last: -1 };
    byKey.set(key, made);
    order.set(made.id, parts.push(made));
    return made;
  };
  const connect = (from: string, to: string): void => {
    if (from === to) return;
    // A layer that is used again later would need an arrow back up, which nobody could follow.
    if ((order.get(from) ?? 0) > (order.get(to) ?? 0)) plain = false;
    else arrows.set(`${from} ${to}`, { from, to });
  };
  /** The block around a node that has no name itself, as the sum at the end of a residual block: all that it reads flows into the block. */
  const around = (from: ReadonlySet<string>): Part | undefined =>
    [...from]
      .map(known)
      .filter((p) => p?.kind === 'block')
      .findLast((p) => p && [...from].every((s) => s === p.id || arrows.has(`${s} ${p.id}`)));

  for (const node of nodes) {
    const from = new Set(node.inputs.flatMap((i) => [...(sources.get(i) ?? [])]));
    const call = calls.get(node.id);
    let own: ReadonlySet<string> = from;
    if (node.op === 'input') own = new Set([INPUT + node.attrs.name]);
    else if (call) {
      const steps = call.path.split('.');
      const inside = steps.length > depth + 1;
      const path = inside ? steps.slice(0, depth + 1).join('.') : call.path;
      const into = inside ? part(`block ${path}`, 'block', path, '') : part(`call ${at(call.nodes, 0)}`, 'layer', path, '');
      if (!into.calls.includes(call)) into.calls.push(call);
      for (const s of from) connect(s, into.id);
      into.last = node.id;
      own = new Set([into.id]);
    } else {
      if (node.name !== 'normalize') plain = false;
      if (from.size > 1) {
        const into = around(from) ?? part(`joint ${node.id}`, 'joint', '', node.op);
        for (const s of from) connect(s, into.id);
        own = new Set([into.id]);
      }
    }
    sources.set(node.id, own);
  }
  for (const s of sources.get(output) ?? []) arrows.set(`${s} ${OUTPUT}`, { from: s, to: OUTPUT });
  return { parts, arrows: [...arrows.values()], plain };
}

/** How many steps all paths have in common: a model that is one block is drawn as what is inside. */
function depthOf(calls: readonly Call[]): number {
  const paths = calls.map((c) => c.path.split('.'));
  const [first = []] = paths;
  let depth = 0;
  while (paths.every((p) => p.length > depth + 1 && p[depth] === first[depth])) depth++;
  return depth;
}
