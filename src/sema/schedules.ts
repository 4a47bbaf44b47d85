import type { ScalarExpr } from '../base/scalar.ts';
import type { Parameters } from './arguments.ts';

interface Schedule {
  readonly parameters: Parameters;
  /** Builds the expression from the arguments, which are looked up by name: numbers, words and lists of numbers. */
  readonly value: (n: (name: string) => number, word: (name: string) => string, numbers: (name: string) => readonly number[]) => ScalarExpr;
}

const warmup = { type: 'int', default: 0, min: 0, doc: 'steps of linear warmup from 0 to start' } as const;
const start = { type: 'number', min: 0, doc: 'value after the warmup' } as const;
const end = { type: 'number', default: 0, min: 0, doc: 'final value' } as const;
const steps = { type: 'int', default: 0, min: 0, doc: 'steps from the warmup to the final value, 0 for the whole run' } as const;

/** Adds a linear warmup: in the first `n` steps the value is (step + 1) / n of the peak. */
function warm(value: ScalarExpr, peak: number, n: number): ScalarExpr {
  return n === 0 ? value : ['select', ['lt', 'step', n], ['div', ['mul', peak, ['add', 'step', 1]], n], value];
}

/** The share, from 0 to 1, that is done of the run after the warmup, or of `length` steps. */
function progress(n: (name: string) => number): ScalarExpr {
  const [before, length] = [n('warmup'), n('steps')];
  const done: ScalarExpr = ['sub', 'step', before];
  return length === 0 ? ['div', done, ['max', 1, ['sub', 'total', before]]] : ['min', 1, ['div', done, length]];
}

/** From a to b by half a cosine as the share goes from 0 to 1. */
const eased = (a: number, b: number, share: ScalarExpr): ScalarExpr => [
  'add',
  b,
  ['mul', (a - b) / 2, ['add', 1, ['cos', ['mul', Math.PI, share]]]],
];
const straight = (a: number, b: number, share: ScalarExpr): ScalarExpr => ['add', a, ['mul', b - a, share]];

const CYCLE = {
  pct_start: { type: 'number', default: 0.3, min: 0.001, below: 1, doc: 'fraction of the run until base is reached' },
  anneal_strategy: { type: 'string', default: 'cos', choices: ['cos', 'linear'], doc: 'annealing by a cosine or linearly' },
  three_phase: { type: 'bool', default: false, doc: 'uses three phases: returns to the initial value before the last phase' },
} as const satisfies Parameters;

/** One cycle of torch.optim.lr_scheduler.OneCycleLR: first, top, last; with `phases` it is first, top, first, last. */
function oneCycle(
  n: (name: string) => number,
  linear: boolean,
  phases: boolean,
  [first, top, last]: readonly [number, number, number],
): ScalarExpr {
  const turn: ScalarExpr = ['sub', ['mul', n('pct_start'), 'total'], 1];
  const final: ScalarExpr = ['sub', 'total', 1];
  const between = linear ? straight : eased;
  const piece = (a: number, b: number, from: ScalarExpr, to: ScalarExpr): ScalarExpr =>
    between(a, b, ['div', from === 0 ? 'step' : ['sub', 'step', from], ['max', 1e-9, from === 0 ? to : ['sub', to, from]]]);
  const rising = piece(first, top, 0, turn);
  if (!phases) return ['select', ['lt', 'step', turn], rising, piece(top, last, turn, final)];
  const back: ScalarExpr = ['sub', ['mul', 2 * n('pct_start'), 'total'], 2];
  const falling: ScalarExpr = ['select', ['lt', 'step', back], piece(top, first, turn, back), piece(first, last, back, final)];
  return ['select', ['lt', 'step', turn], rising, falling];
}

/** An upper bound of the step number. */
const LAST = 2 ** 31;

/** The share of the current cycle that is done: cycles of `length` steps, each `factor` times as long as the one before. */
function restarted(step: ScalarExpr, length: number, factor: number): ScalarExpr {
  if (factor === 1) return ['div', ['mod', step, length], length];
  const cycles = [{ start: 0, length }];
  for (let next = length, n = length * factor; next < LAST; next += n, n *= factor) cycles.push({ start: next, length: n });
  const choose = (of: (c: (typeof cycles)[number]) => number): ScalarExpr =>
    cycles
      .slice(0, -1)
      .reduceRight<ScalarExpr>(
        (later, c) => ['select', ['lt', step, c.start + c.length], of(c), later],
        of(cycles.at(-1) ?? { start: 0, length }),
      );
  return ['div', ['sub', step, choose((c) => c.start)], choose((c) => c.length)];
}

/** Schedules, as expressions that the host evaluates for each step. */
export const SCHEDULES: Readonly<Record<string, Schedule>> = {
  constant: { parameters: { start, warmup }, value: (n) => warm(n('start'), n('start'), n('warmup')) },
  linear: {
    parameters: { start, end, warmup, steps },
    value: (n) => warm(['add', n('start'), ['mul', n('end') - n('start'), progress(n)]], n('start'), n('warmup')),
  },
  polynomial: {
    parameters: {
      start,
      end,
      power: { type: 'number', default: 1, min: 0, doc: 'exponent of the remaining fraction of the run' },
      warmup,
      steps,
    },
    value: (n) => {
      const left: ScalarExpr = ['pow', ['sub', 1, progress(n)], n('power')];
      return warm(['add', n('end'), ['mul', n('start') - n('end'), left]], n('start'), n('warmup'));
    },
  },
  cosine: {
    parameters: { start, end, warmup, steps },
    value: (n) => {
      const half: ScalarExpr = ['mul', 0.5, ['add', 1, ['cos', ['mul', Math.PI, progress(n)]]]];
      return warm(['add', n('end'), ['mul', n('start') - n('end'), half]], n('start'), n('warmup'));
    },
  },
  cosine_restarts: {
    // Loshchilov and Hutter, 2017.
    parameters: {
      start,
      T_0: { type: 'int', min: 1, doc: 'steps of the first cycle' },
      T_mult: { type: 'int', default: 1, min: 1, doc: 'factor by which each cycle is longer than the one before' },
      end: { ...end, doc: 'value at the end of each cycle' },
      warmup,
    },
    value: (n) => {
      const share = restarted(n('warmup') === 0 ? 'step' : ['sub', 'step', n('warmup')], n('T_0'), n('T_mult'));
      return warm(eased(n('start'), n('end'), share), n('start'), n('warmup'));
    },
  },
  exponential: {
    parameters: { start, gamma: { type: 'number', min: 0, max: 1, doc: 'factor per step' }, warmup },
    value: (n) => warm(['mul', n('start'), ['pow', n('gamma'), ['sub', 'step', n('warmup')]]], n('start'), n('warmup')),
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
  multi_step: {
    parameters: {
      start,
      milestones: { type: 'sizes', min: 1, doc: 'steps at which the value changes' },
      gamma: { type: 'number', default: 0.1, min: 0, doc: 'factor of each change' },
      warmup,
    },
    value: (n, _word, numbers) => {
      const passed = numbers('milestones').reduce<ScalarExpr>((sum, m) => ['add', sum, ['select', ['lt', 'step', m], 0, 1]], 0);
      return warm(['mul', n('start'), ['pow', n('gamma'), passed]], n('start'), n('warmup'));
    },
  },
  cyclic: {
    // Smith, 2017.
    parameters: {
      start: { ...start, doc: 'value at both ends of a cycle' },
      max: { ...start, doc: 'value in the middle of the cycle' },
      step_size_up: { type: 'int', default: 2000, min: 1, doc: 'steps of the first half of a cycle' },
      step_size_down: { type: 'int', default: 0, min: 0, doc: 'steps of the second half, 0 for step_size_up' },
      mode: {
        type: 'string',
        default: 'triangular',
        choices: ['triangular', 'triangular2', 'exp_range'],
        doc: 'amplitude of the cycles: constant, halved in each cycle, or multiplied by gamma^step',
      },
      gamma: { type: 'number', default: 1, min: 0, doc: 'factor per step for mode=exp_range' },
    },
    value: (n, word) => {
      const up = n('step_size_up');
      const down = n('step_size_down') || up;
      const place: ScalarExpr = ['mod', 'step', up + down];
      const height: ScalarExpr = ['select', ['lt', place, up], ['div', place, up], ['div', ['sub', up + down, place], down]];
      const scales: Readonly<Record<string, ScalarExpr>> = {
        triangular2: ['pow', 0.5, ['idiv', 'step', up + down]],
        exp_range: ['pow', n('gamma'), 'step'],
      };
      return ['add', n('start'), ['mul', n('max') - n('start'), ['mul', height, scales[word('mode')] ?? 1]]];
    },
  },
  one_cycle: {
    // Smith and Topin, 2017; torch.optim.lr_scheduler.OneCycleLR.
    parameters: {
      start: { ...start, doc: 'highest value' },
      pct_start: { ...CYCLE.pct_start, doc: 'fraction of the run in which the value rises' },
      div_factor: { type: 'number', default: 25, min: 1, doc: 'highest value divided by the initial value' },
      final_div_factor: { type: 'number', default: 1e4, min: 1, doc: 'initial value divided by the final value' },
      anneal_strategy: CYCLE.anneal_strategy,
      three_phase: CYCLE.three_phase,
    },
    value: (n, word) => {
      const first = n('start') / n('div_factor');
      const values = [first, n('start'), first / n('final_div_factor')] as const;
      return oneCycle(n, word('anneal_strategy') === 'linear', Boolean(n('three_phase')), values);
    },
  },
  one_cycle_momentum: {
    // What OneCycleLR does with the momentum (or the first beta) while the rate goes the other way.
    parameters: {
      base: { ...start, default: 0.85, below: 1, doc: 'lowest value, where the learning rate is highest' },
      max: { ...start, default: 0.95, below: 1, doc: 'initial and final value' },
      ...CYCLE,
    },
    value: (n, word) => oneCycle(n, word('anneal_strategy') === 'linear', Boolean(n('three_phase')), [n('max'), n('base'), n('max')]),
  },
};

/** `lr=plateau(0.1, patience=5)`, like PyTorch's ReduceLROnPlateau. It is not a function of the step, so it is not in the table above. */
export const PLATEAU = {
  start: { ...start, doc: 'initial value; what is watched is the mean training loss of an epoch, also where examples are held out' },
  factor: { type: 'number', default: 0.1, min: 0, below: 1, doc: 'factor of each reduction' },
  patience: { type: 'int', default: 10, min: 0, doc: 'epochs without a better training loss that are tolerated' },
  threshold: { type: 'number', default: 1e-4, min: 0, doc: 'smallest improvement of the loss that counts' },
  threshold_mode: {
    type: 'string',
    default: 'rel',
    choices: ['rel', 'abs'],
    doc: 'whether threshold is relative to the best loss or absolute',
  },
  cooldown: { type: 'int', default: 0, min: 0, doc: 'epochs to wait after a reduction' },
  min_lr: { type: 'number', default: 0, min: 0, doc: 'lower bound of the value' },
  eps: { type: 'number', default: 1e-8, min: 0, doc: 'smaller reductions than this are skipped' },
  every: { type: 'int', default: 0, min: 0, doc: 'steps that count as an epoch, 0 for a real epoch' },
} as const satisfies Parameters;
