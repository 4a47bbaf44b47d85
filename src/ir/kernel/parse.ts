import { CompilerBug, invariant } from '../../base/errors.ts';
import { call } from './build.ts';
import { FUNCTIONS, isVectorFn, loadedAs, vectorOf } from './functions.ts';
import type { Axis, Buffer, Expr, Fn, Kernel, MatrixOperand, ScalarType, Stmt, ValueType } from './types.ts';
import { verifyKernel } from './verify.ts';

const TYPES: Readonly<Record<string, ScalarType>> = { f: 'f32', i: 'i32', u: 'u32', b: 'bool' };

/** Parses the output of `printKernel` and verifies it. */
export function parseKernel(text: string): Kernel {
  const kernel = new Reader(text).kernel();
  verifyKernel(kernel, 'reading its text');
  return kernel;
}

class Reader {
  private readonly lines: string[];
  private line = 0;
  private rest = '';
  private readonly about: string[] = [];
  private readonly buffers: Buffer[] = [];
  private readonly axes: Axis[] = [];
  private lanes = 1;
  private subgroup = 1;
  private places: number | undefined;

  constructor(text: string) {
    this.lines = text.split('\n').map((l) => l.trim());
  }

  kernel(): Kernel {
    const head = this.take(/^kernel (\w+) \{$/);
    const scope = new Map<string, ValueType>();
    for (;;) {
      const l = this.lines[this.line] ?? '';
      const buffer = /^(read|write|update) (\w+) : (f32|i32|f16)\[(\d+)\](?: at (\w+) \+ (\d+))?$/.exec(l);
      const axis = /^axis (\w+) < (\d+)$/.exec(l);
      const lanes = /^lanes (\d+)$/.exec(l);
      const subgroup = /^subgroup (\d+)$/.exec(l);
      const places = /^places (\d+)$/.exec(l);
      if (l.startsWith('# ')) this.about.push(l.slice(2));
      else if (buffer)
        this.buffers.push({
          access: buffer[1] as 'read',
          name: buffer[2] ?? '',
          type: buffer[3] as 'f32',
          size: Number(buffer[4]),
          tensor: buffer[5] ?? buffer[2] ?? '',
          offset: Number(buffer[6] ?? 0),
        });
      else if (axis) {
        this.axes.push({ name: axis[1] ?? '', extent: Number(axis[2]) });
        scope.set(axis[1] ?? '', 'u32');
      } else if (lanes) {
        this.lanes = Number(lanes[1]);
        scope.set('lane', 'u32');
      } else if (subgroup) {
        this.subgroup = Number(subgroup[1]);
        scope.set('sub', 'u32');
      } else if (places) this.places = Number(places[1]);
      else break;
      this.line++;
    }
    const body = this.block(scope);
    const { about, buffers, axes, lanes, subgroup, places } = this;
    return { name: head[1] ?? '', about, buffers, axes, lanes, subgroup, ...(places === undefined ? {} : { places }), body };
  }

  private take(pattern: RegExp): RegExpExecArray {
    const match = pattern.exec(this.lines[this.line] ?? '');
    invariant(match, `cannot read line ${this.line + 1}: '${this.lines[this.line] ?? ''}'`);
    this.line++;
    return match;
  }

  private block(outer: ReadonlyMap<string, ValueType>): Stmt[] {
    const scope = new Map(outer);
    const body: Stmt[] = [];
    while (this.lines[this.line] !== '}') {
      const [, word, after] = this.take(/^(\w+) (.*)$/);
      this.rest = after ?? '';
      if (word === 'let' || word === 'var' || word === 'set') {
        const name = this.eat(/^(\w+) = /);
        const value = this.expr(scope);
        if (word !== 'set') scope.set(name, value.type);
        body.push({ kind: word, name, value });
      } else if (word === 'table') {
        const name = this.eat(/^(\w+) = /);
        const values = [this.expr(scope)];
        while (this.rest.startsWith(', ')) {
          this.eat(/^, /);
          values.push(this.expr(scope));
        }
        scope.set(name, values[0]?.type ?? 'f32');
        body.push({ kind: 'table', name, values });
      } else if (word === 'for') {
        const name = this.eat(/^(\w+) < /);
        const extent = Number(this.eat(/^(\d+) \{$/));
        body.push({ kind: 'for', name, extent, body: this.block(new Map([...scope, [name, 'u32']])) });
      } else if (word === 'if') {
        const condition = this.expr(scope);
        body.push({ kind: 'if', condition, body: this.block(scope) });
      } else if (word === 'shared') {
        const [name, type] = [this.eat(/^(\w+) : /), this.eat(/^(\w+)\[/) as ValueType];
        body.push({ kind: 'shared', name, type, size: Number(this.eat(/^(\d+)\]$/)) });
        scope.set(name, type);
      } else if (word === 'put') {
        const table = this.eat(/^(\w+)\[\[/);
        const index = this.expr(scope);
        this.eat(/^\]\] = /);
        body.push({ kind: 'put', table, index, value: this.expr(scope) });
      } else if (word === 'barrier') {
        body.push({ kind: 'barrier', of: this.eat(/^of (shared|buffers)$/) === 'shared' ? 'shared' : 'buffers' });
      } else if (word === 'combine') {
        const name = this.eat(/^(\w+) by /);
        body.push({ kind: 'combine', name, fn: this.rest === 'max' ? 'max' : 'add' });
      } else if (word === 'product') {
        const product = this.product(scope);
        scope.set(product.name, 'f32');
        body.push(product);
      } else if (word === 'store') {
        const buffer = this.eat(/^(\w+)\[/);
        this.eat(/^((?:4 \* )?)/);
        const index = this.expr(scope);
        this.eat(/^(\]) = /);
        body.push({ kind: 'store', buffer, index, value: this.expr(scope) });
      } else throw new CompilerBug(`'${word}' is not a statement of the kernel IR`);
    }
    this.line++;
    return body;
  }

  private product(scope: ReadonlyMap<string, ValueType>): Extract<Stmt, { kind: 'product' }> {
    const number = (pattern: RegExp): number => Number(this.eat(pattern));
    const name = this.eat(/^(\w+) = /);
    const [rows, columns] = [number(/^(\d+) x /), number(/^(\d+) over /)];
    const loops: Axis[] = [];
    do loops.push({ name: this.eat(/^(?:, )?(\w+) < /), extent: number(/^(\d+)/) });
    while (this.rest.startsWith(', '));
    const type = this.eat(/^ of (f16|f32) /) === 'f16' ? 'f16' : 'f32';
    const [m, n, k] = [number(/^(\d+) x /), number(/^(\d+) x /), number(/^(\d+) in /)];
    const subgroup = number(/^(\d+): /);
    const inner = new Map([...scope, ...loops.map((l) => [l.name, 'u32'] as const)]);
    const operand = (): MatrixOperand => {
      const buffer = this.eat(/^(\w+)\[/);
      const index = this.expr(inner);
      return { buffer, index, along: number(/^\] by (\d+) and /), depth: number(/^(\d+)(?: times )?/) };
    };
    const [left, right] = [operand(), operand()];
    return { kind: 'product', name, unit: { type, m, n, k, subgroup }, rows, columns, loops, left, right };
  }

  private eat(pattern: RegExp): string {
    const match = pattern.exec(this.rest);
    invariant(match, `cannot read '${this.rest}'`);
    this.rest = this.rest.slice(match[0].length);
    return match[1] ?? '';
  }

  private expr(scope: ReadonlyMap<string, ValueType>): Expr {
    const number = /^(-?(?:\d+\.?\d*(?:e[+-]?\d+)?|Infinity))([fiub])(?!\w)/.exec(this.rest);
    if (number) {
      this.rest = this.rest.slice(number[0].length);
      return { kind: 'literal', type: TYPES[number[2] ?? ''] ?? 'f32', value: Number(number[1]) };
    }
    const uniforms = /^uniforms\.(\w+):(f32|i32|u32|bool)/.exec(this.rest);
    if (uniforms) {
      this.rest = this.rest.slice(uniforms[0].length);
      return { kind: 'uniform', name: uniforms[1] ?? '', type: uniforms[2] as ScalarType };
    }
    const name = this.eat(/^(\w+)/);
    if (this.rest.startsWith('(')) {
      invariant(name in FUNCTIONS || isVectorFn(name as Fn), `'${name}' is not a function of the kernel IR`);
      const args: Expr[] = [];
      this.eat(/^\(/);
      for (;;) {
        args.push(this.expr(scope));
        if (this.rest.startsWith(')')) break;
        this.eat(/^, /);
      }
      this.eat(/^\)/);
      return call(name as Fn, ...args);
    }
    if (this.rest.startsWith('[[')) {
      const type = scope.get(name);
      invariant(type, `'${name}' is not a table`);
      this.eat(/^\[\[/);
      const index = this.expr(scope);
      this.eat(/^\]\]/);
      return { kind: 'item', type, table: name, index };
    }
    if (this.rest.startsWith('[')) {
      const buffer = this.buffers.find((b) => b.name === name);
      invariant(buffer, `'${name}' is not a buffer`);
      this.eat(/^\[/);
      const wide = this.eat(/^((?:4 \* )?)/) !== '';
      const index = this.expr(scope);
      this.eat(/^\]/);
      return { kind: 'load', type: wide ? vectorOf(loadedAs(buffer.type)) : loadedAs(buffer.type), buffer: name, index };
    }
    const type = scope.get(name);
    invariant(type, `'${name}' is not defined`);
    return { kind: 'ref', type, name };
  }
}
