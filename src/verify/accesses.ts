import { isVector } from '../ir/kernel/functions.ts';
import { PLACE, type Buffer, type Expr, type Kernel, type Stmt } from '../ir/kernel/types.ts';
import { affine, inQuotients, keyOf, rangeWhere, times, type Bounds } from './affine.ts';
import { asExpr, conditions, difference, type Guard } from './guards.ts';
import { oneToOne, sameTerms } from './one-to-one.ts';
import { allInside, ownersProblem, type Place, type Threads } from './owners.ts';
import { tableProblems, type TableAccess } from './shared-tables.ts';

/**
 * Proves of a kernel, over its index expressions and for all of its threads at once, that every access is inside its buffer, that no two
 * threads write one element, and that none reads what another writes.
 */
export interface AccessProof {
  readonly accesses: number;
  /** Something was told by going through all threads, since indices are no plain sums. */
  readonly enumerated: boolean;
  readonly problems: readonly string[];
}

interface Access extends Place {
  readonly buffer: Buffer;
  readonly guards: readonly Guard[];
  /** For a value that is read and perhaps dropped: what holds at each of its uses. */
  readonly uses: (readonly Guard[])[] | undefined;
  /** Between which barriers it happens. */
  readonly phase: number;
}

const LANE = 'lane';
const ELEMENT: ReadonlySet<string> = new Set(['x', 'y', 'z', 'w']);

export interface KernelFacts {
  /** Elements past the end of a buffer that may be read, where vectors run over it. */
  readonly beyond: number;
  /** The device answers a read outside of a buffer with some number, so that it does no harm where nothing uses the number. */
  readonly robust: boolean;
  /** The largest value of each uniform that an index uses. */
  readonly uniforms: ReadonlyMap<string, number>;
}

export function proveAccesses(kernel: Kernel, facts: KernelFacts): AccessProof {
  return new Prover(kernel, facts).run();
}

class Prover {
  private readonly kernel: Kernel;
  private readonly facts: KernelFacts;
  private readonly bounds: Bounds = new Map();
  private readonly buffers: ReadonlyMap<string, Buffer>;
  /** Whole numbers with a name; names are unique in a kernel. */
  private readonly names = { lets: new Map<string, Expr>(), tables: new Map<string, readonly Expr[]>() };
  private readonly extents = new Map<string, number>();
  private readonly reads: Access[] = [];
  private readonly writes: Access[] = [];
  /** Reads that only have a name so far. */
  private readonly named = new Map<string, Access>();
  private readonly problems: string[] = [];
  /**
   * Barriers so far, which order what lanes do in buffers, or in the workgroup's own memory: what happens between the same two may happen
   * at once.
   */
  private readonly phase = { buffers: 0, shared: 0 };
  /** In the second round of a loop, where only what is between barriers is new. */
  private again = false;
  private readonly tables = new Map<string, { readonly size: number; readonly accesses: TableAccess[] }>();
  private enumerated = false;

  constructor(kernel: Kernel, facts: KernelFacts) {
    this.kernel = kernel;
    this.facts = facts;
    this.buffers = new Map(kernel.buffers.map((b) => [b.name, b]));
  }

  run(): AccessProof {
    const { axes, lanes, subgroup, body } = this.kernel;
    for (const a of axes) this.variable(a.name, a.extent);
    if (lanes > 1) this.variable(LANE, lanes);
    if (subgroup > 1) this.bounds.set('sub', [0, subgroup - 1]);
    for (const [name, most] of this.facts.uniforms) this.bounds.set(name, [0, most]);
    if (this.kernel.places !== undefined) this.bounds.set(PLACE, [0, this.kernel.places - 1]);
    this.block(body, [], []);
    for (const a of [...this.reads, ...this.writes]) this.inside(a);
    this.apart();
    for (const { size, accesses } of this.tables.values())
      this.problems.push(...tableProblems(size, accesses, { lanes, names: this.names, extent: (loop) => this.extents.get(loop) ?? 1 }));
    return { accesses: this.reads.length + this.writes.length, enumerated: this.enumerated, problems: this.problems };
  }

  private variable(name: string, extent: number): void {
    this.bounds.set(name, [0, extent - 1]);
    this.extents.set(name, extent);
  }

  private block(body: readonly Stmt[], guards: readonly Guard[], loops: readonly string[]): void {
    for (const s of body) this.statement(s, guards, loops);
  }

  private statement(s: Stmt, guards: readonly Guard[], loops: readonly string[]): void {
    switch (s.kind) {
      case 'let':
        if (s.value.kind === 'load' && this.facts.robust) {
          const read = this.access(s.value.buffer, s.value.index, s.value.type, guards, loops, []);
          if (read) this.reads.push(read);
          if (read) this.named.set(s.name, read);
          this.expr(s.value.index, guards, loops);
        } else if (this.partOf(s.value)) this.named.set(s.name, this.partOf(s.value) as Access);
        else this.expr(s.value, guards, loops);
        if (s.value.type === 'u32' || s.value.type === 'i32') this.names.lets.set(s.name, s.value);
        break;
      case 'var':
      case 'set':
        this.expr(s.value, guards, loops);
        break;
      case 'table':
        for (const v of s.values) this.expr(v, guards, loops);
        this.names.tables.set(s.name, s.values);
        break;
      case 'for':
        this.variable(s.name, s.extent);
        this.block(s.body, guards, [...loops, s.name]);
        // The end of one round and the start of the next are not apart, unless a barrier is between them.
        if (!this.again && waits(s.body)) {
          this.again = true;
          this.block(s.body, guards, [...loops, s.name]);
          this.again = false;
        }
        break;
      case 'if':
        this.expr(s.condition, guards, loops);
        this.block(s.body, [...guards, ...conditions(s.condition)], loops);
        break;
      case 'product':
        for (const l of s.loops) this.variable(l.name, l.extent);
        for (const [o, across] of [[s.left, s.rows] as const, [s.right, s.columns] as const]) {
          // The units read whole rows and columns from the first element on.
          const far: Expr = { kind: 'literal', type: 'u32', value: (across - 1) * o.along + (s.unit.k - 1) * o.depth };
          const last: Expr = { kind: 'call', type: 'u32', fn: 'add', args: [o.index, far] };
          const all = [...loops, ...s.loops.map((l) => l.name)];
          for (const index of [o.index, last]) {
            const read = this.access(o.buffer, index, 'f32', guards, all, undefined);
            if (read) this.reads.push(read);
          }
        }
        break;
      case 'store': {
        this.expr(s.index, guards, loops);
        this.expr(s.value, guards, loops);
        const write = this.access(s.buffer, s.index, s.value.type, guards, loops, undefined);
        if (write) this.writes.push(write);
        break;
      }
      case 'shared':
        this.tables.set(s.name, { size: s.size, accesses: [] });
        break;
      case 'put':
        this.expr(s.index, guards, loops);
        this.expr(s.value, guards, loops);
        this.atTable(s.table, s.index, guards, loops, true);
        break;
      case 'barrier':
        this.phase[s.of]++;
        break;
      case 'combine':
    }
  }

  private atTable(table: string, index: Expr, guards: readonly Guard[], loops: readonly string[], puts: boolean): void {
    const conditions = guards.map(asExpr);
    this.tables.get(table)?.accesses.push({ table, index, puts, conditions, loops, phase: this.phase.shared });
  }

  /** The read whose vector an expression takes one element of. */
  private partOf(e: Expr): Access | undefined {
    const [whole] = e.kind === 'call' && ELEMENT.has(e.fn) ? e.args : [];
    return whole?.kind === 'ref' ? this.named.get(whole.name) : undefined;
  }

  private expr(e: Expr, guards: readonly Guard[], loops: readonly string[]): void {
    if (e.kind === 'load') {
      const read = this.access(e.buffer, e.index, e.type, guards, loops, undefined);
      if (read) this.reads.push(read);
      this.expr(e.index, guards, loops);
    } else if (e.kind === 'item') {
      this.expr(e.index, guards, loops);
      this.atTable(e.table, e.index, guards, loops, false);
    } else if (e.kind === 'ref') this.named.get(e.name)?.uses?.push(guards);
    else if (e.kind === 'call') {
      const [condition, yes, ...others] = e.args;
      if (e.fn === 'select' && condition && yes) {
        this.expr(condition, guards, loops);
        this.expr(yes, [...guards, ...conditions(condition)], loops);
        for (const o of others) this.expr(o, [...guards, ...conditions(condition, false)], loops);
      } else for (const a of e.args) this.expr(a, guards, loops);
    }
  }

  private access(
    name: string,
    index: Expr,
    type: Expr['type'],
    guards: readonly Guard[],
    loops: readonly string[],
    uses: Access['uses'],
  ): Access | undefined {
    if (this.again) return undefined;
    const buffer = this.buffers.get(name);
    if (buffer) return { buffer, index, width: isVector(type) ? 4 : 1, guards, loops, uses, phase: this.phase.buffers };
    this.problems.push(`${name} is no buffer`);
    return undefined;
  }

  private inside(access: Access): void {
    const { buffer, index, width, guards, uses } = access;
    const end = Math.ceil(buffer.size / 4) * 4 + this.facts.beyond;
    const limit = width === 4 ? end / 4 : end;
    const reach = (held: readonly Guard[]): readonly [number, number] => {
      const within = this.within(held);
      const negative = held.map((g) => difference(g, this.names, within));
      const parts = new Map<string, Expr>();
      const sum = affine(index, this.names, within, negative, parts);
      return rangeWhere(sum, [...negative, ...inQuotients(negative, parts, this.names, within)], within);
    };
    const fits = ([low, high]: readonly [number, number]): boolean => low >= 0 && high < limit;
    if (fits(reach(guards)) || (uses && uses.length > 0 && uses.every((u) => fits(reach([...guards, ...u]))))) return;
    // A condition may be on a quotient and a remainder, and the index on what both are of: then every thread is gone through.
    const conditions = guards.map(asExpr);
    if (allInside({ ...access, conditions }, limit, this.all(this.threads(), new Map()))) {
      this.enumerated = true;
      return;
    }
    const [low, high] = reach([...guards, ...(uses?.find((u) => !fits(reach([...guards, ...u]))) ?? [])]);
    this.problems.push(
      `${buffer.name}[${keyOf(index)}] reaches from ${low} to ${high}, and has ${limit} places${width === 4 ? ' of four' : ''}`,
    );
  }

  /** The bounds of variables where conditions on single ones hold. */
  private within(guards: readonly Guard[]): Bounds {
    const bounds = new Map(this.bounds);
    for (const g of guards) {
      const { terms, constant } = difference(g, this.names, bounds);
      const [only, ...more] = terms;
      if (!only || more.length > 0) continue;
      const [name, c] = only;
      const [low, high] = bounds.get(name) ?? [-Infinity, Infinity];
      // c * name + constant < 0
      if (c > 0) bounds.set(name, [low, Math.min(high, Math.ceil(-constant / c) - 1)]);
      else bounds.set(name, [Math.max(low, Math.floor(constant / -c) + 1), high]);
    }
    return bounds;
  }

  /** No two threads write one element, and none reads what another writes. */
  private apart(): void {
    for (const name of new Set(this.writes.map((w) => w.buffer.tensor))) {
      const writes = this.writes.filter((w) => w.buffer.tensor === name);
      const reads = this.reads.filter(
        (r) => r.buffer.tensor === name && writes.some((w) => overlap(w.buffer, r.buffer) && !this.elsewhere(r, w)),
      );
      const phases = new Set([...writes, ...reads].map((a) => a.phase));
      // The lanes of a workgroup wait for each other between phases; workgroups never do.
      for (const p of phases)
        this.alone(
          name,
          writes.filter((w) => w.phase === p),
          reads.filter((r) => r.phase === p),
          this.threads(),
        );
      if (phases.size > 1)
        this.alone(
          name,
          writes,
          reads,
          this.threads().filter((t) => t !== LANE),
        );
    }
  }

  /** No two of the threads meet where one of them writes. */
  private alone(name: string, writes: readonly Access[], reads: readonly Access[], threads: readonly string[]): void {
    if (writes.length === 0 || this.oneToOne([...writes, ...reads], threads)) return;
    this.enumerated = true;
    const others = this.threads().filter((t) => !threads.includes(t));
    const guarded = (a: Access): Access & { readonly conditions: readonly Expr[] } => ({
      ...a,
      loops: [...others, ...a.loops],
      conditions: a.guards.map(asExpr),
    });
    const problem = ownersProblem(writes.map(guarded), reads.map(guarded), this.all(threads, this.shared));
    if (problem !== undefined) this.problems.push(`${name}: ${problem}`);
  }

  /** Threads to go through; of uniforms that are left out, nothing is known. */
  private all(threads: readonly string[], uniforms: ReadonlyMap<string, number>): Threads {
    const extent = (name: string): number => this.extents.get(name) ?? 1;
    return { threads: threads.map((t) => [t, extent(t)]), extent, names: this.names, uniforms };
  }

  /** The numbers that all threads of a run share, with their largest value. */
  private get shared(): ReadonlyMap<string, number> {
    const { places } = this.kernel;
    return places === undefined ? this.facts.uniforms : new Map([...this.facts.uniforms, [PLACE, places - 1]]);
  }

  /** Whether two accesses never meet, as at two places of a loop: what all threads share, they share as well, and the rest is apart. */
  private elsewhere(a: Access, b: Access): boolean {
    const [p, q] = [a, b].map((access) => {
      const sum = times(affine(access.index, this.names, this.bounds), access.width);
      const common = [...sum.terms].filter(([name]) => this.shared.has(name));
      const own = {
        constant: sum.constant + access.buffer.offset,
        terms: new Map([...sum.terms].filter(([name]) => !this.shared.has(name))),
      };
      const [low, high] = rangeWhere(own, [], this.bounds);
      return { common: new Map(common), low, high: high + access.width - 1 };
    });
    return p !== undefined && q !== undefined && sameTerms(p.common, q.common) && (p.high < q.low || q.high < p.low);
  }

  /** What tells threads apart. */
  private threads(): string[] {
    return [...this.kernel.axes.map((a) => a.name), LANE].filter((n) => (this.extents.get(n) ?? 1) > 1);
  }

  /** Whether the indices show by themselves which thread touches an element. */
  private oneToOne(accesses: readonly Access[], among: readonly string[]): boolean {
    const lone = accesses.every((a) => a.guards.some((g) => this.isLane0(g)));
    const { names, extents, bounds, shared: uniforms } = this;
    return oneToOne(
      accesses.map((a) => ({ ...a, conditions: a.guards.map(asExpr), limits: a.guards.map((g) => difference(g, names, bounds)) })),
      { threads: among.filter((t) => t !== LANE || !lone), lane: LANE, lanes: this.kernel.lanes, names, extents, bounds, uniforms },
    );
  }

  /** Whether a condition lets only the first lane through. */
  private isLane0(g: Guard): boolean {
    const { terms, constant } = difference(g, this.names, this.bounds);
    return terms.size === 1 && terms.get(LANE) === 1 && constant === -1;
  }
}

/** Whether lanes wait for each other somewhere inside. */
const waits = (body: readonly Stmt[]): boolean => body.some((s) => s.kind === 'barrier' || ('body' in s && waits(s.body)));

const overlap = (a: Buffer, b: Buffer): boolean => a.offset < b.offset + b.size && b.offset < a.offset + a.size;
