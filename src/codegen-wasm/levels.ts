import { CompilerBug, at } from '../base/errors.ts';
import type { Expr } from '../ir/kernel/types.ts';
import { OP, constant, get, repeatWhile, set, type Code } from './encode.ts';
import type { Linear, Term } from './linear.ts';

/** A loop under construction; level 0 is the function itself. */
interface Level {
  readonly variable: string | undefined;
  readonly local: number;
  readonly start: Code;
  /** What the variable grows by from iteration to iteration. */
  readonly step: number;
  /** Code before the loop, at the start of each iteration, and at its end. */
  readonly before: Code[];
  readonly head: Code[];
  readonly after: Code[];
  readonly known: Map<string, number>;
}

/** What the levels need from the function around them. */
export interface Around {
  readonly local: () => number;
  /** The code of an unsigned expression that is not a sum. */
  readonly atom: (e: Expr) => Code;
}

/**
 * The loops around the current position. Index arithmetic on loop variables is hoisted as far out as possible, and multiples of a loop
 * variable become induction variables, since engines do neither.
 */
export class Levels {
  private readonly stack: Level[] = [Levels.level(undefined, -1, [], 1)];
  private readonly around: Around;

  constructor(around: Around) {
    this.around = around;
  }

  private static level(variable: string | undefined, local: number, start: Code, step: number): Level {
    return { variable, local, start, step, before: [], head: [], after: [], known: new Map() };
  }

  /** A loop from `start` by `step` while its variable is below `end`; it runs at least once. */
  loop(variable: string, start: Code, end: Code, body: () => Code, step = 1): Code {
    const local = this.around.local();
    const level = Levels.level(variable, local, start, step);
    this.stack.push(level);
    const inner = body();
    this.stack.pop();
    const next: Code = [get(local), constant(step), OP['i32.add'], set(local)];
    return [level.before, start, set(local), repeatWhile([level.head, inner, level.after, next], [get(local), end, OP['i32.lt_u']])];
  }

  /** Code for the start of the function. */
  get prologue(): Code {
    return at(this.stack, 0).head;
  }

  /** The local of a loop variable; undefined for other names. */
  variable(name: string): number | undefined {
    return this.stack.find((l) => l.variable === name)?.local;
  }

  /** The local of the innermost loop's variable; undefined outside of loops. */
  get innermost(): number | undefined {
    const { local } = at(this.stack, this.stack.length - 1);
    return local < 0 ? undefined : local;
  }

  /** The innermost loop that an expression depends on; undefined if it contains anything but loop variables and literals. */
  private depth(e: Expr): number | undefined {
    if (e.kind === 'literal' || (e.kind === 'uniform' && e.type === 'u32')) return 0;
    if (e.kind === 'ref') {
      const level = this.stack.findIndex((l) => l.variable === e.name);
      return level < 0 ? undefined : level;
    }
    if (e.kind !== 'call' || e.type !== 'u32') return undefined;
    let depth = 0;
    for (const a of e.args) {
      const d = this.depth(a);
      if (d === undefined) return undefined;
      depth = Math.max(depth, d);
    }
    return depth;
  }

  /**
   * The sum of a local and the terms, without the constant. Terms that depend only on loop variables come from a local that is computed
   * further out.
   */
  sum(base: number | undefined, { terms }: Linear): Code {
    const outer = terms.filter((t) => this.depth(t.atom) !== undefined);
    const here = terms.filter((t) => this.depth(t.atom) === undefined);
    const ready = this.ready(base, outer);
    const codes = [...(ready === undefined ? [] : [get(ready)]), ...here.map((t) => this.product(t))];
    return codes.length === 0 ? constant(0) : codes.reduce((a, b) => [a, b, OP['i32.add']]);
  }

  private product({ factor, atom }: Term): Code {
    const code = this.around.atom(atom);
    return factor === 1 ? code : [code, constant(factor), OP['i32.mul']];
  }

  /** A local that holds the sum of the base and of terms that depend only on loop variables. */
  private ready(base: number | undefined, terms: readonly Term[]): number | undefined {
    if (terms.length === 0) return base;
    const depths = terms.map((t) => this.depth(t.atom) ?? 0);
    const deepest = Math.max(...depths);
    const level = at(this.stack, deepest);
    const key = `${base ?? ''}:${terms
      .map((t) => `${t.factor}*${t.key}`)
      .sort()
      .join('+')}`;
    const known = level.known.get(key);
    if (known !== undefined) return known;
    const rest = this.ready(
      base,
      terms.filter((_, i) => depths[i] !== deepest),
    );
    const own = terms.filter((_, i) => depths[i] === deepest);
    const [only] = own;
    if (!only) throw new CompilerBug('a sum without its own terms');
    let result: number;
    const plusRest = (code: Code): Code => (rest === undefined ? code : [get(rest), code, OP['i32.add']]);
    if (own.length === 1 && only.atom.kind === 'ref') {
      if (rest === undefined && only.factor === 1) return level.local;
      result = this.around.local();
      const first: Code = [level.start, constant(only.factor), OP['i32.mul']];
      level.before.push([level.start === ZERO ? (rest === undefined ? ZERO : get(rest)) : plusRest(first), set(result)]);
      level.after.push([get(result), constant(level.step * only.factor), OP['i32.add'], set(result)]);
    } else {
      // Generated before its local is allocated, so that the locals it needs are computed first.
      const code = own.map((t) => this.product(t)).reduce((a, b) => [a, b, OP['i32.add']]);
      result = this.around.local();
      level.head.push([plusRest(code), set(result)]);
    }
    level.known.set(key, result);
    return result;
  }
}

/** The start of most loops. */
export const ZERO: Code = constant(0);
