import { printOutput } from '../base/outputs.ts';
import { textOf } from '../base/source.ts';
import type { GraphBuilder } from '../ir/graph/builder.ts';
import type { NodeId } from '../ir/graph/types.ts';
import type * as A from '../parser/ast.ts';
import type { Environment } from './environment.ts';
import type { Evaluator } from './evaluator.ts';
import type { ModelBuilder } from './model-builder.ts';
import type { PrintItem } from './model.ts';
import { attempt, type Flow } from './values.ts';

/** The `print` lines of a program, and the outputs of the graph that they show. */
export class PrintLines {
  readonly lines: { items: PrintItem[]; span: A.Statement['span']; afterTraining: boolean; ofExamples: boolean }[] = [];
  /** Whether the line at hand shows values of the data's examples. */
  private ofExamples = false;
  readonly outputs: Record<string, NodeId> = {};
  private readonly m: ModelBuilder;
  private readonly evaluator: Evaluator;

  private readonly hasData: boolean;

  /** With `hasData`, values may depend on the inputs: they are those of the data's examples. */
  constructor(m: ModelBuilder, evaluator: Evaluator, hasData: boolean) {
    this.hasData = hasData;
    this.m = m;
    this.evaluator = evaluator;
  }

  /** Adds a line. */
  print(s: A.PrintStatement, env: Environment, afterTraining: boolean): void {
    const items: PrintItem[] = [];
    this.ofExamples = false;
    for (const e of s.values) attempt(() => this.addItems(items, e, env));
    this.lines.push({ items, span: s.span, afterTraining, ofExamples: this.ofExamples });
  }

  private addItems(items: PrintItem[], e: A.Expr, env: Environment): void {
    const { evaluator: ev } = this;
    const flow: Flow = { prefix: [`print${this.lines.length}`], next: 0 };
    const value = this.m.drawing(true, () => ev.evaluate(e, env, flow));
    const output = (v: typeof value): string => this.output(items.length, ev.tensorOf(v, e.span), e.span);
    if (value.kind === 'const' && typeof value.value === 'string') items.push({ kind: 'text', text: value.value });
    else if (value.kind === 'const' && typeof value.value === 'boolean') items.push({ kind: 'text', text: String(value.value) });
    else if (e.kind === 'call' && e.callee.text === 'grad') {
      const [of = '', wrt = ''] = e.args.map((a) => textOf(a.value.span).replace(/\s+/g, ' '));
      items.push({ kind: 'gradient', output: output(value), of, wrt });
    } else for (const v of value.kind === 'tuple' ? value.items : [value]) items.push({ kind: 'value', output: output(v) });
  }

  /** The name of the output that an item shows. */
  private output(item: number, id: NodeId, span: A.Expr['span']): string {
    const missing = inputBehind(this.m.b, id);
    if (missing && this.hasData) this.ofExamples = true;
    else if (missing)
      return this.evaluator.fail('NN204', span, `this depends on the input '${missing}', which has no value here`, {
        help: 'give it values: predict(3.0)',
      });
    const name = printOutput(this.lines.length, item);
    this.outputs[name] = id;
    return name;
  }
}

/** The name of an input that a value depends on, if any. */
function inputBehind(b: GraphBuilder, id: NodeId): string | undefined {
  const seen = new Set<NodeId>();
  const stack = [id];
  for (let next = stack.pop(); next !== undefined; next = stack.pop()) {
    if (seen.has(next)) continue;
    seen.add(next);
    const node = b.node(next);
    if (node.op === 'input') return node.attrs.name;
    stack.push(...node.inputs);
  }
  return undefined;
}
