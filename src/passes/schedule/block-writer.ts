import { CompilerBug, at } from '../../base/errors.ts';
import { call, literal, ref } from '../../ir/kernel/build.ts';
import * as ix from '../../ir/kernel/index-math.ts';
import type { Expr, Stmt } from '../../ir/kernel/types.ts';

/** Writes the statements of a kernel: nested blocks, fresh names, and what each block knows already. */
export class BlockWriter {
  private readonly blocks: { readonly body: Stmt[]; readonly memo: Map<string, Expr> }[] = [];
  private names = 0;

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
    this.emit({ kind: 'if', condition, body: this.inBlock(body) });
  }

  loop(extent: number, body: (name: string) => void): void {
    const name = this.fresh('k');
    this.emit({ kind: 'for', name, extent, body: this.inBlock(() => body(name)) });
  }

  /** Runs `body` for every index of a shape, in row-major order; shared among lanes where there are several. */
  loopOver(shape: readonly number[], lanes: number, body: (index: readonly ix.Index[]) => void): void {
    if (lanes > 1) {
      const total = shape.reduce((a, b) => a * b, 1);
      const rounds = Math.ceil(total / lanes);
      this.loop(rounds, (name) => {
        const position = ix.add(ix.scale(ix.variable(name, rounds), lanes), ix.variable('lane', lanes));
        const inner = (): void => body(ix.delinear(position, shape));
        if (total % lanes === 0) inner();
        else this.guarded(call('lt', ix.toExpr(position), literal('u32', total)), inner);
      });
      return;
    }
    const nest = (axis: number, index: readonly ix.Index[]): void => {
      const extent = shape[axis];
      if (extent === undefined) body(index);
      else if (extent === 1) nest(axis + 1, [...index, ix.ZERO]);
      else this.loop(extent, (name) => nest(axis + 1, [...index, ix.variable(name, extent)]));
    };
    nest(0, []);
  }

  /** A value that has a name from here on. */
  define(prefix: string, value: Expr): Expr {
    const name = this.fresh(prefix);
    this.emit({ kind: 'let', name, value });
    return ref(value.type, name);
  }

  /** A variable that starts with a value. */
  variable(prefix: string, start: Expr): Expr {
    const name = this.fresh(prefix);
    this.emit({ kind: 'var', name, value: start });
    return ref(start.type, name);
  }

  assign(target: Expr, value: Expr): void {
    if (target.kind !== 'ref') throw new CompilerBug('only a variable can be assigned');
    this.emit({ kind: 'set', name: target.name, value });
  }

  /** What an enclosing block computed before under this key. */
  recall(key: string): Expr | undefined {
    for (let i = this.blocks.length - 1; i >= 0; i--) {
      const known = at(this.blocks, i).memo.get(key);
      if (known) return known;
    }
    return undefined;
  }

  /** Makes a value known to this block and those inside. */
  remember(key: string, value: Expr): void {
    this.top.memo.set(key, value);
  }

  private get top(): { readonly body: Stmt[]; readonly memo: Map<string, Expr> } {
    return at(this.blocks, this.blocks.length - 1, 'block');
  }
}
