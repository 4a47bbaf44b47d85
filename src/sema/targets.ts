import type { TensorType } from '../base/types.ts';
import type { NodeId } from '../ir/graph/types.ts';
import type { AnyArgs } from './arguments.ts';
import type { Loss } from './losses/loss.ts';
import type { InputInfo, OutputMeaning, TargetInfo } from './model.ts';
import type { ModelBuilder } from './model-builder.ts';

/** What a loss knows about its target. */
export interface Wanted {
  readonly type: TensorType;
  readonly classes?: number | undefined;
  /** The ignored label, which may lie outside the classes. */
  readonly ignored?: number | undefined;
  /** Whether it is yes and no, or a share between them. */
  readonly shares?: true | undefined;
  /** The name of the loss. */
  readonly by?: string;
}

/**
 * The targets: declared by `target`, or a single one of the type that the loss expects. A target is an input of the graph; a single one is
 * called `target` there, and each of several by its own name.
 */
export class Targets {
  private readonly m: ModelBuilder;
  private readonly declared: () => readonly InputInfo[];
  private readonly wanted = new Map<string, Wanted>();
  private readonly nodes = new Map<string, NodeId>();
  /** The values that losses compare, with the losses' decision thresholds. */
  private readonly sides = new Map<NodeId, number>();
  private readonly readings = new Map<NodeId, OutputMeaning>();
  private seen: (id: NodeId) => NodeId = (id) => id;

  constructor(m: ModelBuilder, declared: () => readonly InputInfo[]) {
    this.m = m;
    this.declared = declared;
  }

  /** The graph's name for the target that a program calls `word`; undefined if it is not a target. */
  private inputOf(word: string): string | undefined {
    const names = this.declared().map((d) => d.name);
    if (names.length <= 1) return word === 'target' || word === names[0] ? 'target' : undefined;
    return names.includes(word) ? word : undefined;
  }

  has(word: string): boolean {
    return this.inputOf(word) !== undefined;
  }

  /** The targets' own names, if there are several. */
  several(): readonly string[] {
    const names = this.declared().map((d) => d.name);
    return names.length > 1 ? names : [];
  }

  /** The declared type, or the one that a loss expects. */
  typeOf(word: string): TensorType | undefined {
    const input = this.inputOf(word);
    return this.declarationOf(input)?.type ?? (input === undefined ? undefined : this.wanted.get(input)?.type);
  }

  private declarationOf(input: string | undefined): InputInfo | undefined {
    const all = this.declared();
    return input === 'target' && all.length <= 1 ? all[0] : all.find((d) => d.name === input);
  }

  /** Records what a loss expects of this target. */
  want(word: string, wanted: Wanted): void {
    const input = this.inputOf(word);
    if (input !== undefined && !this.wanted.has(input)) this.wanted.set(input, wanted);
  }

  /** Records what a loss says about the value it takes: the decision threshold, and how it becomes probabilities. */
  compared(pred: NodeId, { undecided, reads }: Loss, args: AnyArgs = {}): void {
    if (undecided !== undefined) this.sides.set(pred, undecided);
    // Classes on another axis than the last are not told by a prediction's rows.
    if (reads !== undefined && (args['dim'] === undefined || args['dim'] === -1)) this.readings.set(pred, reads);
  }

  /** What the numbers of a prediction are, from the loss that takes it. */
  reads(pred: NodeId): OutputMeaning {
    return this.readings.get(pred) ?? 'numbers';
  }

  /** The decision threshold for a prediction, from the loss that takes it. */
  undecided(pred: NodeId): number | undefined {
    return this.sides.get(pred);
  }

  /** The node of a target, with the declared type, else the expected one, else `fallback`. */
  node(word: string, fallback: TensorType): NodeId | undefined {
    const input = this.inputOf(word);
    if (input === undefined) return undefined;
    const known = this.nodes.get(input);
    if (known !== undefined) return this.seen(known);
    const type = this.typeOf(word) ?? fallback;
    this.want(word, { type });
    const id = this.m.input(input, type);
    this.nodes.set(input, id);
    return this.seen(id);
  }

  /** While a loss is built, it may see targets in other units than the rest of the program. */
  within<T>(seen: (id: NodeId) => NodeId, body: () => T): T {
    const before = this.seen;
    this.seen = seen;
    try {
      return body();
    } finally {
      this.seen = before;
    }
  }

  /** The ignored label, if the node is a target and a loss ignores one. */
  ignored(node: NodeId | undefined): number | undefined {
    const [name] = [...this.nodes].find(([, id]) => id === node) ?? [];
    return name === undefined ? undefined : this.wanted.get(name)?.ignored;
  }

  /** The loss that determined the type of an undeclared target. */
  toldBy(node: NodeId): string | undefined {
    const [name] = [...this.nodes].find(([, id]) => id === node) ?? [];
    return name === undefined || this.declarationOf(name) ? undefined : this.wanted.get(name)?.by;
  }

  /** All targets: the declared ones in order, or the one that a loss expects. */
  all(): readonly TargetInfo[] {
    const declared = this.declared();
    const words = declared.length > 0 ? declared.map((d) => d.name) : this.wanted.has('target') ? ['target'] : [];
    return words.flatMap((word) => {
      const [name, type] = [this.inputOf(word), this.typeOf(word)];
      if (name === undefined || !type) return [];
      const { classes, ignored, shares } = this.wanted.get(name) ?? {};
      return [{ name, shown: declared.length > 0 ? word : 'y', type, classes, ignored, shares }];
    });
  }
}
