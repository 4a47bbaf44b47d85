import { at } from '../../base/errors.ts';
import { count, fixedShape } from '../../base/types.ts';
import { OPS, isView, recordOf } from '../../ir/graph/ops.ts';
import type { Graph, NodeId } from '../../ir/graph/types.ts';
import * as ix from '../../ir/kernel/index-math.ts';
import { readings } from './access.ts';
import { Needs } from './in-order.ts';
import type { LaidOut } from './lay-out.ts';
import type { Log } from './log.ts';
import { axisName } from './naming.ts';
import type { Fused } from './types.ts';

/** A thread processes a whole row only if there are enough rows to keep a device busy. */
const MIN_ROWS = 32;
/** Values of this many elements are not computed long before they are needed. */
const LARGE = 65_536;
/** The most operations in one kernel, so that shaders stay small. */
const MAX_OPERATIONS = 64;

/** A group while it is merged; threads are distributed over `rows`, a prefix of every root's shape. */
interface Draft {
  readonly roots: readonly NodeId[];
  readonly inlined: readonly NodeId[];
  readonly rows: readonly number[];
  /** Contains a product or a scattered sum; these are tiled over their own result only. */
  readonly heavy: boolean;
  /** Groups that must run before. */
  readonly needs: Set<number>;
  readonly loop: number | undefined;
}

/**
 * Merges groups that read each other's results only in their own rows: a softmax or a normalisation makes a few passes over each row in one
 * kernel, and a product is stored with everything computed from it element by element.
 */
export function mergeRows(laid: LaidOut, groups: readonly Fused[], log: Log): Fused[] {
  return new Merger(laid, groups, log).run();
}

class Merger {
  private readonly drafts = new Map<number, Draft>();
  private readonly home = new Map<NodeId, number>();
  /** The groups that need a group. */
  private readonly neededBy = new Map<number, Set<number>>();
  private readonly graph: Graph;
  private readonly stored: Set<NodeId>;
  private readonly log: Log;
  private readonly needs: Needs;

  constructor(laid: LaidOut, groups: readonly Fused[], log: Log) {
    const { graph } = laid;
    this.graph = graph;
    this.log = log;
    this.needs = new Needs(laid, groups);
    this.stored = new Set(groups.flatMap((g) => g.roots));
    groups.forEach((g, i) => g.roots.forEach((r) => this.home.set(r, i)));
    groups.forEach((g, i) => {
      const heavy = [...g.roots, ...g.inlined].some((id) => recordOf(at(graph.nodes, id)).sum?.tiled === true);
      const rows = fixedShape(at(graph.nodes, at(g.roots, 0)).type.shape);
      const needs = this.needs.of(i);
      this.drafts.set(i, { ...g, rows, heavy, needs, loop: laid.loopOf(at(g.roots, 0)) });
      for (const n of needs) this.usersOf(n).add(i);
    });
  }

  private usersOf(i: number): Set<number> {
    const users = this.neededBy.get(i) ?? new Set();
    this.neededBy.set(i, users);
    return users;
  }

  run(): Fused[] {
    for (const i of [...this.drafts.keys()]) {
      for (;;) {
        const c = this.drafts.get(i);
        if (!c) break;
        const producer = [...c.needs].sort((a, b) => b - a).find((p) => this.tryMerge(p, i));
        if (producer === undefined) break;
      }
    }
    return this.sorted().map(({ roots, inlined, rows }) => ({ roots, inlined, rank: rows.length }));
  }

  /** Merges producer `p` into consumer `c`, if that is allowed. */
  private tryMerge(p: number, c: number): boolean {
    const [a, b] = [this.drafts.get(p), this.drafts.get(c)];
    if (!a || !b) return false;
    const rows = a.rows.length < b.rows.length ? a.rows : b.rows;
    const roots = [...a.roots, ...b.roots].sort((x, y) => x - y);
    const obstacle = this.obstacle(a, b, rows, roots) ?? this.obstacleAround(p, c, a, b, rows);
    if (obstacle !== undefined) {
      this.log.pair(a.roots, b.roots, `stay apart: ${obstacle}`);
      return false;
    }
    const elements = a.roots.reduce((n, r) => n + count(at(this.graph.nodes, r).type.shape), 0);
    this.log.pair(a.roots, b.roots, `become one kernel over rows of [${rows.join(', ')}]: a dispatch and up to ${elements} loads less`);
    const inlined = [...new Set([...a.inlined, ...b.inlined])].filter((id) => !roots.includes(id)).sort((x, y) => x - y);
    const needs = new Set([...a.needs, ...b.needs].filter((n) => n !== p && n !== c));
    this.drafts.delete(p);
    this.drafts.set(c, { roots, inlined, rows, heavy: a.heavy, needs, loop: a.loop });
    roots.forEach((r) => this.home.set(r, c));
    for (const n of a.needs) this.usersOf(n).delete(p);
    for (const n of needs) this.usersOf(n).add(c);
    for (const user of this.usersOf(p)) {
      if (user === c) continue;
      this.drafts.get(user)?.needs.delete(p);
      this.drafts.get(user)?.needs.add(c);
      this.usersOf(c).add(user);
    }
    this.neededBy.delete(p);
    return true;
  }

  /** What in the two groups themselves prevents merging. */
  private obstacle(a: Draft, b: Draft, rows: readonly number[], roots: readonly NodeId[]): string | undefined {
    if (a.loop !== b.loop) return 'one of them is in a loop, or they are in two';
    if (b.heavy) return 'the second is a product or a scattered sum, which has threads of its own';
    if (a.heavy && rows.length !== a.rows.length) return 'the first is a product, of which each thread has only a tile';
    if (!roots.every((r) => this.startsWith(r, rows))) return 'their shapes do not start with the same rows';
    const inner = roots.some((r) => at(this.graph.nodes, r).type.shape.length > rows.length);
    if (a.heavy && inner) return 'the second goes through rows, of which a tile of a product has only a part';
    const lines = rows.reduce((n, d) => n * d, 1);
    if (inner && lines < MIN_ROWS) return `${lines} rows keep too few threads busy`;
    // Lanes can share a few long rows and stay busy, but not in a kernel with several sums.
    if (lines < MIN_ROWS && this.sums(a) > 0 && this.sums(b) > 0) return `${lines} long sums are shared by lanes one at a time`;
    if (roots.length + a.inlined.length + b.inlined.length > MAX_OPERATIONS) return 'the shader would be too large';
    return undefined;
  }

  /** What in the other groups, or in how the consumer reads the producer, prevents merging. */
  private obstacleAround(p: number, c: number, a: Draft, b: Draft, rows: readonly number[]): string | undefined {
    if (this.keepsLong(p, c, b)) return 'a large value would be kept from the forward to the backward pass';
    if (this.readsJoined(a, b)) return 'the second reads the first as a part of a vector in memory';
    if (this.otherWay(p, c)) return 'a third kernel lies between them';
    if (!this.inRows(a, b, rows)) return 'the second reads the first in other rows than its own';
    return undefined;
  }

  private startsWith(root: NodeId, rows: readonly number[]): boolean {
    const shape = fixedShape(at(this.graph.nodes, root).type.shape);
    return rows.every((d, i) => shape[i] === d);
  }

  private sums(d: Draft): number {
    return [...d.roots, ...d.inlined].filter((id) => OPS[at(this.graph.nodes, id).op].family === 'reduce').length;
  }

  /** Whether a large value of the backward pass would be computed in the forward pass and kept until needed. */
  private keepsLong(p: number, c: number, consumer: Draft): boolean {
    const loss = this.graph.outputs['loss'] ?? -1;
    const elements = consumer.roots.reduce((n, r) => n + count(at(this.graph.nodes, r).type.shape), 0);
    if (elements < LARGE || Math.min(...consumer.roots) <= loss) return false;
    return [...this.usersOf(p)].some((i) => i !== c && Math.max(...(this.drafts.get(i)?.roots ?? [])) < loss);
  }

  /** Whether the consumer reads an elided concatenation of which the producer stores a part. */
  private readsJoined(a: Draft, b: Draft): boolean {
    const roots = new Set(a.roots);
    const seen = new Set<string>();
    const within = (id: NodeId, joined: boolean): boolean => {
      if (roots.has(id)) return joined;
      const key = `${id}/${String(joined)}`;
      if (seen.has(key)) return false;
      seen.add(key);
      const node = at(this.graph.nodes, id);
      const concat = node.op === 'concat' && !this.home.has(id);
      return (concat || isView(node)) && node.inputs.some((i) => within(i, joined || concat));
    };
    return [...b.roots, ...b.inlined].some((id) => at(this.graph.nodes, id).inputs.some((i) => within(i, false)));
  }

  /** Whether the consumer also depends on the producer through a third group. */
  private otherWay(p: number, c: number): boolean {
    const seen = new Set<number>();
    const reaches = (i: number): boolean => {
      if (i === p) return true;
      if (seen.has(i)) return false;
      seen.add(i);
      for (const n of this.drafts.get(i)?.needs ?? []) if (reaches(n)) return true;
      return false;
    };
    return [...(this.drafts.get(c)?.needs ?? [])].some((n) => n !== p && reaches(n));
  }

  /** Whether the consumer reads the producer's results only in its own row. */
  private inRows(a: Draft, b: Draft, rows: readonly number[]): boolean {
    const of = new Set(a.roots);
    const own = rows.map((extent, i) => ix.showIndex(ix.variable(axisName(i), extent)));
    return b.roots.every((root) => {
      const shape = fixedShape(at(this.graph.nodes, root).type.shape);
      const point = shape.map((extent, i) => ix.variable(axisName(i), extent));
      return readings(this.graph, root, point, of, this.stored).every((r) =>
        own.every((name, i) => ix.showIndex(r.point[i] ?? ix.ZERO) === name),
      );
    });
  }

  /** The groups in topological order, otherwise ordered by their last roots. */
  private sorted(): Draft[] {
    const last = (d: Draft): number => Math.max(...d.roots);
    const order = [...this.drafts].sort(([, a], [, b]) => last(a) - last(b));
    const done = new Set<number>();
    const result: Draft[] = [];
    const put = ([i, d]: readonly [number, Draft]): void => {
      if (done.has(i)) return;
      done.add(i);
      for (const n of [...d.needs].sort((x, y) => x - y)) {
        const needed = this.drafts.get(n);
        if (needed) put([n, needed]);
      }
      result.push(d);
    };
    order.forEach(put);
    return result;
  }
}
