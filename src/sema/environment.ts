import type { Span } from '../base/source.ts';
import type { BlockStatement, FnStatement } from '../parser/ast.ts';
import type { GraphBuilder } from '../ir/graph/builder.ts';
import type { Const } from './constants.ts';
import { knownValue } from './known.ts';
import type { Value } from './values.ts';

/** `failed`: the name's own definition had an error. */
type Entry = { readonly value: Value | 'failed'; readonly span: Span; used: boolean };

type Seen = (name: string, value: Value) => Value | 'failed';

/** The value of a tensor that is one number and needs no input; a truth value is no number. */
export function knownNumber(b: GraphBuilder, id: number): number | undefined {
  const { dtype, shape } = b.type(id);
  return dtype === 'bool' || shape.length > 0 ? undefined : knownValue(b, id)?.data[0];
}

/** A scope; inner scopes see the names of outer ones. */
export class Environment {
  private readonly entries = new Map<string, Entry>();
  private readonly outer: Environment | undefined;
  private readonly seen: Seen | undefined;
  /** The graph of the values; of the outermost scope. */
  graph: GraphBuilder | undefined;

  constructor(outer?: Environment, seen?: Seen) {
    this.outer = outer;
    this.seen = seen;
  }

  /** An inner scope; with `seen`, it sees the values of outer names through this function. */
  child(seen?: Seen): Environment {
    return new Environment(this, seen);
  }

  /** The outermost scope: the names of the file itself. */
  globals(): Environment {
    return this.outer ? this.outer.globals() : this;
  }

  /** False if this scope already has the name. */
  define(name: string, value: Value | 'failed', span: Span): boolean {
    if (this.entries.has(name)) return false;
    this.entries.set(name, { value, span, used: false });
    return true;
  }

  lookup(name: string): Value | 'failed' | undefined {
    const entry = this.entries.get(name);
    if (!entry) {
      const outside = this.outer?.lookup(name);
      return outside === undefined || outside === 'failed' || !this.seen ? outside : this.seen(name, outside);
    }
    entry.used = true;
    return entry.value;
  }

  /** Looks a name up without marking it as used. */
  peek(name: string): Value | 'failed' | undefined {
    return this.entries.get(name)?.value;
  }

  names(): string[] {
    return [...this.entries.keys(), ...(this.outer?.names() ?? [])];
  }

  unused(): { readonly name: string; readonly span: Span }[] {
    return [...this.entries].filter(([, v]) => !v.used).map(([name, v]) => ({ name, span: v.span }));
  }

  // The `ConstScope` of bindArguments: names that are known at compile time.

  has(name: string): boolean {
    return this.lookup(name) !== undefined;
  }

  constant(name: string): Const | undefined {
    const v = this.lookup(name);
    if (v === undefined || v === 'failed') return undefined;
    if (v.kind !== 'tensor') return v.kind === 'const' ? v.value : undefined;
    // One number that no input changes, such as max(4, 3), is as good as one that is written down.
    const { graph } = this.globals();
    return graph && knownNumber(graph, v.id);
  }
}

/** Blocks and functions of the file, by name. */
export class Definitions {
  private readonly map = new Map<string, BlockStatement | FnStatement>();
  private readonly used = new Set<string>();

  add(s: BlockStatement | FnStatement): boolean {
    if (this.map.has(s.name.text)) return false;
    this.map.set(s.name.text, s);
    return true;
  }

  has(name: string): boolean {
    return this.map.has(name);
  }

  get(name: string): BlockStatement | FnStatement | undefined {
    this.used.add(name);
    return this.map.get(name);
  }

  names(): string[] {
    return [...this.map.keys()];
  }

  unused(): { readonly name: string; readonly span: Span }[] {
    return [...this.map.values()].filter((s) => !this.used.has(s.name.text)).map((s) => ({ name: s.name.text, span: s.name.span }));
  }
}
