import { CompilerBug } from '../../base/errors.ts';
import { isVector, scalarOf, signatureOf } from './functions.ts';
import type { Buffer, Expr, Kernel, Stmt, ValueType } from './types.ts';

/**
 * Throws unless names are defined once and before their use, types fit, and only writable buffers are written. `beyond` is how
 * many elements behind its end a buffer may be read, where vectors run over it.
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

  const expr = (e: Expr, scope: ReadonlyMap<string, { type: ValueType }>): void => {
    if (e.kind === 'ref') {
      const known = scope.get(e.name) ?? bug(`${e.name} is not defined`);
      if (known.type !== e.type) bug(`${e.name} is ${known.type} and is used as ${e.type}`);
    } else if (e.kind === 'load') {
      const b = buffers.get(e.buffer) ?? bug(`buffer ${e.buffer} is not declared`);
      if (b.access === 'write') bug(`${e.buffer} is only written and is read`);
      if (b.type !== scalarOf(e.type)) bug(`${e.buffer} holds ${b.type} and is read as ${e.type}`);
      if (e.index.type !== 'u32') bug(`the index of ${e.buffer} is ${e.index.type}`);
      const unit = isVector(e.type) ? 4 : 1;
      if (e.index.kind === 'literal' && e.index.value * unit >= Math.ceil(b.size / 4) * 4 + beyond)
        bug(`${e.buffer}[${e.index.value * unit}] is outside of ${b.size}`);
      expr(e.index, scope);
    } else if (e.kind === 'call') {
      for (const a of e.args) expr(a, scope);
      const result = signatureOf(e.fn, e.args);
      if (typeof result === 'string') bug(`${e.fn}: ${result}`);
      else if (result.type !== e.type) bug(`${e.fn} gives ${result.type}, not ${e.type}`);
    }
  };

  const block = (body: readonly Stmt[], outer: ReadonlyMap<string, { type: ValueType; mutable: boolean }>): void => {
    const scope = new Map(outer);
    const define = (name: string, type: ValueType, mutable: boolean): void => {
      if (scope.has(name)) bug(`${name} is defined twice`);
      scope.set(name, { type, mutable });
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
        case 'store': {
          expr(s.index, scope);
          expr(s.value, scope);
          const b = buffers.get(s.buffer) ?? bug(`buffer ${s.buffer} is not declared`);
          if (b.access === 'read') bug(`${s.buffer} is only read and is written`);
          if (b.type !== scalarOf(s.value.type)) bug(`${s.buffer} holds ${b.type} and gets ${s.value.type}`);
          if (s.index.type !== 'u32') bug(`the index of ${s.buffer} is ${s.index.type}`);
          stored.add(s.buffer);
        }
      }
    }
  };
  const axes = new Map<string, { type: ValueType; mutable: boolean }>();
  for (const a of kernel.axes) {
    if (axes.has(a.name)) bug(`axis ${a.name} is declared twice`);
    if (!(a.extent >= 1)) bug(`axis ${a.name} has ${a.extent} points`);
    axes.set(a.name, { type: 'u32', mutable: false });
  }
  if (kernel.lanes > 1) axes.set('lane', { type: 'u32', mutable: false });
  block(kernel.body, axes);
  for (const b of kernel.buffers)
    if (b.access !== 'read' && !stored.has(b.name)) bug(`${b.name} is declared as ${b.access} and never written`);
}
