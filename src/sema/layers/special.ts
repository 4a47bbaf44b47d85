import type { GraphBuilder } from '../../ir/graph/builder.ts';
import type { NodeId } from '../../ir/graph/types.ts';
import { isNan } from '../functions.ts';
import { digammaOf, erfinvOf, lgammaOf } from '../special.ts';
import { layer, type Layer } from './layer.ts';

/** Special functions, and tests such as isnan. */

const composed = (doc: string, torch: string, build: (b: GraphBuilder, x: NodeId) => NodeId): Layer =>
  layer({ doc, torch, parameters: {}, keepsShape: true, build: ({ b }, _a, x) => build(b, x) });

export const lgamma = composed('the logarithm of |gamma(x)|', 'torch.lgamma', lgammaOf);
export const digamma = composed('the derivative of lgamma', 'torch.digamma', digammaOf);
export const erfinv = composed('the inverse of the error function', 'torch.erfinv', erfinvOf);

const question = (doc: string, torch: string, build: (b: GraphBuilder, x: NodeId) => NodeId): Layer =>
  layer({ doc, torch, shape: '[...] -> bool [...]', parameters: {}, build: ({ b }, _a, x) => build(b, x) });

export const isfinite = question('true where x is neither infinite nor NaN', 'torch.isfinite', (b, x) => b.op('finite', x));
export const isinf = question('true where x is inf or -inf', 'torch.isinf', (b, x) =>
  b.op('not', b.op('or', b.op('finite', x), isNan(b, x))),
);
export const isnan = question('true where x is NaN', 'torch.isnan', isNan);
