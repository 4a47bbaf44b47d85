import { at } from '../../base/errors.ts';
import { showType } from '../../base/types.ts';
import type { Graph, NodeId } from '../../ir/graph/types.ts';

/** The scheduler's decisions and their reasons, for the reader. */
export class Log {
  readonly lines: string[] = [];
  private readonly graph: Graph;

  constructor(graph: Graph) {
    this.graph = graph;
  }

  /** `%12 = mul : f32[4] (house.nn:3:7) is stored: ...` */
  note(id: NodeId, text: string): void {
    const { op, type, loc } = at(this.graph.nodes, id);
    this.lines.push(`%${id} = ${op} : ${showType(type)}${loc ? ` (${loc})` : ''} ${text}`);
  }

  /** A note about two groups, named by their roots. */
  pair(a: readonly NodeId[], b: readonly NodeId[], text: string): void {
    const name = (ids: readonly NodeId[]): string => `[${ids.map((id) => `%${id}`).join(' ')}]`;
    this.lines.push(`${name(a)} and ${name(b)} ${text}`);
  }
}
