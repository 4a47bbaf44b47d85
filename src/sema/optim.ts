import type { DiagnosticSink } from '../base/diagnostics.ts';
import type { Plateau } from '../base/plateau.ts';
import type { Span } from '../base/source.ts';
import type * as A from '../parser/ast.ts';
import { advice } from './advice.ts';
import { bindArguments, type AnyArgs } from './arguments.ts';
import type { Environment } from './environment.ts';
import type { Optim, OptimGroup, OptimSettings, ParamInfo } from './model.ts';
import { groupsOf, isGrouped, parametersOf } from './optim-groups.ts';
import { COMMON, OPTIMIZERS } from './optimizers.ts';
import { rateOf } from './rates.ts';
import { PLATEAU } from './schedules.ts';

/** A violated rule between settings: the setting, what is wrong with it, and how to fix it. */
type Wrong = readonly [key: string, label: string, help: string];

const pairOf = (s: AnyArgs, key: string): readonly [number, number] => s[key] as readonly [number, number];

const CHECKS: Readonly<Record<string, (s: AnyArgs) => Wrong | undefined>> = {
  sgd: (s) =>
    s['nesterov'] === true && (s['momentum'] === 0 || s['dampening'] !== 0)
      ? ['', 'nesterov needs a momentum and no dampening', 'write: optim sgd lr=0.01 momentum=0.9 nesterov']
      : undefined,
  rprop: (s) => {
    const [less, more] = pairOf(s, 'etas');
    const [smallest, largest] = pairOf(s, 'step_sizes');
    if (less <= 0 || less >= 1 || more <= 1)
      return ['etas', 'the first of the etas makes steps shorter, and the second makes them longer', 'write: etas=(0.5, 1.2)'];
    return smallest > largest ? ['step_sizes', 'the smallest step stands first', 'write: step_sizes=(1e-6, 50)'] : undefined;
  },
};

/** Their steps are not proportional to the rate, so lowering the rate would not lower the step. */
const NO_PLATEAU = ['rprop', 'asgd', 'adafactor', 'lbfgs'];

export function optimOf(
  s: A.OptimStatement | undefined,
  scope: Environment,
  params: readonly ParamInfo[],
  sink: DiagnosticSink,
): Optim | undefined {
  if (!s) return undefined;
  const name = s.name.text;
  const parameters = Object.hasOwn(OPTIMIZERS, name) ? OPTIMIZERS[name] : undefined;
  if (!parameters) {
    sink.error('NN201', s.name.span, `there is no optimizer '${name}'`, { help: advice(name, Object.keys(OPTIMIZERS), 'optimizers') });
    return undefined;
  }
  const plateau = plateauOf(s, scope, sink);
  const args = s.settings.filter((a) => !isGrouped(a)).map((a) => (a === plateau?.arg ? { ...a, value: plateau.start } : a));
  const call = { callee: name, span: s.span, settings: true, schedule: rateOf, elsewhere: (key: string) => ofOthers(key, name) };
  const bound = bindArguments({ ...call, args }, { ...parameters, ...COMMON }, [], scope, sink);
  const groups = groupsOf(call, s.settings.filter(isGrouped), { ...parameters, ...COMMON }, params, scope, sink);
  if (!bound) return undefined;
  const { no_decay, freeze, params: own, ...settings } = bound;
  const place = (key: string): Span => s.settings.find((a) => (a.name?.text ?? '') === key)?.value.span ?? s.span;
  const wrong = CHECKS[name]?.(bound) ?? (plateau && plateauCheck(name)) ?? lookaheadCheck(pairOf(bound, 'lookahead'));
  if (wrong) sink.error('NN202', wrong[0] ? place(wrong[0]) : s.span, wrong[1], { help: wrong[2] });
  if (name === 'lbfgs' && groups.length > 0)
    sink.error('NN202', s.span, 'lbfgs goes one way with all parameters, so that groups cannot have rates of their own', {
      help: 'take the brackets away, or freeze what should stand still',
    });
  const named = (words: AnyArgs[string] | undefined, key: string): Set<string> =>
    parametersOf(words as readonly string[], params, place(key), sink);
  const before = sink.errors.length;
  const said = named(own, 'params');
  const trains = asked(own) ? said : undefined;
  const frozen = named(freeze, 'freeze');
  for (const p of params) if (trains && !trains.has(p.name)) frozen.add(p.name);
  const noDecay = withoutDecay(named(no_decay, 'no_decay'), settings['weight_decay'] === 0, groups, params);
  // Words that match nothing have been reported already.
  if (params.length > 0 && frozen.size === params.length && sink.errors.length === before)
    sink.error('NN206', place(trains && said.size === 0 ? 'params' : 'freeze'), 'nothing is left to train');
  return { name, settings: settings as OptimSettings, noDecay, frozen, trains, groups, plateau: plateau?.settings };
}

/** Which optimizers have a setting that this one lacks; undefined if none has it. */
function ofOthers(key: string, name: string): string | undefined {
  const others = Object.keys(OPTIMIZERS).filter((o) => Object.hasOwn(OPTIMIZERS[o] ?? {}, key));
  if (others.length === 0) return undefined;
  const own = Object.keys(OPTIMIZERS[name] ?? {}).join(', ');
  return `${key} is a setting of ${others.join(', ')}; ${name} has ${own}`;
}

/** Whether a list of names is given. */
const asked = (words: AnyArgs[string] | undefined): boolean => Array.isArray(words) && words.length > 0;

/** The parameters without weight decay: those listed, and those whose group's decay, or the default decay, is 0. */
function withoutDecay(
  said: ReadonlySet<string>,
  none: boolean,
  groups: readonly OptimGroup[],
  params: readonly ParamInfo[],
): ReadonlySet<string> {
  if (!groups.some((g) => 'weight_decay' in g.settings)) return said;
  const own = (p: ParamInfo) => groups.find((g) => g.params.has(p.name))?.settings['weight_decay'];
  const zero = params.filter((p) => (own(p) ?? (none ? 0 : 1)) === 0);
  return new Set([...said, ...zero.map((p) => p.name)]);
}

/** The first number of lookahead counts steps, so it must be an integer. */
function lookaheadCheck([k, alpha]: readonly [number, number]): Wrong | undefined {
  if (Number.isInteger(k) && alpha <= 1 && (alpha > 0 || k === 0)) return undefined;
  return ['lookahead', 'lookahead is a number of steps and a share above 0 and up to 1', 'write: lookahead=(5, 0.5)'];
}

const plateauCheck = (name: string): Wrong | undefined =>
  NO_PLATEAU.includes(name)
    ? [
        'lr',
        `a step of ${name} is not proportional to its rate, so that plateau cannot lower it`,
        'take another optimizer, or another schedule',
      ]
    : undefined;

interface FoundPlateau {
  readonly arg: A.Argument;
  /** The initial rate. */
  readonly start: A.Expr;
  readonly settings: Plateau;
}

/** `lr=plateau(0.1, patience=5)`; the first argument is the initial rate. */
function plateauOf(s: A.OptimStatement, scope: Environment, sink: DiagnosticSink): FoundPlateau | undefined {
  const arg = s.settings.find(
    (a) => !isGrouped(a) && a.name?.text === 'lr' && a.value.kind === 'call' && a.value.callee.text === 'plateau',
  );
  if (arg?.value.kind !== 'call') return undefined;
  const { args, span } = arg.value;
  const bound = bindArguments({ callee: 'plateau', span, args }, PLATEAU, [], scope, sink);
  const { start, ...settings } = bound ?? {};
  // Errors are reported already; the rest of the line is checked with a placeholder.
  return {
    arg,
    start: { kind: 'number', value: typeof start === 'number' ? start : 1, span },
    settings: settings as unknown as Plateau,
  };
}
