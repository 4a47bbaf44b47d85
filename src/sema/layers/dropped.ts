import type { NodeId } from '../../ir/graph/types.ts';
import { Dropout } from './dropout.ts';
import type { LayerContext } from './layer.ts';
import { built } from './nested.ts';

/** Dropout inside another layer. */
export const dropped = (cx: LayerContext, x: NodeId, p: number): NodeId => built(Dropout, cx, { p }, x);
