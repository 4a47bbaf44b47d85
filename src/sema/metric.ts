import { sameShape, showDim, showShape, showType } from '../base/types.ts';
import type { GraphBuilder } from '../ir/graph/builder.ts';
import type { NodeId } from '../ir/graph/types.ts';
import type { AnyArgs, Parameters } from './arguments.ts';
import { axisOf, lastAxis, mean } from './functions.ts';
import { problem, type Problem } from './layers/layer.ts';

export type Better = 'higher' | 'lower';

/** What the loss knows about the compared values. */
export interface LossSays {
  /** The decision threshold. */
  readonly undecided: number | undefined;
  /** The ignored label. */
  readonly ignored: number | undefined;
}

/** A number that is reported beside the loss and never differentiated. */
export interface Metric {
  readonly doc: string;
  /** Whether higher or lower is better. */
  readonly better: Better;
  readonly parameters: Parameters;
  /** Parameters that may be left out without having a default. */
  readonly optional?: readonly string[];
  readonly build: (b: GraphBuilder, args: AnyArgs, pred: NodeId, target: NodeId, loss: LossSays) => NodeId | Problem;
}

export const share = (b: GraphBuilder, hits: NodeId): NodeId => mean(b, b.cast(hits, 'f32'));

/** The mean over the labels that are not ignored. */
export function overLabels(b: GraphBuilder, each: NodeId, target: NodeId, ignored: number | undefined): NodeId {
  const x = b.cast(each, 'f32');
  if (ignored === undefined) return mean(b, x);
  const out = b.op('eq', target, b.like(ignored, target));
  const axes = b.shape(x).map((_, i) => i);
  const total = (y: NodeId): NodeId => b.sum(b.op('select', out, b.like(0, y), y), axes);
  return b.op('div', total(x), total(b.like(1, x)));
}

export function numbers(b: GraphBuilder, name: string, pred: NodeId, target: NodeId, build: (d: NodeId) => NodeId): NodeId | Problem {
  const same = showType(b.type(pred)) === showType(b.type(target));
  return same
    ? build(b.op('sub', pred, target))
    : problem('NN211', `${name} compares numbers, and the target is ${showType(b.type(target))}`);
}

export const dim = { type: 'int', doc: 'axis of the classes; default: that of the loss, else the last' } as const;

export interface Classes {
  /** [..., classes] */
  readonly scores: NodeId;
  /** One label for each row of scores. */
  readonly labels: NodeId;
}

/** Scores and labels: one label for each row of scores. A trailing axis of 1 on the labels is dropped. */
export function classesOf(b: GraphBuilder, name: string, args: AnyArgs, pred: NodeId, target: NodeId): Classes | Problem {
  const [shape, type] = [b.shape(pred), b.type(target)];
  const given = (args['dim'] as number | undefined) ?? -1;
  const axis = axisOf(given, shape.length);
  if (axis === undefined || shape.length < 2 || axis === 0)
    return problem('NN211', `${name} looks for classes on axis ${given}, and the model gives ${showShape(shape)}`);
  if (type.dtype !== 'i32') return problem('NN211', `${name} needs labels as the target`);
  const rows = shape.filter((_, i) => i !== axis);
  const scores = lastAxis(b, pred, axis);
  if (sameShape(type.shape, rows)) return { scores, labels: target };
  if (sameShape(type.shape, [...rows, 1])) return { scores, labels: b.reshape(target, rows) };
  const ahead = shape.filter((_, i) => i !== 1);
  return problem(
    'NN211',
    `${name} takes one label for each row of classes on ${given === -1 ? 'the last axis' : `axis ${given}`}: the model gives ${showType(b.type(pred))}, and the target is ${showType(type)}`,
    sameShape(ahead, type.shape)
      ? `say that the classes lie on axis 1: ${name}(dim=1)`
      : `a label for each row is declared as target y: int[${rows.slice(1).map(showDim).join(', ')}]; other values are compared by ${name}(a, b)`,
  );
}
