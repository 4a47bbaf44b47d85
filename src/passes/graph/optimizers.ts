import type { ScalarExpr } from '../../base/scalar.ts';
import type { GraphBuilder } from '../../ir/graph/builder.ts';
import type { NodeId } from '../../ir/graph/types.ts';

/** Settings of an optimizer by name, checked and complete. */
export type Settings = Readonly<Record<string, number | boolean | readonly number[] | ScalarExpr>>;

export interface UpdateContext {
  readonly b: GraphBuilder;
  /** f32 [n]: all parameters, before the step. */
  readonly p: NodeId;
  /** f32 [n]: their gradients. */
  readonly g: NodeId;
  /** The value of a state vector before the step; zeros before the first. */
  readonly slot: (name: string) => NodeId;
  /** Sets a state vector for the next step. */
  readonly keep: (name: string, value: NodeId) => void;
  /** A number that the host computes for each step, spread over all parameters. */
  readonly scalar: (name: string, expr: ScalarExpr) => NodeId;
  readonly num: (name: string) => number;
  /** A setting that may change from step to step. */
  readonly rate: (name: string) => ScalarExpr;
  readonly flag: (name: string) => boolean;
  readonly pair: (name: string) => readonly [number, number];
}

/** Gives the parameters after the step. */
export type UpdateRule = (cx: UpdateContext) => NodeId;

const times = ({ b }: UpdateContext, x: NodeId, factor: number): NodeId => b.op('mul', x, b.like(factor, x));

/** g + decay * p, where decay is not 0. */
function withDecay(cx: UpdateContext): NodeId {
  const decay = cx.num('weight_decay');
  return decay === 0 ? cx.g : cx.b.op('add', cx.g, times(cx, cx.p, decay));
}

/** Moving averages of the gradient and its square, and p - lr * m_hat / (sqrt(v_hat) + eps). Kingma and Ba, 2015. */
function adamStep(cx: UpdateContext, p: NodeId, g: NodeId): NodeId {
  const { b } = cx;
  const [beta1, beta2] = cx.pair('betas');
  const m = b.op('add', times(cx, cx.slot('exp_avg'), beta1), times(cx, g, 1 - beta1));
  const v = b.op('add', times(cx, cx.slot('exp_avg_sq'), beta2), times(cx, b.op('mul', g, g), 1 - beta2));
  cx.keep('exp_avg', m);
  cx.keep('exp_avg_sq', v);
  const t: ScalarExpr = ['add', 'step', 1];
  const stepSize = cx.scalar('step_size', ['div', cx.rate('lr'), ['sub', 1, ['pow', beta1, t]]]);
  const correction = cx.scalar('bias_correction2_sqrt', ['sqrt', ['sub', 1, ['pow', beta2, t]]]);
  // Reddi, Kale and Kumar, 2018: the largest average so far instead of the last.
  const largest = cx.flag('amsgrad') ? b.op('max', cx.slot('max_exp_avg_sq'), v) : v;
  if (cx.flag('amsgrad')) cx.keep('max_exp_avg_sq', largest);
  const denominator = b.op('add', b.op('div', b.op('sqrt', largest), correction), b.like(cx.num('eps'), v));
  return b.op('sub', p, b.op('mul', stepSize, b.op('div', m, denominator)));
}

/** The updates of torch.optim, in the order of its operations. */
export const UPDATES: Readonly<Record<string, UpdateRule>> = {
  sgd(cx) {
    const { b } = cx;
    const momentum = cx.num('momentum');
    let g = withDecay(cx);
    if (momentum !== 0) {
      // The first step's buffer is the gradient itself, whatever the dampening (torch.optim.SGD).
      const kept = times(cx, cx.slot('momentum_buffer'), momentum);
      const fresh =
        cx.num('dampening') === 0 ? g : b.op('mul', g, cx.scalar('fresh', ['select', ['lt', 'step', 1], 1, 1 - cx.num('dampening')]));
      const buffer = b.op('add', kept, fresh);
      cx.keep('momentum_buffer', buffer);
      g = cx.flag('nesterov') ? b.op('add', g, times(cx, buffer, momentum)) : buffer;
    }
    return b.op('sub', cx.p, b.op('mul', cx.scalar('lr', cx.rate('lr')), g));
  },

  adam: (cx) => adamStep(cx, cx.p, withDecay(cx)),

  /** Loshchilov and Hutter, 2019: the decay acts on the parameter, not through the moments. */
  adamw(cx) {
    const decay = cx.num('weight_decay');
    const p = decay === 0 ? cx.p : cx.b.op('mul', cx.p, cx.scalar('decay', ['sub', 1, ['mul', cx.rate('lr'), decay]]));
    return adamStep(cx, p, cx.g);
  },

  /** Tieleman and Hinton, 2012. */
  rmsprop(cx) {
    const { b } = cx;
    const g = withDecay(cx);
    const alpha = cx.num('alpha');
    const square = b.op('add', times(cx, cx.slot('square_avg'), alpha), times(cx, b.op('mul', g, g), 1 - alpha));
    cx.keep('square_avg', square);
    let step = b.op('div', g, b.op('add', b.op('sqrt', square), b.like(cx.num('eps'), square)));
    if (cx.num('momentum') !== 0) {
      step = b.op('add', times(cx, cx.slot('momentum_buffer'), cx.num('momentum')), step);
      cx.keep('momentum_buffer', step);
    }
    return b.op('sub', cx.p, b.op('mul', cx.scalar('lr', cx.rate('lr')), step));
  },

  /** Duchi, Hazan and Singer, 2011. */
  adagrad(cx) {
    const { b } = cx;
    const g = withDecay(cx);
    const sum = b.op('add', cx.slot('sum'), b.op('mul', g, g));
    cx.keep('sum', sum);
    const lr: ScalarExpr = ['div', cx.rate('lr'), ['add', 1, ['mul', 'step', cx.num('lr_decay')]]];
    const step = b.op('div', g, b.op('add', b.op('sqrt', sum), b.like(cx.num('eps'), sum)));
    return b.op('sub', cx.p, b.op('mul', cx.scalar('lr', lr), step));
  },
};
