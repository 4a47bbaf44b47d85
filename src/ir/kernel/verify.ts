import { CompilerBug } from '../../base/errors.ts';
import { isVector, loadedAs, scalarOf, signatureOf } from './functions.ts';
import { PLACE, type Buffer, type Expr, type Kernel, type Stmt, type ValueType } from './types.ts';

interface Known {
  readonly type: ValueType;
  readonly mutable: boolean;
  readonly table?: boolean;
  /** A table in the memory of the workgroup. */
  readonly shared?: boolean;
}

type Scope = ReadonlyMap<string, Known>;
type Of<S extends { readonly kind: string }, K extends S['kind']> = Extract<S, { readonly kind: K }>;

/**
 * Throws unless names are defined once and before they are used, types fit, and only writable buffers are written. `beyond` is the number
 * of elements past the end of a buffer that may be read, where vectors run over it.
 */
export function verifyKernel(kernel: Kernel, after: string, beyond = 0): void {
  new Verifier(kernel, after, beyond).run();
}

class Verifier {
  private readonly kernel: Kernel;
  private readonly after: string;
  private readonly beyond: number;
  private readonly buffers = new Map<string, Buffer>();
  private readonly stored = new Set<string>();
  /** Conditions and loops around the current statement. */
  private branches = 0;
  private loops = 0;

  constructor(kernel: Kernel, after: string, beyond: number) {
    this.kernel = kernel;
    this.after = after;
    this.beyond = beyond;
  }

  run(): void {
    for (const b of this.kernel.buffers) {
      if (this.buffers.has(b.name)) this.bug(`buffer ${b.name} is declared twice`);
      if (b.size < 1) this.bug(`buffer ${b.name} is empty`);
      this.buffers.set(b.name, b);
    }
    this.block(this.kernel.body, this.axes());
    for (const b of this.kernel.buffers)
      if (b.access !== 'read' && !this.stored.has(b.name)) this.bug(`${b.name} is declared as ${b.access} and never written`);
  }

  private bug(text: string): never {
    throw new CompilerBug(`after ${this.after}, kernel '${this.kernel.name}' is broken: ${text}`);
  }

  private buffer(name: string): Buffer {
    return this.buffers.get(name) ?? this.bug(`buffer ${name} is not declared`);
  }

  /** What a kernel knows before its first statement. */
  private axes(): Scope {
    const { axes, lanes, subgroup } = this.kernel;
    const known = new Map<string, Known>();
    for (const a of axes) {
      if (known.has(a.name)) this.bug(`axis ${a.name} is declared twice`);
      if (!(a.extent >= 1)) this.bug(`axis ${a.name} has ${a.extent} points`);
      known.set(a.name, { type: 'u32', mutable: false });
    }
    if (lanes > 1) known.set('lane', { type: 'u32', mutable: false });
    if (subgroup > 1) {
      known.set('sub', { type: 'u32', mutable: false });
      // A thread without a point returns early, so every subgroup must be full.
      if (lanes > 1 || axes.reduce((n, a) => n * a.extent, 1) % subgroup !== 0)
        this.bug(`its threads are no whole subgroups of ${subgroup}`);
    }
    return known;
  }

  private block(body: readonly Stmt[], outer: Scope): void {
    const scope = new Map(outer);
    for (const s of body) {
      const defined = this.statement(s, scope);
      if (!defined) continue;
      if (scope.has(defined.name)) this.bug(`${defined.name} is defined twice`);
      scope.set(defined.name, defined.as);
    }
  }

  /** Checks a statement, and gives the name that it defines. */
  private statement(s: Stmt, scope: Scope): { readonly name: string; readonly as: Known } | undefined {
    switch (s.kind) {
      case 'let':
      case 'var':
        this.expr(s.value, scope);
        return { name: s.name, as: { type: s.value.type, mutable: s.kind === 'var' } };
      case 'table':
        return { name: s.name, as: { type: this.table(s, scope), mutable: false, table: true } };
      case 'product':
        this.product(s, scope);
        return { name: s.name, as: { type: 'f32', mutable: false, table: true } };
      case 'shared':
        if (this.kernel.lanes === 1) this.bug(`${s.name} is shared by lanes, and there are none`);
        if (!(s.size >= 1)) this.bug(`${s.name} is empty`);
        if (this.loops > 0) this.bug(`${s.name} is shared, and is in a loop`);
        return { name: s.name, as: { type: s.type, mutable: true, table: true, shared: true } };
      case 'put': {
        this.expr(s.index, scope);
        this.expr(s.value, scope);
        const table = scope.get(s.table);
        if (!table?.shared || table.type !== s.value.type || s.index.type !== 'u32')
          this.bug(`${s.table} is no shared table of ${s.value.type}`);
        return undefined;
      }
      case 'barrier':
        if (this.kernel.lanes === 1 || this.branches > 0) this.bug('a barrier is not reached by all lanes');
        // Proofs go through the rounds of a loop for shared tables alone.
        if (s.of === 'buffers' && this.loops > 0) this.bug('lanes wait for buffers in a loop');
        return undefined;
      case 'set':
        this.expr(s.value, scope);
        this.assignable(s.name, scope, 'set', (v) => v.type === s.value.type);
        return undefined;
      case 'combine':
        this.assignable(s.name, scope, 'combined', (v) => v.type !== 'bool' && !isVector(v.type));
        return undefined;
      case 'for':
        if (!(s.extent >= 1)) this.bug(`loop ${s.name} runs ${s.extent} times`);
        if (scope.has(s.name)) this.bug(`${s.name} is defined twice`);
        this.loops++;
        this.block(s.body, new Map([...scope, [s.name, { type: 'u32', mutable: false }]]));
        this.loops--;
        return undefined;
      case 'if':
        this.expr(s.condition, scope);
        if (s.condition.type !== 'bool') this.bug('a condition is not bool');
        this.branches++;
        this.block(s.body, scope);
        this.branches--;
        return undefined;
      case 'store':
        this.store(s, scope);
        return undefined;
    }
  }

  private assignable(name: string, scope: Scope, what: string, fits: (v: Known) => boolean): void {
    const v = scope.get(name) ?? this.bug(`${name} is not defined`);
    if (!v.mutable || !fits(v)) this.bug(`${name} is ${v.mutable ? v.type : 'constant'} and cannot be ${what}`);
  }

  /** The type of a table's elements. */
  private table(s: Of<Stmt, 'table'>, scope: Scope): ValueType {
    const { type } = s.values[0] ?? this.bug(`${s.name} is empty`);
    for (const v of s.values) {
      this.expr(v, scope);
      if (v.type !== type) this.bug(`${s.name} holds ${v.type} and others`);
    }
    return type;
  }

  private product(s: Of<Stmt, 'product'>, scope: Scope): void {
    const { unit, rows, columns, loops } = s;
    if (this.kernel.lanes % unit.subgroup !== 0 || rows % unit.m !== 0 || columns % unit.n !== 0 || loops.length === 0)
      this.bug(`${s.name} is no table of whole units`);
    const inner = new Map([...scope, ...loops.map((l) => [l.name, { type: 'u32', mutable: false }] as const)]);
    for (const [{ buffer, index, along, depth }, across] of [[s.left, unit.m] as const, [s.right, unit.n] as const]) {
      const b = this.buffer(buffer);
      if (b.access === 'write' || b.type !== unit.type) this.bug(`${buffer} is no matrix of ${unit.type} that can be read`);
      if (along !== 1 && depth !== 1) this.bug(`${buffer} has neither rows nor columns that lie together`);
      if (depth === 1 ? along < unit.k : depth < across) this.bug(`rows of ${buffer} overlap`);
      this.expr(index, inner);
    }
  }

  private store(s: Of<Stmt, 'store'>, scope: Scope): void {
    this.expr(s.index, scope);
    this.expr(s.value, scope);
    const b = this.buffer(s.buffer);
    if (b.access === 'read') this.bug(`${s.buffer} is only read and is written`);
    if (loadedAs(b.type) !== scalarOf(s.value.type)) this.bug(`${s.buffer} holds ${b.type} and gets ${s.value.type}`);
    if (s.index.type !== 'u32') this.bug(`the index of ${s.buffer} is ${s.index.type}`);
    this.stored.add(s.buffer);
  }

  private expr(e: Expr, scope: Scope): void {
    if (e.kind === 'ref') {
      const known = scope.get(e.name) ?? this.bug(`${e.name} is not defined`);
      if (known.table || known.type !== e.type) this.bug(`${e.name} is ${known.type} and is used as ${e.type}`);
    } else if (e.kind === 'uniform') {
      if (e.name === PLACE && this.kernel.places === undefined) this.bug('it asks for the place of a loop, and no loop is around it');
    } else if (e.kind === 'load') this.load(e, scope);
    else if (e.kind === 'item') {
      const known = scope.get(e.table);
      if (!known?.table || known.type !== e.type || e.index.type !== 'u32') this.bug(`${e.table} is no table of ${e.type}`);
      this.expr(e.index, scope);
    } else if (e.kind === 'call') this.call(e, scope);
  }

  private load(e: Of<Expr, 'load'>, scope: Scope): void {
    const b = this.buffer(e.buffer);
    if (b.access === 'write') this.bug(`${e.buffer} is only written and is read`);
    if (loadedAs(b.type) !== scalarOf(e.type)) this.bug(`${e.buffer} holds ${b.type} and is read as ${e.type}`);
    if (e.index.type !== 'u32') this.bug(`the index of ${e.buffer} is ${e.index.type}`);
    const unit = isVector(e.type) ? 4 : 1;
    if (e.index.kind === 'literal' && e.index.value * unit >= Math.ceil(b.size / 4) * 4 + this.beyond)
      this.bug(`${e.buffer}[${e.index.value * unit}] is outside of ${b.size}`);
    this.expr(e.index, scope);
  }

  private call(e: Of<Expr, 'call'>, scope: Scope): void {
    const place = e.fn === 'broadcast' ? e.args[1] : undefined;
    if (place?.kind === 'literal' && place.value >= this.kernel.subgroup)
      this.bug(`broadcast from a thread that is not one of ${this.kernel.subgroup}`);
    for (const a of e.args) this.expr(a, scope);
    const result = signatureOf(e.fn, e.args);
    if (typeof result === 'string') this.bug(`${e.fn}: ${result}`);
    else if (result.type !== e.type) this.bug(`${e.fn} gives ${result.type}, not ${e.type}`);
  }
}
