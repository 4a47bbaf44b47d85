import type { DiagnosticSink } from '../base/diagnostics.ts';
import type { ScalarExpr } from '../base/scalar.ts';
import type { Span } from '../base/source.ts';
import { hint } from '../base/suggest.ts';
import type * as A from '../parser/ast.ts';
import { bindArguments, type Call, type Parameters } from './arguments.ts';
import { nameOf } from './dotted.ts';
import type { Environment } from './environment.ts';
import type { OptimGroup, ParamInfo } from './model.ts';

/** Which parameters an optimizer's words name, and settings of parameter groups: `lr[head]=0.1`. */

const NORMS = /Norm/;

/**
 * The parameters that words name: `bias`, `norm`, a layer such as `Embedding`, part of their dotted names, or a stage's index such as `0`.
 */
export function parametersOf(words: readonly string[], params: readonly ParamInfo[], span: Span, sink: DiagnosticSink): Set<string> {
  const found = new Set<string>();
  for (const word of words) {
    const matches = params.filter(
      (p) =>
        `${p.name}.`.startsWith(`${word}.`) ||
        // A number is the index of a stage in the model's own chain, not in that of a block.
        (!/^\d/.test(word) && `.${p.name}.`.includes(`.${word}.`)) ||
        p.layer === word ||
        (word === 'norm' && NORMS.test(p.layer)) ||
        (word === 'bias' && /bias(_\w+)?$/.test(p.name)),
    );
    // `bias` and `norm` may match nothing; any other word that matches nothing is a mistake.
    if (matches.length === 0 && word !== 'bias' && word !== 'norm' && params.length > 0) {
      // Suggest stages by name and index first, then layers and parameters.
      const parts = params.flatMap((p) => p.name.split('.').filter((n, i) => i > 0 && !/^\d+$/.test(n)));
      const known = [...params.map((p) => p.name.split('.')[0] ?? ''), ...params.map((p) => p.layer), ...parts];
      sink.error('NN201', span, `'${word}' names no parameter`, {
        help: hint(
          word,
          [...new Set(['bias', 'norm', ...known])].filter((n) => n !== 'param'),
          'there are',
        ),
      });
    }
    for (const p of matches) found.add(p.name);
  }
  return found;
}

/** The settings that a group can have. */
const OWN = ['lr', 'weight_decay'];
/** Each group adds scalars to every step's uniforms, which have room for a few dozen. */
const MOST_GROUPS = 16;

type Grouped = A.Argument & { readonly of: A.ListExpr };
export const isGrouped = (a: A.Argument): a is Grouped => a.of !== undefined;

/** The words in the brackets. */
function wordsOf(of: A.ListExpr, sink: DiagnosticSink): string[] {
  if (of.items.length === 0) sink.error('NN202', of.span, 'these brackets name no parameters', { help: 'write: lr[head]=0.1' });
  return of.items.flatMap((e) => {
    const name = nameOf(e);
    if (name !== undefined) return [name];
    sink.error('NN204', e.span, 'a group is called by a name', { help: 'write: lr[head]=0.1, or lr[0.weight]=0.1' });
    return [];
  });
}

/** The parameter groups of the settings; where one is named twice, the later one wins. */
export function groupsOf(
  call: Omit<Call, 'args'>,
  args: readonly Grouped[],
  parameters: Parameters,
  params: readonly ParamInfo[],
  scope: Environment,
  sink: DiagnosticSink,
): OptimGroup[] {
  const own = new Map<string, Record<string, ScalarExpr>>();
  const said: { readonly arg: Grouped; readonly name: string; readonly members: ReadonlySet<string> }[] = [];
  for (const arg of args) {
    const name = arg.name?.text;
    const words = wordsOf(arg.of, sink);
    if (name === undefined) {
      sink.error('NN202', arg.span, 'this needs a value', { help: 'write: lr[head]=0.1' });
      continue;
    }
    if (!OWN.includes(name) || !Object.hasOwn(parameters, name)) {
      const able = OWN.filter((o) => Object.hasOwn(parameters, o));
      const help = able.length ? `${able.join(' and ')} can differ` : 'take the brackets away';
      sink.error('NN202', arg.name?.span ?? arg.span, `'${name}' of ${call.callee} is the same for all parameters`, { help });
      continue;
    }
    const table = Object.fromEntries(Object.entries(parameters).filter(([key]) => key === name));
    const plain: A.Argument = { name: arg.name, value: arg.value, span: arg.span };
    const value = bindArguments({ ...call, args: [plain] }, table, [], scope, sink)?.[name];
    const members = parametersOf(words, params, arg.of.span, sink);
    if (value === undefined) continue;
    for (const member of members) own.set(member, { ...own.get(member), [name]: value as ScalarExpr });
    said.push({ arg, name, members });
  }
  said.forEach(({ arg, name, members }, i) => {
    const later = new Set(said.slice(i + 1).flatMap((s) => (s.name === name ? [...s.members] : [])));
    if (members.size > 0 && [...members].every((m) => later.has(m)))
      sink.error('NN202', arg.of.span, 'what stands later in the line says the same of all these parameters', {
        help: 'take this away, or put it behind',
      });
  });
  const groups = new Map<string, { params: Set<string>; settings: Record<string, ScalarExpr> }>();
  for (const { name } of params) {
    const settings = own.get(name);
    if (!settings) continue;
    const key = JSON.stringify(OWN.map((o) => settings[o] ?? null));
    const group = groups.get(key) ?? { params: new Set(), settings };
    groups.set(key, group);
    group.params.add(name);
  }
  const [, tooMany] = args;
  if (groups.size > MOST_GROUPS && tooMany)
    sink.error('NN212', tooMany.span, `these are ${groups.size} groups of parameters, and there is room for ${MOST_GROUPS}`, {
      help: 'let parameters share their settings',
    });
  return [...groups.values()];
}
