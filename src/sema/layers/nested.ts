import { CompilerBug } from '../../base/errors.ts';
import type { NodeId } from '../../ir/graph/types.ts';
import type { AnyArgs } from '../arguments.ts';
import type { Layer, LayerContext } from './layer.ts';

/** Layers that are made of other layers. */

/** The context of an inner layer: `name` (such as `self_attn`) is put before the names of its weights. */
export function inside(cx: LayerContext, name: string, named: LayerContext['named'] = {}): LayerContext {
  return {
    ...cx,
    named,
    param: (key, shape, init) => cx.param(`${name}.${key}`, shape, init),
    state: (key, shape, init) => cx.state(`${name}.${key}`, shape, init),
  };
}

/** Builds a layer whose input the outer layer has checked already. */
export function built(layer: Layer, cx: LayerContext, args: AnyArgs, x: NodeId): NodeId {
  const y = layer.build(cx, args, x);
  if (typeof y !== 'number') throw new CompilerBug(`${cx.text} does not fit what it is made of`);
  return y;
}
