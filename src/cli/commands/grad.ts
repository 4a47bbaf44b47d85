import { gradient } from '../../autodiff/gradient.ts';
import { fail } from '../../base/errors.ts';
import { hint } from '../../base/suggest.ts';
import { count, type Shape } from '../../base/types.ts';
import { GraphBuilder } from '../../ir/graph/builder.ts';
import type { Graph, NodeId } from '../../ir/graph/types.ts';
import { linesOf, type Line } from '../../math/formula.ts';
import { cse, dce } from '../../passes/graph/cleanup.ts';
import { simplify } from '../../passes/graph/simplify.ts';
import { shorten } from '../../math/shorten.ts';
import type { Script } from '../../sema/model.ts';
import { openScript } from '../program.ts';
import { print } from '../terminal.ts';

export interface GradFlags {
  readonly of?: string;
  readonly wrt?: string;
  readonly latex?: boolean;
}

interface Known {
  readonly graph: Graph;
  /** What can be differentiated, and by what. */
  readonly named: ReadonlyMap<string, NodeId>;
}

/** Prints derivatives as formulas: of the loss by every parameter, or of one name in the file by another. */
export async function grad(path: string, flags: GradFlags): Promise<void> {
  const { model, script } = await openScript(path);
  const own = [...script.names.values()];
  const training =
    flags.of === 'pred' && !own.includes('pred')
      ? (model?.training ?? model?.predict)
      : flags.of === undefined || flags.of === 'loss'
        ? model?.training
        : undefined;
  const { graph, named } = training ? ofModel(training) : ofScript(script.graph, script.names);
  const params = (training ? (model?.params ?? []) : script.params).map((p) => p.name);
  const asked = flags.of === undefined && flags.wrt === undefined && !training ? printedGradients(script, named) : [];
  if (asked.length > 0) {
    const parts = asked.map(({ of, wrt }) => derivatives(graph, named, of, wrt, flags));
    return print(parts.join('\n\n'));
  }
  const of = flags.of ?? (training ? 'loss' : lastNumber(graph, named, params));
  if (of === undefined)
    return fail('NN207', `${path} has nothing to differentiate`, { help: 'add a loss, or: param x = 3.0 and let y = x^2' });
  const y = named.get(of) ?? fail('NN201', `there is no '${of}' in ${path}`, { help: hint(of, [...named.keys()], 'there are') });
  if (!isNumber(graph.nodes[y]?.type.shape ?? []))
    fail('NN203', `'${of}' is no single number, so it has no gradient`, { help: 'differentiate its sum or its mean' });
  const wrt = flags.wrt === undefined ? params.filter((n) => named.has(n)) : [flags.wrt];
  if (wrt.length === 0) fail('NN207', `${path} has no parameters`, { help: 'add one: param x = 3.0' });
  for (const n of wrt) if (!named.has(n)) fail('NN201', `there is no '${n}' in ${path}`, { help: hint(n, [...named.keys()], 'there are') });
  print(derivatives(graph, named, of, wrt, flags));
}

/** What the file itself differentiates in its print lines, by name; what belongs to one value together. */
function printedGradients({ lines }: Script, named: Known['named']): { readonly of: string; readonly wrt: readonly string[] }[] {
  const found = new Map<string, Set<string>>();
  for (const item of lines.flatMap((l) => l.items))
    if (item.kind === 'gradient' && named.has(item.of) && named.has(item.wrt))
      found.set(item.of, (found.get(item.of) ?? new Set()).add(item.wrt));
  return [...found].map(([of, wrt]) => ({ of, wrt: [...wrt] }));
}

/** The derivatives of one value, as derived and simplified. */
function derivatives(graph: Graph, named: Known['named'], of: string, wrt: readonly string[], flags: GradFlags): string {
  const [y = -1, ...ids] = [of, ...wrt].map((n) => named.get(n) ?? -1);
  const b = new GraphBuilder(graph.name, { ...graph, outputs: {}, writes: [] });
  const grads = gradient(b, b.reshape(y, []), ids);
  grads.forEach((g, i) => {
    b.outputs[`d${i}`] = g;
  });
  const shown = Object.fromEntries(wrt.map((n, i) => [`d${i}`, `d${of}/d${n}`]));
  const raw = dce(b.graph());
  const clean = shorten(dce(cse(simplify(raw))));
  const text = (lines: readonly Line[]): string => (flags.latex ? latex(lines, of) : plain(lines));
  return [`${comment(flags)}as derived`, text(linesOf(raw, shown)), '', `${comment(flags)}simplified`, text(linesOf(clean, shown))].join(
    '\n',
  );
}

const comment = (flags: GradFlags): string => (flags.latex ? '% ' : '# ');
const isNumber = (shape: Shape): boolean => shape.every((d) => typeof d === 'number') && count(shape) === 1;

function ofModel(training: Graph): Known {
  const named = new Map<string, NodeId>();
  for (const name of ['loss', 'pred']) if (training.outputs[name] !== undefined) named.set(name, training.outputs[name]);
  for (const node of training.nodes) if (node.op === 'param' || node.op === 'input') named.set(node.attrs.name, node.id);
  return { graph: training, named };
}

function ofScript(graph: Graph, names: ReadonlyMap<NodeId, string>): Known {
  const named = new Map([...names].map(([id, name]) => [name, id] as const));
  for (const node of graph.nodes) if (node.op === 'param' && !named.has(node.attrs.name)) named.set(node.attrs.name, node.id);
  return { graph, named };
}

/** The last name that stands for a scalar and is not a parameter. */
function lastNumber(graph: Graph, named: ReadonlyMap<string, NodeId>, params: readonly string[]): string | undefined {
  return [...named].filter(([name, id]) => !params.includes(name) && isNumber(graph.nodes[id]?.type.shape ?? [])).at(-1)?.[0];
}

function plain(lines: readonly Line[]): string {
  const width = Math.max(...lines.map((l) => l.name.length));
  return lines.map((l) => `${l.name.padEnd(width)} = ${l.text}${l.shape === '[]' ? '' : `    ${l.shape}`}`).join('\n');
}

function latex(lines: readonly Line[], of: string): string {
  const left = (name: string): string => {
    const wrt = name.startsWith(`d${of}/d`) ? name.slice(of.length + 3) : undefined;
    if (wrt === undefined) return name.replace(/^t(\d+)$/, 't_{$1}');
    const upright = (n: string): string => (n.length === 1 ? n : `\\mathrm{${n.replaceAll('_', '\\_')}}`);
    return `\\frac{\\partial ${upright(of)}}{\\partial ${upright(wrt)}}`;
  };
  const rows = lines.map((l) => `  ${left(l.name)} &= ${l.latex}${l.shape === '[]' ? '' : ` && ${l.shape}`}`);
  return `\\begin{aligned}\n${rows.join(' \\\\\n')}\n\\end{aligned}`;
}
