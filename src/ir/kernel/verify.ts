import { CompilerBug } from '../../base/errors.ts';
import { isVector, loadedAs, scalarOf, signatureOf } from './functions.ts';
import type { Buffer, Expr, Kernel, Stmt, ValueType } from './types.ts';

interface Known {
  readonly type: ValueType;
  readonly mutable: boolean;
  readonly table?: boolean;
}

/**
 * Throws unless names are defined once and before use, types fit, and only writable buffers are written. `beyond` is how many elements past
 * its end a buffer may be read, where vectors overrun.
 */
export function verifyKernel(kernel: Kernel, after: string, beyond = 0): void {
  const bug = (text: string): never => {
    throw new CompilerBug(`after ${after}, kernel '${kernel.name}' is broken: ${text}`);
  };
  const buffers = new Map<string, Buffer>();
  for (const b of kernel.buffers) {
    if (buffers.has(b.name)) bug(`buffer ${b.name} is declared twice`);
    if (b.size < 1) bug(`buffer ${b.name} is empty`);
    buffers.set(b.name, b);
  }
  const stored = new Set<string>();

  const expr = (e: Expr, scope: ReadonlyMap<string, Known>): void => {
    if (e.kind === 'ref') {
      const known = scope.get(e.name) ?? bug(`${e.name} is not defined`);
      if (known.table || known.type !== e.type) bug(`${e.name} is ${known.type} and is used as ${e.type}`);
    } else if (e.kind === 'load') {
      const b = buffers.get(e.buffer) ?? bug(`buffer ${e.buffer} is not declared`);
      if (b.access === 'write') bug(`${e.buffer} is only written and is read`);
      if (loadedAs(b.type) !== scalarOf(e.type)) bug(`${e.buffer} holds ${b.type} and is read as ${e.type}`);
      if (e.index.type !== 'u32') bug(`the index of ${e.buffer} is ${e.index.type}`);
      const unit = isVector(e.type) ? 4 : 1;
      if (e.index.kind === 'literal' && e.index.value * unit >= Math.ceil(b.size / 4) * 4 + beyond)
        bug(`${e.buffer}[${e.index.value * unit}] is outside of ${b.size}`);
      expr(e.index, scope);
    } else if (e.kind === 'item') {
      const known = scope.get(e.table);
      if (!known?.table || known.type !== e.type || e.index.type !== 'u32') bug(`${e.table} is no table of ${e.type}`);
      expr(e.index, scope);
    } else if (e.kind === 'call') {
      const place = e.fn === 'broadcast' ? e.args[1] : undefined;
      if (place?.kind === 'literal' && place.value >= kernel.subgroup) bug(`broadcast from a thread that is not one of ${kernel.subgroup}`);
      for (const a of e.args) expr(a, scope);
      const result = signatureOf(e.fn, e.args);
      if (typeof result === 'string') bug(`${e.fn}: ${result}`);
      else if (result.type !== e.type) bug(`${e.fn} gives ${result.type}, not ${e.type}`);
    }
  };

  const block = (body: readonly Stmt[], outer: ReadonlyMap<string, Known>): void => {
    const scope = new Map(outer);
    const define = (name: string, type: ValueType, mutable: boolean, table = false): void => {
      if (scope.has(name)) bug(`${name} is defined twice`);
      scope.set(name, { type, mutable, table });
    };
    for (const s of body) {
      switch (s.kind) {
        case 'let':
        case 'var':
          expr(s.value, scope);
          define(s.name, s.value.type, s.kind === 'var');
          break;
        case 'set': {
          expr(s.value, scope);
          const v = scope.get(s.name) ?? bug(`${s.name} is not defined`);
          if (!v.mutable || v.type !== s.value.type) bug(`${s.name} cannot be set to ${s.value.type}`);
          break;
        }
        case 'table':
          for (const v of s.values) {
            expr(v, scope);
            if (v.type !== s.values[0]?.type) bug(`${s.name} holds ${v.type} and others`);
          }
          define(s.name, s.values[0]?.type ?? bug(`${s.name} is empty`), false, true);
          break;
        case 'for':
          if (!(s.extent >= 1)) bug(`loop ${s.name} runs ${s.extent} times`);
          if (scope.has(s.name)) bug(`${s.name} is defined twice`);
          block(s.body, new Map([...scope, [s.name, { type: 'u32', mutable: false }]]));
          break;
        case 'if':
          expr(s.condition, scope);
          if (s.condition.type !== 'bool') bug('a condition is not bool');
          block(s.body, scope);
          break;
        case 'combine': {
          const v = scope.get(s.name) ?? bug(`${s.name} is not defined`);
          if (!v.mutable || v.type === 'bool' || isVector(v.type)) bug(`${s.name} cannot be combined`);
          break;
        }
        case 'product': {
          const { unit, rows, columns, loops } = s;
          if (kernel.lanes % unit.subgroup !== 0 || rows % unit.m !== 0 || columns % unit.n !== 0 || loops.length === 0)
            bug(`${s.name} is no table of whole units`);
          const inner = new Map([...scope, ...loops.map((l) => [l.name, { type: 'u32', mutable: false }] as const)]);
          for (const [{ buffer, index, along, depth }, across] of [[s.left, unit.m] as const, [s.right, unit.n] as const]) {
            const b = buffers.get(buffer) ?? bug(`buffer ${buffer} is not declared`);
            if (b.access === 'write' || b.type !== unit.type) bug(`${buffer} is no matrix of ${unit.type} that can be read`);
            if (along !== 1 && depth !== 1) bug(`${buffer} has neither rows nor columns that lie together`);
            if (depth === 1 ? along < unit.k : depth < across) bug(`rows of ${buffer} overlap`);
            expr(index, inner);
          }
          define(s.name, 'f32', false, true);
          break;
        }
        case 'store': {
          expr(s.index, scope);
          expr(s.value, scope);
          const b = buffers.get(s.buffer) ?? bug(`buffer ${s.buffer} is not declared`);
          if (b.access === 'read') bug(`${s.buffer} is only read and is written`);
          if (loadedAs(b.type) !== scalarOf(s.value.type)) bug(`${s.buffer} holds ${b.type} and gets ${s.value.type}`);
          if (s.index.type !== 'u32') bug(`the index of ${s.buffer} is ${s.index.type}`);
          stored.add(s.buffer);
        }
      }
    }
  };
  const axes = new Map<string, Known>();
  for (const a of kernel.axes) {
    if (axes.has(a.name)) bug(`axis ${a.name} is declared twice`);
    if (!(a.extent >= 1)) bug(`axis ${a.name} has ${a.extent} points`);
    axes.set(a.name, { type: 'u32', mutable: false });
  }
  if (kernel.lanes > 1) axes.set('lane', { type: 'u32', mutable: false });
  if (kernel.subgroup > 1) {
    axes.set('sub', { type: 'u32', mutable: false });
    // In a partial subgroup, a thread without a point would have returned already.
    if (kernel.lanes > 1 || kernel.axes.reduce((n, a) => n * a.extent, 1) % kernel.subgroup !== 0)
      bug(`its threads are no whole subgroups of ${kernel.subgroup}`);
  }
  block(kernel.body, axes);
  for (const b of kernel.buffers)
    if (b.access !== 'read' && !stored.has(b.name)) bug(`${b.name} is declared as ${b.access} and never written`);
}
