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
  const changed = new Set(kernel.buffers.flatMap((b) => (b.access === 'read' ? [] : [b.tensor])));
  const written = new Set(kernel.buffers.flatMap((b) => (changed.has(b.tensor) ? [b.name] : [])));
  const taken = new Set<string>();
  const variables = new Set<string>();
  visitKernel(kernel, {
    stmt: (s) => {
      if ('name' in s) taken.add(s.name);
      if (s.kind === 'var') variables.add(s.name);
    },
  });
  const alias = new Map<string, Expr>();
  const blocks: Block[] = [];
  let count = 0;
  const fresh = (): string => {
    let name = `l${count++}`;
    while (taken.has(name)) name = `l${count++}`;
    return name;
  };

  /** The outermost block in which all the names of an expression exist, without leaving a branch. */
  const homeOf = (names: ReadonlySet<string>): Block => {
    let home = blocks.length - 1;
    while (home > 0 && blocks[home]?.certain && ![...names].some((n) => blocks[home]?.own.has(n))) home--;
    return blocks[home] as Block;
  };
  const share = (e: Expr, wanted?: string): Expr => {
    if (e.kind === 'ref') return alias.get(e.name) ?? e;
    if (e.kind === 'call') return { ...e, args: e.args.map((a) => share(a)) };
    if (e.kind === 'item') return { ...e, index: share(e.index) };
    if (e.kind !== 'load') return e;
    const load: Expr = { ...e, index: share(e.index) };
    const names = namesIn(load.index);
    if (written.has(e.buffer) || [...names].some((n) => variables.has(n))) return load;
    const key = printExpr(load);
    for (const block of blocks) {
      const known = block.known.get(key);
      if (known) return known;
    }
    const home = homeOf(names);
    const name = wanted ?? fresh();
    home.statements.push({ kind: 'let', name, value: load });
    home.own.add(name);
    const named = ref(load.type, name);
    home.known.set(key, named);
    return named;
  };
  const inBlock = (certain: boolean, own: readonly string[], body: readonly Stmt[]): Stmt[] => {
    const block: Block = { statements: [], own: new Set(own), known: new Map(), certain };
    blocks.push(block);
    body.forEach(statement);
    blocks.pop();
    return block.statements;
  };
  const statement = (s: Stmt): void => {
    const block = blocks.at(-1) as Block;
    const put = (t: Stmt): unknown => block.statements.push(t);
    switch (s.kind) {
      case 'let': {
        const value = share(s.value, s.name);
        if (value.kind !== 'ref') {
          block.own.add(s.name);
          return void put({ ...s, value });
        }
        if (value.name !== s.name) alias.set(s.name, value);
        return;
      }
      case 'var':
        block.own.add(s.name);
        return void put({ ...s, value: share(s.value) });
      case 'set':
        return void put({ ...s, value: share(s.value) });
      case 'table':
        block.own.add(s.name);
        return void put({ ...s, values: s.values.map((e) => share(e)) });
      case 'store':
        return void put({ ...s, index: share(s.index), value: share(s.value) });
      case 'product':
      case 'combine':
        return void put(s);
      case 'for':
        return void put({ ...s, body: inBlock(true, [s.name], s.body) });
      case 'if': {
        const condition = share(s.condition);
        return void put({ ...s, condition, body: inBlock(false, [], s.body) });
      }
    }
  };
  return { ...kernel, body: inBlock(false, [], kernel.body) };
}

function namesIn(e: Expr, into = new Set<string>()): Set<string> {
  if (e.kind === 'ref') into.add(e.name);
  else if (e.kind === 'load') namesIn(e.index, into);
  else if (e.kind === 'item') namesIn(e.index, into.add(e.table));
  else if (e.kind === 'call') for (const a of e.args) namesIn(a, into);
  return into;
}
