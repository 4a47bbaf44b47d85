import { ref } from '../../ir/kernel/build.ts';
import { printExpr } from '../../ir/kernel/print.ts';
import type { Expr, Kernel, Stmt } from '../../ir/kernel/types.ts';
import { visitKernel } from '../../ir/kernel/visit.ts';

/** A list of statements under construction: a loop, a branch, or the whole kernel. */
interface Block {
  readonly statements: Stmt[];
  /** Names defined by this block. */
  readonly own: Set<string>;
  /** Loads by their text. */
  readonly known: Map<string, Expr>;
  /** Whether it runs whenever the enclosing block runs. */
  readonly certain: boolean;
}

/**
 * Names every load, merges equal loads, and hoists loads out of loops that they do not depend on. Loads from buffers that the kernel writes
 * stay where they are. Shader compilers cannot do this, since another thread might write the buffer for all they know.
 */
export function shareLoads(kernel: Kernel): Kernel {
  return { ...kernel, body: new LoadSharing(kernel).inBlock(false, [], kernel.body) };
}

class LoadSharing {
  /** Buffers that the kernel writes. */
  private readonly written: ReadonlySet<string>;
  private readonly taken = new Set<string>();
  private readonly variables = new Set<string>();
  /** Names that stand for a load with another name. */
  private readonly alias = new Map<string, Expr>();
  private readonly blocks: Block[] = [];
  private count = 0;

  constructor(kernel: Kernel) {
    const changed = new Set(kernel.buffers.flatMap((b) => (b.access === 'read' ? [] : [b.tensor])));
    this.written = new Set(kernel.buffers.flatMap((b) => (changed.has(b.tensor) ? [b.name] : [])));
    visitKernel(kernel, {
      stmt: (s) => {
        if ('name' in s) this.taken.add(s.name);
        if (s.kind === 'var') this.variables.add(s.name);
      },
    });
  }

  inBlock(certain: boolean, own: readonly string[], body: readonly Stmt[]): Stmt[] {
    const block: Block = { statements: [], own: new Set(own), known: new Map(), certain };
    this.blocks.push(block);
    for (const s of body) this.statement(s, block);
    this.blocks.pop();
    return block.statements;
  }

  private statement(s: Stmt, block: Block): void {
    const put = (t: Stmt): unknown => block.statements.push(t);
    switch (s.kind) {
      case 'let': {
        const value = this.share(s.value, s.name);
        if (value.kind !== 'ref') {
          block.own.add(s.name);
          return void put({ ...s, value });
        }
        if (value.name !== s.name) this.alias.set(s.name, value);
        return;
      }
      case 'var':
        block.own.add(s.name);
        return void put({ ...s, value: this.share(s.value) });
      case 'set':
        return void put({ ...s, value: this.share(s.value) });
      case 'table':
        block.own.add(s.name);
        return void put({ ...s, values: s.values.map((e) => this.share(e)) });
      case 'store':
        return void put({ ...s, index: this.share(s.index), value: this.share(s.value) });
      case 'put':
        return void put({ ...s, index: this.share(s.index), value: this.share(s.value) });
      case 'shared':
        block.own.add(s.name);
        return void put(s);
      case 'product':
      case 'combine':
      case 'barrier':
        return void put(s);
      case 'for':
        return void put({ ...s, body: this.inBlock(true, [s.name], s.body) });
      case 'if': {
        const condition = this.share(s.condition);
        return void put({ ...s, condition, body: this.inBlock(false, [], s.body) });
      }
    }
  }

  /** An expression whose loads are shared; a load gets the name `wanted` if it is new. */
  private share(e: Expr, wanted?: string): Expr {
    if (e.kind === 'ref') return this.alias.get(e.name) ?? e;
    if (e.kind === 'call') return { ...e, args: e.args.map((a) => this.share(a)) };
    if (e.kind === 'item') return { ...e, index: this.share(e.index) };
    if (e.kind !== 'load') return e;
    const load: Expr = { ...e, index: this.share(e.index) };
    const names = namesIn(load.index);
    if (this.written.has(e.buffer) || [...names].some((n) => this.variables.has(n))) return load;
    const key = printExpr(load);
    for (const block of this.blocks) {
      const known = block.known.get(key);
      if (known) return known;
    }
    const home = this.homeOf(names);
    const name = wanted ?? this.fresh();
    home.statements.push({ kind: 'let', name, value: load });
    home.own.add(name);
    const named = ref(load.type, name);
    home.known.set(key, named);
    return named;
  }

  /** The outermost block in which all the names of an expression exist, without leaving a branch. */
  private homeOf(names: ReadonlySet<string>): Block {
    const { blocks } = this;
    let home = blocks.length - 1;
    while (home > 0 && blocks[home]?.certain && ![...names].some((n) => blocks[home]?.own.has(n))) home--;
    return blocks[home] as Block;
  }

  private fresh(): string {
    let name = `l${this.count++}`;
    while (this.taken.has(name)) name = `l${this.count++}`;
    return name;
  }
}

function namesIn(e: Expr, into = new Set<string>()): Set<string> {
  if (e.kind === 'ref') into.add(e.name);
  else if (e.kind === 'load') namesIn(e.index, into);
  else if (e.kind === 'item') namesIn(e.index, into.add(e.table));
  else if (e.kind === 'call') for (const a of e.args) namesIn(a, into);
  return into;
}
