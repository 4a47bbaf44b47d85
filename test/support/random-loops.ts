import { GraphBuilder } from '../../src/ir/graph/builder.ts';
import type { Graph, NodeId } from '../../src/ir/graph/types.ts';
import { gradient } from '../../src/autodiff/gradient.ts';
import type { Random } from './random.ts';

/** A graph with loops of random bodies, and numbers for all that it reads. */
export interface LoopCase {
  readonly graph: Graph;
  readonly inputs: ReadonlyMap<string, Float32Array>;
}

const UNARY = ['tanh', 'sigmoid', 'sin', 'neg', 'cos', 'erf'] as const;
const BINARY = ['add', 'mul', 'sub', 'max', 'min'] as const;
const ROWS = 3;

/**
 * One or two loops, the second over what the first gives: products with weights, sums, windows of the state, rows by index, conditions,
 * several states, a counter. Its output `loss` is a number, and there is a gradient `gNAME` for every input of numbers.
 */
export function randomLoops(r: Random, derivatives: 0 | 1 | 2 = 1): LoopCase {
  const b = new GraphBuilder('loops');
  const [batch, places, width] = [r.int(1, 3), r.int(1, 6), r.int(1, 5)];
  const inputs = new Map<string, Float32Array>();
  const floats: NodeId[] = [];
  const input = (name: string, shape: readonly number[], dtype: 'f32' | 'i32' = 'f32'): NodeId => {
    const size = shape.reduce((n, d) => n * d, 1);
    inputs.set(
      name,
      Float32Array.from({ length: size }, () => (dtype === 'i32' ? r.int(0, ROWS - 1) : Math.fround(r.between(-1, 1)))),
    );
    const id = b.add('input', [], { name }, { dtype, shape });
    if (dtype === 'f32') floats.push(id);
    return id;
  };
  let sequence = b.permute(input('x', [batch, places, width]), [1, 0, 2]);
  let total = b.full(0, { dtype: 'f32', shape: [] });
  const loops = r.int(1, 2);
  for (let l = 0; l < loops; l++) {
    const operands = new Map<string, NodeId>([
      ['x', sequence],
      ['w', input(`w${l}`, [width, width])],
      ['bias', input(`bias${l}`, [width])],
      ['table', input(`table${l}`, [ROWS, width])],
      ['index', b.permute(input(`index${l}`, [batch, places], 'i32'), [1, 0])],
      ['h', r.int(0, 2) === 0 ? b.full(0, { dtype: 'f32', shape: [batch, width] }) : input(`h${l}`, [batch, width])],
      ['c', b.op('neg', input(`c${l}`, [batch, width]))],
      ['n', b.full(0, { dtype: 'i32', shape: [] })],
    ]);
    const body = bodyOf(r, b, operands, ['x', 'index']);
    const loop = b.loop(body, operands, { length: places, reverse: r.int(0, 1) === 1, each: ['x', 'index'] });
    const axes = (id: NodeId): number[] => b.shape(id).map((_, i) => i);
    const results = [loop.each('y'), loop.each('z'), loop.last('h'), loop.last('c')].filter(() => r.int(0, 3) > 0);
    for (const id of results) total = b.op('add', total, b.sum(b.op('sin', b.op('mul', id, b.op('add', id, b.like(0.5, id)))), axes(id)));
    sequence = loop.each('y');
    if (r.int(0, 2) === 0) b.outputs[`y${l}`] = sequence;
    if (r.int(0, 2) === 0) b.outputs[`n${l}`] = loop.last('n');
  }
  b.outputs['loss'] = total;
  if (derivatives > 0) {
    const slopes = gradient(b, total, floats);
    slopes.forEach((id, i) => (b.outputs[`g${i}`] = id));
    if (derivatives > 1) {
      const second = slopes
        .map((id) =>
          b.sum(
            b.op('sin', id),
            b.shape(id).map((_, i) => i),
          ),
        )
        .reduce((p, q) => b.op('add', p, q));
      gradient(b, second, floats).forEach((id, i) => (b.outputs[`s${i}`] = id));
    }
  }
  return { graph: b.graph(), inputs };
}

function bodyOf(r: Random, around: GraphBuilder, operands: ReadonlyMap<string, NodeId>, each: readonly string[]): Graph {
  const b = new GraphBuilder('body');
  const leaf = (name: string, op: 'input' | 'state'): NodeId => {
    const { dtype, shape } = around.type(operands.get(name) ?? -1);
    return b.add(op, [], { name }, { dtype, shape: each.includes(name) ? shape.slice(1) : shape });
  };
  const [x, w, bias, table, index] = (['x', 'w', 'bias', 'table', 'index'] as const).map((name) => leaf(name, 'input')) as [
    NodeId,
    NodeId,
    NodeId,
    NodeId,
    NodeId,
  ];
  const [h, c, n] = (['h', 'c', 'n'] as const).map((name) => leaf(name, 'state')) as [NodeId, NodeId, NodeId];
  const shape = b.shape(x) as readonly [number, number];
  const known = [x, h, c];
  const any = (): NodeId => r.pick(known);
  const one = (): NodeId => {
    const [p, q] = [any(), any()];
    switch (r.int(0, 9)) {
      case 0:
        return b.contract(r.int(0, 1) ? 'az,yz->ay' : 'az,zy->ay', p, w);
      case 1:
        return b.op('add', p, b.broadcast(bias, shape, [1]));
      case 2:
        return b.op('mul', p, b.broadcast(b.sum(q, [1]), shape, [0]));
      case 3: {
        const top = b.broadcast(b.add('reduce_max', [p], { axes: [1] }), shape, [0]);
        const e = b.op('exp', b.op('sub', p, top));
        return b.op('div', e, b.broadcast(b.sum(e, [1]), shape, [0]));
      }
      case 4:
        return b.op('mul', p, b.op('gather', table, index));
      case 5: {
        // The place, as a number, decides.
        const place = b.broadcast(b.cast(n, 'f32'), shape, []);
        return b.op('select', b.op('lt', place, b.op('add', q, b.like(1.5, q))), p, b.op('neg', q));
      }
      case 6: {
        const part = Math.ceil(shape[1] / 2);
        const left = b.add('slice', [p], { start: [0, 0], size: [shape[0], part] });
        const right = b.add('slice', [q], { start: [0, part], size: [shape[0], shape[1] - part] });
        return shape[1] - part === 0 ? left : b.add('concat', r.int(0, 1) ? [left, right] : [right, left], { axis: 1 });
      }
      case 7:
        return b.add('flip', [b.op('mul', p, q)], { axes: [r.int(0, 1)] });
      case 8:
        return b.op(r.pick(UNARY), p);
      default:
        return b.op(r.pick(BINARY), p, q);
    }
  };
  for (let i = r.int(2, 8); i > 0; i--) known.push(one());
  const small = (id: NodeId): NodeId => (r.int(0, 1) ? b.op('tanh', id) : b.op('mul', b.op('sin', id), b.like(0.9, id)));
  // A state may be handed on as it is, or be what comes in.
  b.writes.push({ state: 'h', value: r.int(0, 6) === 0 ? x : small(any()) });
  b.writes.push({ state: 'c', value: r.int(0, 4) === 0 ? h : small(any()) });
  b.writes.push({ state: 'n', value: b.op('add', n, b.like(1, n)) });
  b.outputs['y'] = r.int(0, 3) === 0 ? (b.writes[0]?.value ?? x) : small(any());
  b.outputs['z'] = any();
  return b.graph();
}
