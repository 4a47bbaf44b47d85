import { userError } from '../../base/diagnostics.ts';
import { existsSync } from 'node:fs';
import { fail } from '../../base/errors.ts';
import { gradcheck, gradcheckEffort, type ParamCheck } from '../../gradcheck.ts';
import type { EffortPlan } from '../../gradcheck/effort.ts';
import type { Model } from '../../sema/model.ts';
import { inMemory } from '../../data/values.ts';
import { place } from '../../base/source.ts';
import { writeOutput } from '../files.ts';
import { proofPage, WRONG } from '../proof-page.ts';
import { hasData, openData, openProgram, type OpenProgram } from '../program.ts';
import { columns } from '../../base/show.ts';
import { note, print, showNumber, showTime } from '../terminal.ts';

export interface GradcheckFlags {
  readonly data?: string;
  readonly seed?: number;
  readonly device?: string;
  /** A page with every number. */
  readonly report?: string;
}

export async function gradcheckCommand(path: string, flags: GradcheckFlags): Promise<void> {
  if (flags.device !== undefined)
    fail('NN501', 'gradcheck computes in float64, which is on no device', { help: `nnc verify ${path} checks what devices compute` });
  const program = await openProgram(path);
  const { model } = program;
  const training =
    model.training ??
    fail('NN207', 'the program has no loss, so there is nothing to differentiate', { help: 'add a line such as: loss mse' });
  const data = hasData(program, flags.data, existsSync) ? await openData(program, flags.data) : undefined;
  const names = [...model.inputs, ...model.targets].map((i) => i.name);
  const given = data && new Map(names.map((n, i) => [n, data.tensors[i] ? inMemory(data.tensors[i]) : []] as const));
  const plan = gradcheckEffort(model, training, data?.rows ?? Infinity);
  const { effort } = plan;
  if (plan.sampled) note(announcement(model, plan));
  const rows = Math.min(effort.rows, data?.rows ?? effort.rows);
  const results = gradcheck(model, training, { data: given, rows, seed: flags.seed ?? model.train.seed, effort });
  const several = model.turns.length > 0;
  print(columns([header(several), ...results.map((r) => row(r, several))]));
  print();
  LEGEND.forEach((line) => print(line));
  for (const r of results)
    if (r.remarks.length > 0)
      print(`${r.param.name}: ${r.remarks[0] ?? ''}${r.remarks.length > 1 ? `; and ${r.remarks.length - 1} more` : ''}`);
  // Its own rules are right there, as PyTorch's are; training that gets there is lost all the same.
  const unlike = results.filter((r) => r.ok && r.tried > 0 && r.unlike !== undefined);
  const wrong = results.filter((r) => !r.ok || r.tried === 0 || r.unlike !== undefined);
  if (flags.report !== undefined) {
    await writeOutput(flags.report, reportPage(program, results, wrong.length));
    print(`report: ${flags.report}, open it in a browser`);
  }
  if (wrong.length === 0) return print(`all ${results.length} gradients agree with float64 differences, and with slopes taken forwards`);
  if (unlike.length > 0) print(summary(unlike, wrong.length, results.length));
  throw userError(
    wrong.map((r) => ({
      code: 'NN701',
      severity: 'error',
      span: r.param.span,
      ...(r.ok
        ? r.tried === 0
          ? uncheckable(r)
          : { label: `the gradient of '${r.param.name}' is no number at some places: ${r.unlike ?? ''}`, help: NO_NUMBER }
        : {
            label: labelOf(r, several),
            help: 'if the program uses only what the language offers, this is a bug in nnc: please report it',
          }),
    })),
  );
}

/** Every parameter with both numbers, the bound, and the place of its layer. */
function reportPage({ model, source }: OpenProgram, results: readonly ParamCheck[], wrong: number): string {
  const number = (v: number): string => v.toPrecision(12);
  const rows = results.map((r) => [
    `${r.param.name} (${place(r.param.span)})`,
    `${r.tried} at ${r.places}`,
    `${r.kinks}`,
    `${r.what}, ${r.place}`,
    number(r.symbolic),
    number(r.numeric),
    r.difference.toExponential(2),
    r.bound.toExponential(2),
    r.from,
    r.ok && r.tried > 0 && r.unlike === undefined ? 'right' : WRONG,
  ]);
  return proofPage({
    kind: 'nnc gradcheck',
    title: model.name,
    facts: [
      ['gradients', `${results.length}`],
      ['directions and elements tried', `${results.reduce((n, r) => n + r.tried, 0)}`],
      ['beyond their bound', `${wrong}`],
    ],
    parts: [
      {
        title: 'Gradients',
        text: LEGEND.join(' '),
        rows: [['parameter', 'tried', 'kinks', 'worst along', 'symbolic', 'numeric', 'off by', 'bound', 'from', ''], ...rows],
      },
    ],
    source,
  });
}

/** Printed before the start if there is no time for a full check. */
function announcement(model: Model, { effort: e, seconds }: EffortPlan): string {
  const number = (n: number): string => n.toLocaleString('en-US');
  const size = model.params.reduce((n, p) => n + p.shape.reduce((a, b) => a * b, 1), 0);
  const many = (n: number, one: string): string => `${n} ${one}${n === 1 ? '' : 's'}`;
  const all = e.params === undefined || e.params >= model.params.length;
  const how = [many(e.random + (e.together ? 1 : 0), 'direction'), ...(e.elements > 0 ? [many(e.elements, 'single element')] : [])];
  return `${number(size)} parameters in ${model.params.length} tensors: of ${all ? 'each' : `${e.params} of them`}, ${how.join(' and ')}, at ${many(e.places, 'place')} with ${many(e.rows, 'example')} (about ${showTime(seconds)})`;
}

const labelOf = (r: ParamCheck, several: boolean): string => {
  const witness = r.from === 'forwards' ? 'the slope taken forwards' : 'differences give';
  return `the gradient of '${r.param.name}'${several ? ` by ${r.loss}` : ''} along ${r.what} is ${showNumber(r.symbolic)}, and ${witness}${r.from === 'forwards' ? ' is' : ''} ${showNumber(r.numeric)} (parameters ${r.place})`;
};

/** Why there was nothing to check. */
function uncheckable({ param, finite }: ParamCheck): { readonly label: string; readonly help: string } {
  const label = `the gradient of '${param.name}' cannot be checked: the loss`;
  return finite
    ? {
        label: `${label} has no slope that is a number at any place that was tried`,
        help: 'look for what has none at 0: roots, powers below 1, logarithms; keep it away from 0, as in sqrt(x + 1e-6)',
      }
    : {
        label: `${label} is not a number at any place that was tried`,
        help: 'look at the data and the loss: logarithms and roots need numbers above 0',
      };
}

const NO_NUMBER =
  'where() computes both of its values, and 0 times infinity is NaN: keep roots, logarithms and divisors away from 0, as in sqrt(abs(x) + 1e-6)';

/** `2 of 4 gradients are NaN at some places; the others agree` */
function summary(unlike: readonly ParamCheck[], wrong: number, all: number): string {
  const what = unlike.every((r) => r.unlike?.startsWith('the gradient is NaN')) ? 'NaN' : 'no number';
  const rest = all - wrong;
  const others = rest === 0 ? '' : `; the other ${rest === 1 ? 'one agrees' : `${rest} agree`} with float64 differences`;
  return `${unlike.length} of ${all} gradients ${unlike.length === 1 ? 'is' : 'are'} ${what} at some places${others}`;
}

const LEGEND = [
  'Shown is the worst of what was tried: directions and single elements, at so many places (random,',
  'as it starts, all or every second layer 0, all equal). from: what the bound is made of; forwards:',
  'the slope taken operation by operation, which has a value at kinks too, where differences have two.',
] as const;
const header = (several: boolean): string[] => [
  'parameter',
  ...(several ? ['of the loss'] : []),
  ...['tried', 'kinks', 'symbolic', 'numeric', 'off by', 'bound', 'from'],
];
const NAME = 28;
const LOSS = 20;

function row(r: ParamCheck, several: boolean): string[] {
  const { name } = r.param;
  const shown = name.length <= NAME ? name : `…${name.slice(1 - NAME)}`;
  const tried = `${r.tried} at ${r.places}`;
  const digits = (x: number): string => (x === 0 ? '0' : Number.isFinite(x) ? x.toExponential(4) : String(x));
  const rough = (x: number): string => (x === 0 ? '0' : x.toExponential(1));
  const loss = r.loss.length <= LOSS ? r.loss : `${r.loss.slice(0, LOSS - 1)}…`;
  return [
    shown,
    ...(several ? [loss] : []),
    tried,
    String(r.kinks),
    digits(r.symbolic),
    digits(r.numeric),
    rough(r.difference),
    rough(r.bound),
    r.from,
  ];
}
