import { CompilerBug, at } from '../../base/errors.ts';
import { call, literal, ref } from '../../ir/kernel/build.ts';
import * as ix from '../../ir/kernel/index-math.ts';
import type { Expr, Stmt } from '../../ir/kernel/types.ts';

/**
 * How the innermost loop of a sum is written: plain, unrolled by four so that adjacent elements load together, or on vectors of four.
 * `four` and `vector` also unroll short loops fully; `short` unrolls only a short innermost loop.
 */
export type Unroll = 'none' | 'short' | 'four' | 'vector';

/** The most iterations that fully unrolled loops may have together. */
const WRITTEN_OUT = 9;

/** The most iterations of an innermost loop that is unrolled alone. */
const SHORT = 5;

/** The first axis whose loop is fully unrolled. */
function smallAxes(shape: readonly number[], unroll: Unroll): number {
  if (unroll === 'none') return shape.length;
  let product = 1;
  let axis = shape.length;
  if (unroll === 'short') return axis > 0 && at(shape, axis - 1) <= SHORT ? axis - 1 : axis;
  while (axis > 0 && product * at(shape, axis - 1) <= WRITTEN_OUT) product *= at(shape, --axis);
  // With `vector`, a loop of four or eight stays a loop over vectors.
  return unroll === 'vector' && shape.length > 0 && axis < shape.length && at(shape, shape.length - 1) % 4 === 0 ? shape.length : axis;
}

/** The axis that is unrolled by four: the last one with more than one element. */
function lastLong(shape: readonly number[]): number {
  let axis = shape.length - 1;
  while (axis >= 0 && at(shape, axis) === 1) axis--;
  return axis;
}

/** Writes the statements of a kernel: nested blocks, fresh names, and the values known in each block. */
export class BlockWriter {
  private readonly blocks: { readonly body: Stmt[]; readonly memo: Map<string, Expr> }[] = [];
  private names = 0;
  private guards = 0;

  /** The statements that `body` emits. */
  inBlock(body: () => void): Stmt[] {
    const block = { body: [], memo: new Map<string, Expr>() };
    this.blocks.push(block);
    body();
    this.blocks.pop();
    return block.body;
  }

  emit(s: Stmt): void {
    this.top.body.push(s);
  }

  fresh(prefix: string): string {
    return `${prefix}${this.names++}`;
  }

  guarded(condition: Expr, body: () => void): void {
    this.guards++;
    this.emit({ kind: 'if', condition, body: this.inBlock(body) });
    this.guards--;
  }

  /** Whether some threads may not reach this point. */
  get isGuarded(): boolean {
    return this.guards > 0;
  }

  loop(extent: number, body: (name: string) => void): void {
    const name = this.fresh('k');
    this.emit({ kind: 'for', name, extent, body: this.inBlock(() => body(name)) });
  }

  /** Runs `body` for every index of a shape, in row-major order, with loops unrolled as `how` says. */
  loopOver(
    shape: readonly number[],
    how: { readonly lanes: number; readonly unroll: Unroll },
    body: (index: readonly ix.Index[]) => void,
  ): void {
    if (how.lanes > 1) {
      this.shareAmongLanes(shape, how.lanes, body);
      return;
    }
    const small = smallAxes(shape, how.unroll);
    const nest = (axis: number, index: readonly ix.Index[]): void => {
      const extent = shape[axis];
      if (extent === undefined) body(index);
      else if (extent === 1) nest(axis + 1, [...index, ix.ZERO]);
      else if (axis >= small) for (let i = 0; i < extent; i++) nest(axis + 1, [...index, ix.constant(i)]);
      else if ((how.unroll === 'four' || how.unroll === 'vector') && axis === lastLong(shape) && extent % 4 === 0) {
        this.loop(extent / 4, (name) => {
          const start = ix.scale(ix.variable(name, extent / 4), 4);
          if (how.unroll === 'vector') nest(axis + 1, [...index, ix.add(start, ix.LANES)]);
          else for (let i = 0; i < 4; i++) nest(axis + 1, [...index, ix.add(start, ix.constant(i))]);
        });
      } else this.loop(extent, (name) => nest(axis + 1, [...index, ix.variable(name, extent)]));
    };
    nest(0, []);
  }

  private shareAmongLanes(shape: readonly number[], lanes: number, body: (index: readonly ix.Index[]) => void): void {
    const total = shape.reduce((a, b) => a * b, 1);
    const rounds = Math.ceil(total / lanes);
    this.loop(rounds, (name) => {
      const position = ix.add(ix.scale(ix.variable(name, rounds), lanes), ix.variable('lane', lanes));
      if (total % lanes === 0) return body(ix.delinear(position, shape));
      const where = ix.toExpr(position);
      // Under the condition the position is smaller than it looks.
      this.guarded(call('lt', where, literal('u32', total)), () =>
        body(ix.delinear(ix.runtimeValue(where, `<${ix.showIndex(position)}>`, total - 1), shape)),
      );
    });
  }

  /** Names a value. */
  define(prefix: string, value: Expr): Expr {
    const name = this.fresh(prefix);
    this.emit({ kind: 'let', name, value });
    return ref(value.type, name);
  }

  /** A mutable variable with an initial value. */
  variable(prefix: string, start: Expr): Expr {
    const name = this.fresh(prefix);
    this.emit({ kind: 'var', name, value: start });
    return ref(start.type, name);
  }

  assign(target: Expr, value: Expr): void {
    if (target.kind !== 'ref') throw new CompilerBug('only a variable can be assigned');
    this.emit({ kind: 'set', name: target.name, value });
  }

  /** The value that this or an enclosing block has computed under a key. */
  recall(key: string): Expr | undefined {
    for (let i = this.blocks.length - 1; i >= 0; i--) {
      const known = at(this.blocks, i).memo.get(key);
      if (known) return known;
    }
    return undefined;
  }

  /** Names a value, unless it is trivial, and remembers it for this block and those inside. */
  keep(key: string, value: Expr, prefix: string): Expr {
    const simple = value.kind === 'literal' || value.kind === 'ref' || value.kind === 'uniform';
    const result = simple ? value : this.define(prefix, value);
    this.remember(key, result);
    return result;
  }

  /** Makes a value known to this block and those inside. */
  remember(key: string, value: Expr): void {
    this.top.memo.set(key, value);
  }

  private get top(): { readonly body: Stmt[]; readonly memo: Map<string, Expr> } {
    return at(this.blocks, this.blocks.length - 1, 'block');
  }
}
