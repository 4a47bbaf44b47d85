import { showTensor } from '../base/show.ts';
import { fail } from '../base/errors.ts';
import { count, fixedShape } from '../base/types.ts';
import { formulaOf } from '../math/formula.ts';
import { bindBatch } from '../passes/graph/cleanup.ts';
import { evaluate } from '../reference/evaluate.ts';
import type { Tensor } from '../reference/walk.ts';
import { initialStream, initialValue, type RandomSource } from '../base/init.ts';
import { nativeDraws } from '../draw.ts';
import type { Model, PrintItem, Script } from '../sema/model.ts';

/** The most examples whose values are printed. */
export const MOST = 256;
/** The most rows of a tensor of examples that are printed. */
const ROWS = 6;

/** Examples for values that depend on the inputs. */
export interface PrintedExamples {
  readonly rows: number;
  readonly inputs: ReadonlyMap<string, ArrayLike<number>>;
  readonly statistics: ReadonlyMap<string, readonly number[]>;
}

export type State = ReadonlyMap<string, ArrayLike<number>>;

/** Parameters before any training; those of a model are the ones that its training begins with, unless another generator draws them. */
export function initialState(script: Script, model: Model | undefined, seed: number, other?: RandomSource): State {
  fits(script.params.map((p) => ({ what: `the parameter ${p.name}`, size: count(p.shape) })));
  const random = other ?? nativeDraws(seed);
  const drawn = (i: number): RandomSource => (model && !other ? initialStream(seed, i, 0) : random);
  return new Map(script.params.map((p, i) => [p.name, initialValue(p.init, p.shape, drawn(i))]));
}

/** The most numbers that print lines may hold at once, of eight bytes each. */
const MOST_NUMBERS = 2 ** 28;

/** Refuses what would not fit into memory, before any of it is computed. */
function fits(values: readonly { readonly what: string; readonly size: number }[]): void {
  const all = values.reduce((n, v) => n + v.size, 0);
  if (all <= MOST_NUMBERS) return;
  const largest = values.reduce((a, b) => (b.size > a.size ? b : a));
  fail(
    'NN217',
    `what is printed needs ${all.toLocaleString('en-US')} numbers, and ${MOST_NUMBERS.toLocaleString('en-US')} can be held at once`,
    {
      notes: [`the largest is ${largest.what}, with ${largest.size.toLocaleString('en-US')} numbers`],
      help: 'print parts of it, or make it smaller',
    },
  );
}

/** The output of print lines, with the parameters in `state`. */
export function printed(script: Script, lines: Script['lines'], state: State, examples?: PrintedExamples): string[] {
  if (lines.length === 0) return [];
  const graph = needed(script, lines, examples?.rows);
  fits(graph.nodes.map((n) => ({ what: n.loc === undefined ? n.op : `${n.op} at ${n.loc}`, size: count(n.type.shape) })));
  const value = evaluate(graph, { inputs: examples?.inputs ?? new Map(), state, scalars: { step: 0, seed: 0, total: 1 } });
  const of = (output: string): Tensor => value(graph.outputs[output] ?? -1);
  return lines.map((line) => {
    const parts = line.items.map((item) => (line.ofExamples ? shownValue(item, of, examples?.rows) : shownItem(script, item, of)));
    return parts.join(parts.some((p) => p.includes('\n')) ? '\n' : ' ');
  });
}

/** A value of examples: of many rows only the first, and of a derivative no formula, which would go through the whole model. */
function shownValue(item: PrintItem, of: (output: string) => Tensor, rows: number | undefined): string {
  if (item.kind === 'text') return item.text;
  const { shape, data } = of(item.output);
  const [first = 1, ...rest] = shape;
  const cut = first === rows && first > ROWS;
  const each = rest.reduce((a, b) => a * b, 1);
  const text = cut
    ? `${showTensor({ shape: [ROWS, ...rest], data: Array.from(data).slice(0, ROWS * each) })}\n... and ${first - ROWS} rows more`
    : showTensor({ shape, data });
  return item.kind === 'gradient' ? `${derivativeName(item.of, item.wrt)} = ${text}` : text;
}

function shownItem(script: Script, item: PrintItem, of: (output: string) => Tensor): string {
  if (item.kind === 'text') return item.text;
  const text = showTensor(of(item.output));
  if (item.kind === 'value') return text;
  const name = derivativeName(item.of, item.wrt);
  const formula = formulaOf(script.graph, item.output);
  // Print a constant derivative once, and only the numbers if the formula is too long.
  if (formula === undefined || formula === text) return `${name} = ${text}`;
  return `${name} = ${formula}\n${' '.repeat(name.length)} = ${text.replaceAll('\n', `\n${' '.repeat(name.length + 3)}`)}`;
}

/** The graph of the values that the lines print; values that depend on inputs cannot be computed here. */
function needed(script: Script, lines: Script['lines'], rows: number | undefined): Script['graph'] {
  const outputs = lines.flatMap((l) => l.items.flatMap((i) => (i.kind === 'text' ? [] : [i.output])));
  const wanted = new Set(outputs.map((o) => script.graph.outputs[o] ?? -1));
  for (let id = script.graph.nodes.length - 1; id >= 0; id--)
    if (wanted.has(id)) script.graph.nodes[id]?.inputs.forEach((i) => wanted.add(i));
  const zero = { op: 'const', inputs: [], attrs: { value: 0 }, type: { dtype: 'f32', shape: [] } } as const;
  const nodes = script.graph.nodes.map((n) => (wanted.has(n.id) ? n : { ...zero, id: n.id }));
  const graph = { ...script.graph, nodes };
  const known = Object.fromEntries(outputs.map((o) => [o, graph.outputs[o] ?? -1]));
  const bound = rows === undefined ? graph : bindBatch({ ...graph, outputs: known }, rows);
  for (const n of bound.nodes) fixedShape(n.type.shape);
  return bound;
}

/** `dy/dx`, `d^2y/dx^2`. */
function derivativeName(of: string, wrt: string): string {
  let [inner, order] = [of, 1];
  for (let m = /^grad\((.*), *(\w+)\)$/.exec(inner); m && m[2] === wrt; m = /^grad\((.*), *(\w+)\)$/.exec(inner)) {
    inner = m[1] ?? '';
    order++;
  }
  const shown = /^\w+$/.test(inner) ? inner : `(${inner})`;
  return order === 1 ? `d${shown}/d${wrt}` : `d^${order}${shown}/d${wrt}^${order}`;
}
