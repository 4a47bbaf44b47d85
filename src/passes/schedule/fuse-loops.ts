import { CompilerBug, at } from '../../base/errors.ts';
import type { Buffer, Expr, Kernel, Stmt } from '../../ir/kernel/types.ts';
import { shareLoads } from './share-loads.ts';

/**
 * Fuses independent kernels with the same points and the same loop, so that what several of them read is loaded once: the gradients of a
 * layer's weight and bias.
 */
export function fuseLoops(kernels: readonly Kernel[]): Kernel[] {
  const shapes = new Map<string, Kernel[]>();
  for (const k of kernels) {
    const loops = k.body.filter((s) => s.kind === 'for');
    const key = JSON.stringify([k.axes, k.lanes, k.subgroup, loops.length === 1 ? loops[0]?.extent : k.name]);
    shapes.set(key, [...(shapes.get(key) ?? []), k]);
  }
  return [...shapes.values()].map((alike) => (alike.length === 1 ? at(alike, 0) : join(alike)));
}

/** The statements before the loops, the fused loop, and the statements after it. */
function join(kernels: readonly Kernel[]): Kernel {
  const first = at(kernels, 0);
  const renamed = kernels.map((k, i) => k.body.map((s) => rename(s, i)));
  const loopAt = renamed.map((body) => body.findIndex((s) => s.kind === 'for'));
  const loops = renamed.map((body, i) => body[at(loopAt, i)]).filter((s) => s?.kind === 'for');
  const [loop] = loops;
  if (!loop) return first;
  const counter = loop.name;
  const bodies = loops.flatMap((l) => l.body.map((s) => withCounter(s, l.name, counter)));
  const body = [
    ...renamed.flatMap((b, i) => b.slice(0, at(loopAt, i))),
    { ...loop, body: bodies },
    ...renamed.flatMap((b, i) => b.slice(at(loopAt, i) + 1)),
  ];
  const buffers = new Map<string, Buffer>();
  for (const b of kernels.flatMap((k) => k.buffers)) {
    const known = buffers.get(b.name);
    buffers.set(b.name, known && known.access !== b.access ? { ...b, access: 'update' } : b);
  }
  return shareLoads({
    ...first,
    name: kernels.map((k) => k.name).join('_'),
    about: kernels.flatMap((k) => k.about),
    buffers: [...buffers.values()],
    body,
  });
}

/** The statement with names made unique to its kernel; axes keep theirs. */
function rename(s: Stmt, kernel: number): Stmt {
  return mapStmt(s, (name) => (/^(i\d+|lane|sub)$/.test(name) ? name : `${name}_${kernel}`));
}

const withCounter = (s: Stmt, from: string, to: string): Stmt => mapStmt(s, (name) => (name === from ? to : name));

function mapStmt(s: Stmt, name: (n: string) => string): Stmt {
  const expr = (e: Expr): Expr => mapNames(e, name);
  switch (s.kind) {
    case 'let':
    case 'var':
    case 'set':
      return { ...s, name: name(s.name), value: expr(s.value) };
    case 'table':
      return { ...s, name: name(s.name), values: s.values.map(expr) };
    case 'for':
      return { ...s, name: name(s.name), body: s.body.map((t) => mapStmt(t, name)) };
    case 'if':
      return { ...s, condition: expr(s.condition), body: s.body.map((t) => mapStmt(t, name)) };
    case 'combine':
      return { ...s, name: name(s.name) };
    case 'product':
    case 'shared':
    case 'put':
    case 'barrier':
      throw new CompilerBug(`'${s.kind}' is in kernels that are alone`);
    case 'store':
      return { ...s, index: expr(s.index), value: expr(s.value) };
  }
}

function mapNames(e: Expr, name: (n: string) => string): Expr {
  switch (e.kind) {
    case 'ref':
      return { ...e, name: name(e.name) };
    case 'load':
      return { ...e, index: mapNames(e.index, name) };
    case 'item':
      return { ...e, table: name(e.table), index: mapNames(e.index, name) };
    case 'call':
      return { ...e, args: e.args.map((a) => mapNames(a, name)) };
    default:
      return e;
  }
}
