import type { GraphBuilder } from '../../ir/graph/builder.ts';
import type { NodeId } from '../../ir/graph/types.ts';
import * as f from '../functions.ts';
import { axis as dim, knownAxis } from './axes.ts';
import { layer, type BuiltValue, type Layer } from './layer.ts';

/** Functions that run along an axis. */

/** Combines the value at a place with the value before it. */
type Join = (b: GraphBuilder, here: NodeId, before: NodeId) => NodeId;

const scanned = (doc: string, torch: string, join: Join): Layer =>
  layer({ doc, torch, parameters: { dim }, keepsShape: true, build: ({ b }, args, x) => scan(b, x, args.dim, join) });

/** Ties go to the later value, as in PyTorch, so that the gradient goes to one of them. */
const best =
  (largest: boolean): Join =>
  (b, here, before) =>
    b.op('select', largest ? b.op('lt', here, before) : b.op('lt', before, here), before, here);

export const cumsum = scanned('the cumulative sum along an axis', 'torch.cumsum', (b, x, y) => b.op('add', x, y));
export const cumprod = scanned('the cumulative product along an axis', 'torch.cumprod', (b, x, y) => b.op('mul', x, y));

/** The running extreme, and the last index that holds it. */
const extreme = (doc: string, torch: string, largest: boolean): Layer =>
  layer({
    doc,
    torch,
    keepsShape: true,
    parameters: {
      dim,
      return_indices: { type: 'bool', default: false, doc: 'also returns the indices of the values, for `let v, i = ...`' },
    },
    build({ b }, args, x) {
      const y = scan(b, x, args.dim, best(largest));
      const axis = f.axisOf(args.dim, b.shape(x).length);
      if (!args.return_indices || typeof y !== 'number' || axis === undefined) return y;
      const place = b.add('iota', [], { axis }, { dtype: 'i32', shape: b.shape(x) });
      const places = scan(b, b.op('select', b.op('eq', x, y), place, b.like(0, place)), args.dim, best(true));
      return typeof places === 'number' ? [y, places] : places;
    },
  });
export const cummax = extreme('the cumulative maximum along an axis', 'torch.cummax', true);
export const cummin = extreme('the cumulative minimum along an axis', 'torch.cummin', false);

/** Doubling scan: after k rounds each place holds the last 2^k values before it. */
function scan(b: GraphBuilder, x: NodeId, dimension: number, join: Join): BuiltValue {
  const found = knownAxis(b, x, dimension);
  if ('code' in found) return found;
  const { axis, n } = found;
  let y = x;
  for (let shift = 1; shift < n; shift *= 2) {
    const later = join(b, f.part(b, y, axis, shift, n - shift), f.part(b, y, axis, 0, n - shift));
    y = b.add('concat', [f.part(b, y, axis, 0, shift), later], { axis });
  }
  return y;
}
