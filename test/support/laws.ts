import type { GraphBuilder } from '../../src/ir/graph/builder.ts';
import type { NodeId } from '../../src/ir/graph/types.ts';
import type { LawName } from '../../src/passes/graph/simplify.ts';

export type Build = (b: GraphBuilder, x: NodeId, y: NodeId) => NodeId;
const f = (b: GraphBuilder, v: number): NodeId => b.full(v, { dtype: 'f32', shape: [3, 4] });

const opposite = (b: GraphBuilder, n: number): NodeId => {
  const place = b.add('iota', [], { axis: 0 }, { dtype: 'i32', shape: [n] });
  return b.op('sub', b.like(n - 1, place), place);
};

/** For each law an expression of x, y [3, 4] that it applies to, and what is left of it. */
export const EXAMPLES: { readonly [K in LawName]: readonly [Build, string] } = {
  'x + -y is x - y': [(b, x, y) => b.op('add', x, b.op('neg', y)), 'sub'],
  'x + 0 is x': [(b, x) => b.op('exp', b.op('add', x, f(b, 0))), 'exp'],
  '0 + x is x': [(b, x) => b.op('exp', b.op('add', f(b, 0), x)), 'exp'],
  'x + x is 2 x': [(b, x) => b.op('add', x, x), 'const mul'],
  'x - 0 is x': [(b, x) => b.op('exp', b.op('sub', x, f(b, 0))), 'exp'],
  '0 - x is -x': [(b, x) => b.op('sub', f(b, 0), x), 'neg'],
  'x * 1 is x': [(b, x) => b.op('exp', b.op('mul', x, f(b, 1))), 'exp'],
  '1 * x is x': [(b, x) => b.op('exp', b.op('mul', f(b, 1), x)), 'exp'],
  'x * 0 is 0': [(b, x, y) => b.op('add', y, b.op('exp', b.op('mul', x, f(b, 0)))), 'const add'],
  'a constant factor stands on the right': [(b, x) => b.op('mul', f(b, 3), x), 'const mul'],
  '(x * a) * b is x * (a b)': [(b, x) => b.op('mul', b.op('mul', x, f(b, 3)), f(b, 2)), 'const mul'],
  'x / 1 is x': [(b, x) => b.op('exp', b.op('div', x, f(b, 1))), 'exp'],
  '0 / x is 0': [(b, x, y) => b.op('add', y, b.op('exp', b.op('div', f(b, 0), x))), 'const add'],
  '-(-x) is x': [(b, x) => b.op('exp', b.op('neg', b.op('neg', x))), 'exp'],
  'x ^ 2 is x * x': [(b, x) => b.op('pow', x, f(b, 2)), 'mul'],
  'x ^ 1 is x': [(b, x) => b.op('exp', b.op('pow', x, f(b, 1))), 'exp'],
  'a known choice is made': [(b, x, y) => b.op('exp', b.op('select', b.op('lt', f(b, 0), f(b, 1)), x, y)), 'exp'],
  'the same choice twice is one': [
    (b, x, y) => {
      const c = b.op('lt', x, y);
      return b.op('select', c, b.op('select', c, x, b.op('exp', x)), y);
    },
    'lt select',
  ],
  'detach is only for gradients': [(b, x) => b.op('exp', b.op('detach', x)), 'exp'],
  'a cast to the same type is nothing': [(b, x) => b.op('exp', b.add('cast', [x], { dtype: 'f32' })), 'exp'],
  'a view of a constant is a constant': [
    (b, x) => b.op('mul', x, b.broadcast(b.full(3, { dtype: 'f32', shape: [4] }), [3, 4], [1])),
    'const mul',
  ],
  'a view that changes nothing is nothing': [(b, x) => b.op('exp', b.add('slice', [x], { start: [0, 0], size: [3, 4] })), 'exp'],
  'reshape of reshape is one reshape': [(b, x) => b.op('exp', b.reshape(b.reshape(x, [12]), [4, 3])), 'reshape exp'],
  'permute of permute is one permute': [
    (b, x) => b.op('exp', b.permute(b.permute(b.reshape(x, [3, 2, 2]), [1, 2, 0]), [1, 0, 2])),
    'reshape permute exp',
  ],
  'broadcast of broadcast is one broadcast': [
    (b, x) => b.op('exp', b.broadcast(b.broadcast(x, [2, 3, 4], [1, 2]), [2, 3, 5, 4], [0, 1, 3])),
    'broadcast exp',
  ],
  'a concatenation of one is that one': [(b, x) => b.op('exp', b.add('concat', [x], { axis: 0 })), 'exp'],
  'a sum over nothing is nothing': [(b, x) => b.op('exp', b.add('reduce_sum', [x], { axes: [] })), 'exp'],
  'a sum of one element is a reshape': [(b, x) => b.op('exp', b.sum(b.reshape(x, [3, 1, 4]), [1])), 'exp'],
  'a sum of repetitions is a product': [(b, x) => b.sum(b.broadcast(x, [5, 3, 4], [1, 2]), [0]), 'const mul'],
  'a sum of -x is minus the sum of x': [(b, x) => b.sum(b.op('neg', x), [0]), 'reduce_sum neg'],
  'centred values sum to 0': [
    (b, x, y) => {
      const mean = b.op('div', b.sum(x, [0]), b.full(3, { dtype: 'f32', shape: [4] }));
      return b.op('add', b.sum(y, [0]), b.sum(b.op('sub', x, b.broadcast(mean, [3, 4], [1])), [0]));
    },
    'reduce_sum',
  ],
  'what is the same along a sum goes before it': [
    (b, x, y) => b.sum(b.op('mul', x, b.broadcast(b.reshape(b.add('slice', [y], { start: [0, 0], size: [1, 4] }), [4]), [3, 4], [1])), [0]),
    'slice reshape reduce_sum mul',
  ],
  'rows in the opposite order are turned around': [(b, x) => b.op('exp', b.op('gather', x, opposite(b, 3))), 'flip exp'],
  'sums into rows in the opposite order are turned around': [
    (b, x) => b.op('exp', b.add('scatter_add', [opposite(b, 3), x], { rows: 3 })),
    'flip exp',
  ],
  'a contract reads through a permute': [(b, x, y) => b.contract('ab,bc->ac', x, b.permute(y, [1, 0])), 'contract'],
  'axes of one element say nothing in a contract': [
    (b, x, y) => b.contract('gab,gcb->gac', b.reshape(x, [1, 3, 4]), b.reshape(y, [1, 3, 4])),
    'contract reshape',
  ],
  'windows of single elements only add an axis': [
    (b, x) => b.op('exp', b.add('window', [x], { axis: 0, size: 1, stride: 1, dilation: 1 })),
    'exp reshape',
  ],
  'windows side by side are put in order': [
    (b, x) => b.op('exp', b.add('unwindow', [b.reshape(x, [3, 2, 2])], { axis: 1, length: 5, stride: 2, dilation: 1 })),
    'pad exp',
  ],
  'padding passes below windows': [
    (b, x) => {
      const windows = b.add('window', [x], { axis: 1, size: 2, stride: 1, dilation: 1 });
      const padded = b.add('pad', [windows], { low: [1, 0, 0], high: [0, 0, 0], value: 0 });
      return b.op('exp', b.add('pad', [padded], { low: [1, 0, 0], high: [2, 0, 0], value: 0 }));
    },
    'pad window exp',
  ],
  'the adjoint of windows of a product is a product of windows': [
    (b, x, y) => b.add('unwindow', [b.contract('po,ok->pk', x, b.reshape(y, [4, 3]))], { axis: 0, length: 5, stride: 1, dilation: 1 }),
    'pad window reshape flip contract',
  ],
  'a part of a product of windows is a product of parts': [
    (b, x, y) => {
      const windows = b.add('window', [x], { axis: 1, size: 3, stride: 1, dilation: 1 });
      const product = b.contract('npk,ck->npc', windows, b.reshape(y, [4, 3]));
      return b.add('slice', [product], { start: [1, 0, 2], size: [2, 2, 2] });
    },
    'window slice reshape slice contract',
  ],
  'the adjoint of strided windows of a product is products of windows side by side': [
    (b, x, y) => b.add('unwindow', [b.contract('po,ok->pk', x, b.reshape(y, [4, 3]))], { axis: 0, length: 7, stride: 2, dilation: 1 }),
    'contract flip pad pad reshape reshape reshape slice window',
  ],
  'the adjoint of windows of a product passes below a reshape': [
    (b, x, y) => {
      const product = b.reshape(b.contract('po,ko->pk', x, y), [1, 3, 3]);
      return b.op('exp', b.add('unwindow', [product], { axis: 1, length: 11, stride: 4, dilation: 1 }));
    },
    'contract exp reshape unwindow',
  ],
  'the adjoint of windows of a product passes below a part': [
    (b, x, y) => {
      const product = b.reshape(b.contract('npo,ko->npk', b.reshape(x, [2, 2, 3]), b.reshape(y, [4, 3])), [2, 2, 4]);
      const part = b.add('slice', [product], { start: [1, 0, 0], size: [1, 2, 4] });
      return b.op('exp', b.add('unwindow', [part], { axis: 1, length: 9, stride: 5, dilation: 1 }));
    },
    'contract exp reshape reshape slice unwindow',
  ],
  'a reshape beside a part of a product is a part of a reshape': [
    (b, x, y) => {
      const product = b.reshape(b.contract('ac,ad->cd', x, y), [2, 2, 4]);
      const part = b.add('slice', [product], { start: [1, 0, 0], size: [1, 2, 4] });
      return b.op('exp', b.reshape(part, [1, 8]));
    },
    'contract reshape slice exp',
  ],
  'a part of a product passes below axes of a single element': [
    (b, x, y) => {
      const product = b.contract('ac,bc->ab', x, y);
      return b.op('exp', b.add('slice', [b.reshape(product, [1, 3, 1, 3])], { start: [0, 1, 0, 0], size: [1, 2, 1, 2] }));
    },
    'contract slice reshape exp',
  ],
  'a part of windows is windows of a part': [
    (b, x) => {
      const windows = b.add('window', [x], { axis: 1, size: 2, stride: 1, dilation: 1 });
      return b.op('exp', b.add('slice', [windows], { start: [1, 1, 0], size: [2, 2, 2] }));
    },
    'slice window exp',
  ],
  'a part of padded values needs less padding': [
    (b, x) => {
      const padded = b.add('pad', [x], { low: [1, 0], high: [2, 1], value: 0 });
      return b.op('exp', b.add('slice', [padded], { start: [1, 0], size: [4, 5] }));
    },
    'pad exp',
  ],
  'a contract over single elements is a product': [
    (b, x, y) => b.contract('az,zb->ab', b.reshape(x, [12, 1]), b.reshape(y, [1, 12])),
    'reshape reshape broadcast broadcast mul',
  ],
};
