import { at, get } from '../base/errors.ts';

/**
 * An e-graph (Nelson, 1980; Willsey et al., egg: Fast and Extensible Equality Saturation, 2021): classes of terms that are known to be equal.
 * A term is an operation on classes, so a few nodes stand for a great many expressions.
 */
export interface Term {
  readonly op: string;
  readonly args: readonly number[];
}

interface Class {
  nodes: Term[];
  /** The value, if it is a constant. */
  constant: number | undefined;
}

const keyOf = ({ op, args }: Term): string => `${op} ${args.join()}`;

/** The operation of a constant term. */
export const constantOp = (value: number): string => `=${Object.is(value, -0) ? 0 : value}`;

export class EGraph {
  private readonly parents: number[] = [];
  private readonly classes = new Map<number, Class>();
  private known = new Map<string, number>();
  private readonly fold: (op: string, values: readonly number[]) => number | undefined;

  /** `fold` computes an operation on constants. */
  constructor(fold: (op: string, values: readonly number[]) => number | undefined) {
    this.fold = fold;
  }

  /** The class that a class has become. */
  find(id: number): number {
    let root = id;
    while (at(this.parents, root) !== root) root = at(this.parents, root);
    // Later searches are shorter.
    for (let i = id; i !== root;) {
      const next = at(this.parents, i);
      this.parents[i] = root;
      i = next;
    }
    return root;
  }

  add(op: string, args: readonly number[] = []): number {
    const term: Term = { op, args: args.map((a) => this.find(a)) };
    const key = keyOf(term);
    const before = this.known.get(key);
    if (before !== undefined) return this.find(before);
    const id = this.parents.length;
    this.parents.push(id);
    this.classes.set(id, { nodes: [term], constant: op.startsWith('=') ? Number(op.slice(1)) : undefined });
    this.known.set(key, id);
    this.evaluate(id, term);
    return this.find(id);
  }

  /** A term of constants is one. */
  private evaluate(id: number, { op, args }: Term): void {
    if (args.length === 0 || get(this.classes, this.find(id)).constant !== undefined) return;
    const values = args.map((a) => get(this.classes, this.find(a)).constant);
    if (values.some((v) => v === undefined)) return;
    const value = this.fold(op, values as number[]);
    if (value !== undefined && Number.isFinite(value)) this.union(id, this.add(constantOp(value)));
  }

  union(a: number, b: number): boolean {
    const [p, q] = [this.find(a), this.find(b)];
    if (p === q) return false;
    const [into, from] = [get(this.classes, p), get(this.classes, q)];
    this.parents[q] = p;
    into.nodes.push(...from.nodes);
    into.constant ??= from.constant;
    this.classes.delete(q);
    return true;
  }

  /** Merges terms whose operands have become equal, until none are left. */
  rebuild(): void {
    for (let changed = true; changed;) {
      changed = false;
      this.known = new Map();
      for (const [id, c] of [...this.classes]) {
        if (this.find(id) !== id) continue;
        const own = new Map<string, Term>();
        for (const node of c.nodes) {
          const term: Term = { op: node.op, args: node.args.map((a) => this.find(a)) };
          own.set(keyOf(term), term);
        }
        c.nodes = [...own.values()];
        for (const [key, term] of own) {
          const other = this.known.get(key);
          if (other !== undefined && this.union(other, id)) changed = true;
          this.known.set(key, this.find(id));
          this.evaluate(this.find(id), term);
        }
      }
    }
  }

  ids(): readonly number[] {
    return [...this.classes.keys()];
  }

  nodesOf(id: number): readonly Term[] {
    return get(this.classes, this.find(id)).nodes;
  }

  constantOf(id: number): number | undefined {
    return get(this.classes, this.find(id)).constant;
  }

  get size(): number {
    return this.known.size;
  }

  /** The cheapest term of each class, where `cost` is that of an operation without its operands. */
  cheapest(cost: (op: string) => number): ReadonlyMap<number, Term> {
    const costs = new Map<number, number>();
    const best = new Map<number, Term>();
    for (let changed = true; changed;) {
      changed = false;
      for (const [id, { nodes }] of this.classes)
        for (const node of nodes) {
          const total = node.args.reduce((n, a) => n + (costs.get(this.find(a)) ?? Infinity), cost(node.op));
          if (total >= (costs.get(id) ?? Infinity)) continue;
          costs.set(id, total);
          best.set(id, node);
          changed = true;
        }
    }
    return best;
  }
}
