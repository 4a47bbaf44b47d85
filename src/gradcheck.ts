import { get } from './base/errors.ts';
import { uniformAt } from './base/random.ts';
import type { VjpTable } from './autodiff/vjp.ts';
import { differences, noiseOf, SHARP } from './gradcheck/differences.ts';
import { EVERYTHING, planEffort, type Effort, type EffortPlan } from './gradcheck/effort.ts';
import { examples, places, type CheckPoint } from './gradcheck/places.ts';
import { judge, worse, type Trial } from './gradcheck/trial.ts';
import type { Graph } from './ir/graph/types.ts';
import { bindBatch, select } from './passes/graph/cleanup.ts';
import { gradOutput } from './base/outputs.ts';
import { phaseOf } from './passes/graph/phases.ts';
import { gradientPipeline, runPasses } from './passes/pipeline.ts';
import { evaluate, type Bindings } from './reference/evaluate.ts';
import { sizeAlong, slopeAlong, tiedAlong } from './reference/forwards.ts';
import { Shifted, type Shift } from './reference/shifted.ts';
import type { Model, ParamInfo, TurnInfo } from './sema/model.ts';

/**
 * How well the symbolic gradient of a parameter agrees with two independent ones: differences of the loss, and forward-mode derivatives.
 */
export interface ParamCheck extends Trial {
  readonly param: ParamInfo;
  /** The source text of the loss. */
  readonly loss: string;
  /** The places where something could be checked, and the number of directions and single elements checked at all of them together. */
  readonly places: number;
  readonly tried: number;
  /** How many of those were at a kink. */
  readonly kinks: number;
  /** Whether the loss is finite at any of the places. */
  readonly finite: boolean;
  /** Remarks that are not errors of a rule. */
  readonly remarks: readonly string[];
  /** Where the loss has a slope and the gradient is no finite number, as a remark says it; the first such place. */
  readonly unlike: string | undefined;
}

export interface GradcheckOptions {
  /** Examples of each input by name, and of `target`, row-major; random ones if missing. */
  readonly data?: ReadonlyMap<string, ArrayLike<number>> | undefined;
  readonly rows: number;
  readonly seed: number;
  readonly effort?: Effort;
  /** The number of single elements to check for each parameter, instead of the effort's. */
  readonly elements?: number;
  readonly table?: VjpTable;
}

/** One of the losses that a program trains with, as the only output `loss`, and the parameters it trains. */
interface CheckedLoss {
  readonly name: string;
  readonly graph: Graph;
  readonly params: readonly ParamInfo[];
}

/** Every parameter belongs to one loss; untrained ones belong to the first, as in training. */
function lossesOf(model: Model, training: Graph): CheckedLoss[] {
  const first = model.loss ?? 'loss';
  if (model.turns.length === 0) return [{ name: first, graph: training, params: model.params }];
  const outputs = ['loss', ...model.turns.map((t) => t.output)];
  const alone = (output: string): Graph => phaseOf(training, output, model.uses, outputs);
  const moves = (t: TurnInfo, p: ParamInfo): boolean => t.optim.trains?.has(p.name) === true;
  return [
    { name: first, graph: alone('loss'), params: model.params.filter((p) => !model.turns.some((t) => moves(t, p))) },
    ...model.turns.map((t) => ({ name: t.loss, graph: alone(t.output), params: model.params.filter((p) => moves(t, p)) })),
  ];
}

const lossGraph = (training: Graph, rows: number): Graph => bindBatch(select(training, ['loss']), rows);

/** What can be checked in a short time. */
export function gradcheckEffort(model: Model, training: Graph, rows: number): EffortPlan {
  // With a single example, batch norm gives only zeros.
  const least = model.states.length > 0 ? 2 : 1;
  const losses = lossesOf(model, training).map(({ graph, params }) => ({
    graph: (n: number) => lossGraph(graph, Math.min(n, rows)),
    params: params.length,
  }));
  return planEffort(losses, least);
}

/**
 * Checks the gradient of every parameter by the loss that trains it, in float64, along random directions and for single elements, at random
 * places and at places with ties and zeros. It compares with differences of the loss, which are inexact but independent of any rules, and
 * with forward-mode derivatives, which are exact and defined at kinks too.
 */
export function gradcheck(model: Model, training: Graph, options: GradcheckOptions): ParamCheck[] {
  const { rows, seed } = options;
  const effort: Effort = { ...(options.effort ?? EVERYTHING), ...(options.elements === undefined ? {} : { elements: options.elements }) };
  const chosen = new Set(spread(model.params.length, effort.params ?? model.params.length, seed).map((i) => model.params[i]));
  return lossesOf(model, training).flatMap(({ name, graph, params }) => {
    const tried = params.filter((p) => chosen.has(p));
    if (tried.length === 0) return [];
    const loss = lossGraph(graph, rows);
    const names = params.map((p) => p.name);
    // Metrics are left out, because they may use a target that the loss does not.
    const grads = bindBatch(runPasses(select(graph, ['loss']), gradientPipeline(names, options.table)), rows);
    const inputs = examples(loss, model, options.data, seed);
    const checks = new Map<ParamInfo, ParamCheck>();
    for (const place of places(model, seed).slice(0, effort.places)) {
      const at = new Checker(name, loss, grads, { inputs, state: place.state, scalars: { step: 0, seed, total: 1 } }, place, effort);
      for (const param of tried) {
        const before = checks.get(param);
        const now = at.check(param, directions(get(place.state, param.name).length, model.params.indexOf(param), effort, seed));
        checks.set(param, before ? joined(before, now) : now);
      }
    }
    return [...checks.values()];
  });
}

/** A direction to check for a parameter, and its name in messages. */
interface Direction {
  readonly what: string;
  readonly element?: number;
  readonly along: Float64Array;
}

function directions(size: number, index: number, e: Effort, seed: number): Direction[] {
  const single = (i: number): Direction => ({ what: `element ${i}`, element: i, along: new Float64Array(size).fill(1, i, i + 1) });
  if (size === 1) return [single(0)];
  const random = Array.from({ length: e.random }, (_, k): Direction => {
    const along = Float64Array.from({ length: size }, (_, i) => 2 * uniformAt(seed, 600 + index, k, i) - 1);
    return { what: 'a random direction', along };
  });
  const together = e.together ? [{ what: 'all elements together', along: new Float64Array(size).fill(1) }] : [];
  return [...random, ...together, ...spread(size, e.elements, seed).map(single)];
}

/** A sample spread over all elements, or all of them if there are few. */
function spread(size: number, most: number, seed: number): number[] {
  if (size <= most) return Array.from({ length: size }, (_, i) => i);
  return [...new Set(Array.from({ length: most }, (_, i) => Math.floor(uniformAt(seed, 77, 0, i) * size)))].sort((a, b) => a - b);
}

function joined(a: ParamCheck, b: ParamCheck): ParamCheck {
  return {
    ...worse(a, b),
    param: a.param,
    loss: a.loss,
    places: a.places + b.places,
    tried: a.tried + b.tried,
    kinks: a.kinks + b.kinks,
    finite: a.finite || b.finite,
    remarks: [...a.remarks, ...b.remarks],
    unlike: a.unlike ?? b.unlike,
  };
}

/** Points for estimating the accuracy of the loss. */
const NOISE_POINTS = 6;

/** All checks of a loss at one place. */
class Checker {
  private readonly name: string;
  private readonly point: Shifted;
  private readonly of: number;
  private readonly base: number;
  private readonly place: CheckPoint;
  private readonly effort: Effort;
  private readonly gradient: (name: string) => Float64Array | undefined;
  private readonly noise: number;
  private readonly size: number;

  constructor(name: string, loss: Graph, grads: Graph, values: Bindings, place: CheckPoint, effort: Effort) {
    this.name = name;
    this.place = place;
    this.effort = effort;
    this.point = new Shifted(loss, values);
    this.of = get(new Map(Object.entries(loss.outputs)), 'loss');
    this.base = this.lossAt(new Map());
    const symbolic = evaluate(grads, values);
    this.gradient = (name) => {
      const id = grads.outputs[gradOutput(name)];
      return id === undefined ? undefined : symbolic(id).data;
    };
    const everywhere = new Map([...place.state].map(([name, w]) => [name, new Float64Array(w.length).fill(1)]));
    this.size = sizeAlong(this.point, everywhere, this.of);
    const along = (t: number): Shift => new Map([...place.state].map(([name, w]) => [name, w.map((v, i) => v + t * (1 + (i % 7)))]));
    this.noise = noiseOf((t) => this.lossAt(along(t)), this.base, effort.places > 1 ? NOISE_POINTS : NOISE_POINTS / 2);
  }

  private lossAt(shift: Shift): number {
    return this.point.shifted(shift, this.of).data[0] ?? NaN;
  }

  check(param: ParamInfo, directions: readonly Direction[]): ParamCheck {
    const w = get(this.place.state, param.name);
    const gradient = this.gradient(param.name);
    // The size over all parameters may be infinite or NaN because of another one, so this one gets its own.
    const ones = new Map([[param.name, new Float64Array(w.length).fill(1)]]);
    const size = Number.isFinite(this.size) ? this.size : sizeAlong(this.point, ones, this.of);
    const trials = directions.map((d) => this.trial(param.name, w, gradient, size, d));
    const found = trials.filter((t) => t.kind !== 'none');
    const said = (t: Trial): string => `the gradient is ${t.symbolic} along ${t.what} (parameters ${t.place}): ${t.remark ?? ''}`;
    const unlike = trials.find((t) => t.ok && t.remark !== undefined && !Number.isFinite(t.symbolic));
    return {
      ...trials.reduce(worse),
      param,
      loss: this.name,
      places: found.length > 0 ? 1 : 0,
      tried: found.length,
      kinks: trials.filter((t) => t.kind === 'kink').length,
      finite: Number.isFinite(this.base),
      remarks: trials.filter((t) => t.remark !== undefined).map(said),
      unlike: unlike && said(unlike),
    };
  }

  private trial(name: string, w: Float64Array, gradient: Float64Array | undefined, size: number, d: Direction): Trial {
    const direction = new Map([[name, d.along]]);
    const shifted = (t: number): number => this.lossAt(new Map([[name, w.map((v, i) => v + t * (d.along[i] ?? 0))]]));
    const scale = w.reduce((most, v, i) => (d.along[i] === 0 ? most : Math.max(most, Math.abs(v))), 1);
    const symbolic = d.along.reduce((sum, v, i) => (v === 0 ? sum : sum + v * (gradient?.[i] ?? 0)), 0);
    const numeric = differences(shifted, this.base, scale, this.noise);
    const sharp = numeric.kind === 'smooth' && numeric.bound <= SHARP * Math.abs(symbolic);
    const forwards = this.effort.both || !sharp ? slopeAlong(this.point, direction, this.of) : undefined;
    const tied = (): boolean => tiedAlong(this.point, direction, this.of);
    return judge({ what: d.what, element: d.element, place: this.place, symbolic, forwards, size, base: this.base, numeric, tied });
  }
}
