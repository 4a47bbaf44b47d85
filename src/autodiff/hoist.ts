import { at } from '../base/errors.ts';
import type { GraphBuilder } from '../ir/graph/builder.ts';
import { contractLabels } from '../ir/graph/contract.ts';
import type { NodeId } from '../ir/graph/types.ts';

/** Where the total finds what the loop has computed. */
export interface Sequences {
  /** An output of the body, of all places: [places, ...]. */
  readonly each: (output: string) => NodeId;
  /** An operand of the loop. */
  readonly operand: (name: string) => NodeId;
}

/** The name under which the forward loop keeps a value, if it computes it. */
export type Keep = (id: NodeId) => string | undefined;

/** Makes the total in the graph around the loop. */
export type Total = (b: GraphBuilder, sequences: Sequences) => NodeId;

/**
 * The sum of a body's value over all places, computed behind the loop: a product summed over places is one product with one more summed
 * axis, a sum one longer sum. So the gradient of a weight is one large product instead of a small one per place, and nothing of the size of
 * the weight is carried. Outputs that this needs are added to the body.
 */
export function summedOverPlaces(
  r: GraphBuilder,
  value: NodeId,
  { length, isSliced, keep }: { readonly length: number; readonly isSliced: (name: string) => boolean; readonly keep: Keep },
): Total {
  /** A value of all places. */
  const sequence = (id: NodeId): ((s: Sequences) => NodeId) => {
    const node = r.node(id);
    if (node.op === 'input' && isSliced(node.attrs.name)) return (s) => s.operand(node.attrs.name);
    const kept = keep(id);
    if (kept !== undefined) return (s) => s.operand(kept);
    const known = Object.entries(r.outputs).find(([, v]) => v === id)?.[0];
    const name = known ?? `value.${id}`;
    r.outputs[name] = id;
    return (s) => s.each(name);
  };
  /** An operand that is the same at all places, if the value is one. */
  const same = (id: NodeId): string | undefined => {
    const node = r.node(id);
    return node.op === 'input' && !isSliced(node.attrs.name) ? node.attrs.name : undefined;
  };
  const total = (id: NodeId): Total => {
    const node = r.node(id);
    const [x = -1, y = -1] = node.inputs;
    switch (node.op) {
      case 'const':
        return (b) => b.full(node.attrs.value * length, node.type);
      case 'add':
      case 'sub': {
        const [p, q] = [total(x), total(y)];
        return (b, s) => b.op(node.op, p(b, s), q(b, s));
      }
      case 'neg': {
        const p = total(x);
        return (b, s) => b.op('neg', p(b, s));
      }
      case 'reshape':
      case 'permute':
      case 'broadcast':
      case 'slice':
      case 'flip':
      case 'mix':
      case 'unwindow': {
        const p = total(x);
        return (b, s) => b.add(node.op, [p(b, s)], node.attrs);
      }
      case 'pad': {
        if (node.attrs.value !== 0) break;
        const p = total(x);
        return (b, s) => b.add('pad', [p(b, s)], node.attrs);
      }
      case 'reduce_sum': {
        const p = sequence(x);
        return (b, s) => b.sum(p(s), [0, ...node.attrs.axes.map((a) => a + 1)]);
      }
      case 'scatter_add': {
        const [p, q] = [sequence(x), sequence(y)];
        return (b, s) => b.add('scatter_add', [p(s), q(s)], node.attrs);
      }
      case 'contract': {
        const { spec } = node.attrs;
        for (const [other, mine, swapped] of [
          [x, y, true],
          [y, x, false],
        ] as const) {
          const name = same(other);
          if (name === undefined) continue;
          const p = total(mine);
          return (b, s) => (swapped ? b.contract(spec, s.operand(name), p(b, s)) : b.contract(spec, p(b, s), s.operand(name)));
        }
        const [p, q] = [sequence(x), sequence(y)];
        const labels = contractLabels(spec);
        const t = at(
          [...'abcdefghijklmnopqrstuvwxyz'].filter((c) => !spec.includes(c)),
          0,
        );
        return (b, s) => b.contract(`${t}${labels.a},${t}${labels.b}->${labels.out}`, p(s), q(s));
      }
      default:
        break;
    }
    const p = sequence(id);
    return (b, s) => b.sum(p(s), [0]);
  };
  return total(value);
}
