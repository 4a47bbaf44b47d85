import type { TensorType } from '../base/types.ts';
import type { NodeId } from '../ir/graph/types.ts';
import type { InputInfo, TargetInfo } from './model.ts';
import type { ModelBuilder } from './model-builder.ts';

/** What a loss says of the target that it compares with. */
export interface Wanted {
  readonly type: TensorType;
  readonly classes?: number | undefined;
  /** A label that does not count, whatever the classes are. */
  readonly ignored?: number | undefined;
  /** The loss that says so. */
  readonly by?: string;
}

/**
 * What the model is compared with: declared by `target`, or one as the loss asks for it. A target is an input of the graph; a single one
 * is called `target` there, and each of several by its own name.
 */
export class Targets {
  private readonly m: ModelBuilder;
  private readonly declared: () => readonly InputInfo[];
  private readonly wanted = new Map<string, Wanted>();
  private readonly nodes = new Map<string, NodeId>();
  /** What losses compare, and which value of it speaks for neither side, where a loss says so. */
  private readonly sides = new Map<NodeId, number>();

  constructor(m: ModelBuilder, declared: () => readonly InputInfo[]) {
    this.m = m;
    this.declared = declared;
  }

  /** The name that the graph has for a target, by the word that a program uses; undefined where it is no target. */
  private inputOf(word: string): string | undefined {
    const names = this.declared().map((d) => d.name);
    if (names.length <= 1) return word === 'target' || word === names[0] ? 'target' : undefined;
    return names.includes(word) ? word : undefined;
  }

  has(word: string): boolean {
    return this.inputOf(word) !== undefined;
  }

  /** The targets' own names, where there are several of them. */
  several(): readonly string[] {
    const names = this.declared().map((d) => d.name);
    return names.length > 1 ? names : [];
  }

  /** The declared type, or the one that a loss wanted. */
  typeOf(word: string): TensorType | undefined {
    const input = this.inputOf(word);
    return this.declarationOf(input)?.type ?? (input === undefined ? undefined : this.wanted.get(input)?.type);
  }

  private declarationOf(input: string | undefined): InputInfo | undefined {
    const all = this.declared();
    return input === 'target' && all.length <= 1 ? all[0] : all.find((d) => d.name === input);
  }

  /** A loss compares with this target. */
  want(word: string, wanted: Wanted): void {
    const input = this.inputOf(word);
    if (input !== undefined && !this.wanted.has(input)) this.wanted.set(input, wanted);
  }

  /** A loss takes these values, and one of them speaks for neither side. */
  compared(pred: NodeId, undecided: number | undefined): void {
    if (undecided !== undefined) this.sides.set(pred, undecided);
  }

  /** The value of a prediction that speaks for neither side, by the loss that takes it. */
  undecided(pred: NodeId): number | undefined {
    return this.sides.get(pred);
  }

  /** The node that holds a target, of the declared type, else of the one that is wanted, else of `fallback`. */
  node(word: string, fallback: TensorType): NodeId | undefined {
    const input = this.inputOf(word);
    if (input === undefined) return undefined;
    const known = this.nodes.get(input);
    if (known !== undefined) return known;
    const type = this.typeOf(word) ?? fallback;
    this.want(word, { type });
    const id = this.m.input(input, type);
    this.nodes.set(input, id);
    return id;
  }

  /** The label that does not count, where a node is a target and a loss says so. */
  ignored(node: NodeId | undefined): number | undefined {
    const [name] = [...this.nodes].find(([, id]) => id === node) ?? [];
    return name === undefined ? undefined : this.wanted.get(name)?.ignored;
  }

  /** The loss that told the type of a target that nobody declares. */
  toldBy(node: NodeId): string | undefined {
    const [name] = [...this.nodes].find(([, id]) => id === node) ?? [];
    return name === undefined || this.declarationOf(name) ? undefined : this.wanted.get(name)?.by;
  }

  /** All targets: the declared ones in their order, or the one that a loss asked for. */
  all(): readonly TargetInfo[] {
    const declared = this.declared();
    const words = declared.length > 0 ? declared.map((d) => d.name) : this.wanted.has('target') ? ['target'] : [];
    return words.flatMap((word) => {
      const [name, type] = [this.inputOf(word), this.typeOf(word)];
      if (name === undefined || !type) return [];
      const { classes, ignored } = this.wanted.get(name) ?? {};
      return [{ name, shown: declared.length > 0 ? word : 'y', type, classes, ignored }];
    });
  }
}
