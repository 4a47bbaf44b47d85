import { at } from '../../base/errors.ts';
import { isView } from '../../ir/graph/ops.ts';
import type { NodeId } from '../../ir/graph/types.ts';
import type { LaidOut } from './lay-out.ts';
import type { Fused } from './types.ts';

/** Which groups must run before a group. What reads a result of a loop waits for all of the loop, and the loop for all of its operands. */
export class Needs {
  private readonly laid: LaidOut;
  private readonly groups: readonly Fused[];
  private readonly home = new Map<NodeId, number>();
  /** The groups of each loop. */
  private readonly inside = new Map<number, number[]>();
  private readonly loopOfResult: ReadonlyMap<NodeId, number>;

  constructor(laid: LaidOut, groups: readonly Fused[]) {
    this.laid = laid;
    this.groups = groups;
    this.loopOfResult = new Map(laid.loops.flatMap(({ results }, i) => results.map((r) => [r, i] as const)));
    groups.forEach((g, i) => {
      g.roots.forEach((r) => this.home.set(r, i));
      const loop = laid.loopOf(at(g.roots, 0));
      if (loop !== undefined) this.inside.set(loop, [...(this.inside.get(loop) ?? []), i]);
    });
  }

  of(self: number): Set<number> {
    const { graph, loops, loopOf } = this.laid;
    const needs = new Set<number>();
    const look = (id: NodeId): void => {
      const home = this.home.get(id);
      if (home !== undefined && home !== self) needs.add(home);
      const loop = this.loopOfResult.get(id);
      if (loop !== undefined) for (const i of this.inside.get(loop) ?? []) needs.add(i);
      // Look below views and elided concatenations, since each node on the way may be the stored one.
      const node = at(graph.nodes, id);
      if (isView(node) || (node.op === 'concat' && home === undefined)) node.inputs.forEach(look);
    };
    const { roots, inlined } = at(this.groups, self);
    for (const id of [...roots, ...inlined]) at(graph.nodes, id).inputs.forEach(look);
    const own = loopOf(at(roots, 0));
    if (own !== undefined) for (const id of at(loops, own).operands) look(id);
    return needs;
  }
}

/** The groups with those of a loop one behind the other, in the order in which they are where that is possible. */
export function inOrder(laid: LaidOut, groups: readonly Fused[]): readonly Fused[] {
  if (laid.loops.length === 0) return groups;
  const needs = new Needs(laid, groups);
  // A loop counts as one; so does a group outside of loops.
  const unitOf = (i: number): string => {
    const loop = laid.loopOf(at(at(groups, i).roots, 0));
    return loop === undefined ? `group ${i}` : `loop ${loop}`;
  };
  const units = new Map<string, number[]>();
  groups.forEach((_, i) => units.set(unitOf(i), [...(units.get(unitOf(i)) ?? []), i]));
  const done = new Set<string>();
  const result: Fused[] = [];
  const put = (unit: string): void => {
    if (done.has(unit)) return;
    done.add(unit);
    const members = units.get(unit) ?? [];
    const before = members.flatMap((i) => [...needs.of(i)]).sort((a, b) => a - b);
    for (const i of before) if (unitOf(i) !== unit) put(unitOf(i));
    result.push(...members.map((i) => at(groups, i)));
  };
  for (const unit of units.keys()) put(unit);
  return result;
}
