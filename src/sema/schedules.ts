import type { DiagnosticSink } from '../base/diagnostics.ts';
import type { ScalarExpr } from '../base/scalar.ts';
import type { CallExpr } from '../parser/ast.ts';
import { advice } from './advice.ts';
import { bindArguments, type Parameters } from './arguments.ts';
import type { ConstScope } from './constants.ts';

interface Schedule {
  readonly parameters: Parameters;
  readonly value: (n: (name: string) => number) => ScalarExpr;
}

const warmup = { type: 'int', default: 0, min: 0, doc: 'steps in which the value rises from 0 to its start' } as const;
const start = { type: 'number', min: 0, doc: 'the value after the warmup' } as const;

/** The value from the first step on, after a linear rise over `n` steps: (step + 1) / n of it. */
function warm(value: ScalarExpr, peak: number, n: number): ScalarExpr {
  return n === 0 ? value : ['select', ['lt', 'step', n], ['div', ['mul', peak, ['add', 'step', 1]], n], value];
}

/** Share of the run after the warmup that is done: from 0 to 1. */
const progress = (n: number): ScalarExpr => ['div', ['sub', 'step', n], ['max', 1, ['sub', 'total', n]]];

/** Schedules of a setting over the steps of a run, as expressions that the host evaluates for each step. */
export const SCHEDULES: Readonly<Record<string, Schedule>> = {
  constant: { parameters: { start, warmup }, value: (n) => warm(n('start'), n('start'), n('warmup')) },
  linear: {
    parameters: { start, end: { type: 'number', default: 0, min: 0, doc: 'the value at the end' }, warmup },
    value: (n) => warm(['add', n('start'), ['mul', n('end') - n('start'), progress(n('warmup'))]], n('start'), n('warmup')),
  },
  cosine: {
    parameters: { start, end: { type: 'number', default: 0, min: 0, doc: 'the value at the end' }, warmup },
    value: (n) => {
      const half: ScalarExpr = ['mul', 0.5, ['add', 1, ['cos', ['mul', Math.PI, progress(n('warmup'))]]]];
      return warm(['add', n('end'), ['mul', n('start') - n('end'), half]], n('start'), n('warmup'));
    },
  },
  exponential: {
    parameters: { start, gamma: { type: 'number', min: 0, max: 1, doc: 'factor for each step' }, warmup },
    value: (n) => warm(['mul', n('start'), ['pow', n('gamma'), ['sub', 'step', n('warmup')]]], n('start'), n('warmup')),
  },
  one_cycle: {
    // Smith and Topin, 2017; the cosine form of torch.optim.lr_scheduler.OneCycleLR.
    parameters: {
      start: { ...start, doc: 'the highest value' },
      pct_start: { type: 'number', default: 0.3, min: 0.001, below: 1, doc: 'share of the run in which it rises' },
      div_factor: { type: 'number', default: 25, min: 1, doc: 'highest value divided by the first' },
      final_div_factor: { type: 'number', default: 1e4, min: 1, doc: 'first value divided by the last' },
    },
    value: (n) => {
      const [top, first] = [n('start'), n('start') / n('div_factor')];
      const last = first / n('final_div_factor');
      const peak: ScalarExpr = ['sub', ['mul', n('pct_start'), 'total'], 1];
      const end: ScalarExpr = ['sub', 'total', 1];
      // From a to b by half a cosine while the share goes from 0 to 1.
      const ease = (a: number, b: number, share: ScalarExpr): ScalarExpr => [
        'add',
        b,
        ['mul', (a - b) / 2, ['add', 1, ['cos', ['mul', Math.PI, share]]]],
      ];
      const rising = ease(first, top, ['div', 'step', ['max', 1e-9, peak]]);
      const falling = ease(top, last, ['div', ['sub', 'step', peak], ['max', 1e-9, ['sub', end, peak]]]);
      return ['select', ['lt', 'step', peak], rising, falling];
    },
  },
  step: {
    parameters: {
      start,
      every: { type: 'int', min: 1, doc: 'steps between changes' },
      gamma: { type: 'number', default: 0.1, min: 0, doc: 'factor of each change' },
      warmup,
    },
    value: (n) =>
      warm(['mul', n('start'), ['pow', n('gamma'), ['idiv', ['sub', 'step', n('warmup')], n('every')]]], n('start'), n('warmup')),
  },
};

/** The expression that a call such as `cosine(3e-3, warmup=100)` stands for. */
export function scheduleOf(call: CallExpr, scope: ConstScope, sink: DiagnosticSink): ScalarExpr | undefined {
  const { text } = call.callee;
  const schedule = Object.hasOwn(SCHEDULES, text) ? SCHEDULES[text] : undefined;
  if (!schedule) {
    sink.error('NN201', call.callee.span, `there is no schedule '${text}'`, { help: advice(text, Object.keys(SCHEDULES), 'schedules') });
    return undefined;
  }
  const args = bindArguments({ callee: text, span: call.span, args: call.args }, schedule.parameters, [], scope, sink);
  return args && schedule.value((name) => args[name] as number);
}
