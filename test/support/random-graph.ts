import { count, fixedShape, sameShape } from '../../src/base/types.ts';
import { GraphBuilder } from '../../src/ir/graph/builder.ts';
import type { Graph, NodeId } from '../../src/ir/graph/types.ts';
import type { Random } from './random.ts';

export interface RandomGraph {
  readonly graph: Graph;
  readonly inputs: ReadonlyMap<string, Float64Array>;
  readonly state: ReadonlyMap<string, Float64Array>;
}

const SMOOTH = ['tanh', 'sigmoid', 'sin', 'cos', 'atan', 'erf', 'neg', 'abs'] as const;

/** A well-typed random graph with shared values, views, reductions, products, and a state that is written. */
export function randomGraph(r: Random, size: number): RandomGraph {
  const b = new GraphBuilder('random');
  const inputs = new Map<string, Float64Array>();
  const state = new Map<string, Float64Array>();
  const pool: NodeId[] = [];
  const shapeOf = (id: NodeId): number[] => fixedShape(b.shape(id));
  const dim = (): number => r.pick([1, 2, 3, 5, 7, 8, 33]);
  const leaf = (shape: readonly number[], isState: boolean): NodeId => {
    const name = `${isState ? 's' : 'x'}${inputs.size + state.size}`;
    (isState ? state : inputs).set(name, r.floats(count(shape)));
    return b.add(isState ? 'state' : 'input', [], { name }, { dtype: 'f32', shape });
  };
  for (let i = r.int(1, 3); i > 0; i--) pool.push(leaf(Array.from({ length: r.int(1, 3) }, dim), false));
  const s = leaf([r.int(2, 40)], true);
  pool.push(s);

  /** Another value of the same shape: from the pool, or made by a view of something that fits. */
  const partner = (shape: readonly number[]): NodeId => {
    const same = pool.filter((p) => sameShape(b.shape(p), shape));
    return same.length && r.unit() < 0.8 ? r.pick(same) : leaf(shape, false);
  };
  const steps: ((x: NodeId) => NodeId)[] = [
    (x) => b.op(r.pick(SMOOTH), x),
    (x) => b.op('log', b.op('add', b.op('abs', x), b.like(0.5, x))),
    (x) => b.op('sqrt', b.op('add', b.op('mul', x, x), b.like(0.25, x))),
    (x) => b.op(r.pick(['add', 'sub', 'mul', 'max', 'min'] as const), x, partner(shapeOf(x))),
    (x) => b.op('div', x, b.op('add', b.op('abs', partner(shapeOf(x))), b.like(1, x))),
    (x) => b.op('fmod', x, b.op('add', b.op('abs', partner(shapeOf(x))), b.like(4, x))),
    (x) => b.op('select', b.op(r.pick(['lt', 'before'] as const), x, partner(shapeOf(x))), x, b.like(r.between(-1, 1), x)),
    (x) => b.add('reduce_sum', [x], { axes: someAxes(shapeOf(x)) }),
    (x) => b.add('reduce_max', [x], { axes: someAxes(shapeOf(x)) }),
    (x) => {
      const shape = shapeOf(x);
      const perm = shape.map((_, i) => i).sort(() => r.unit() - 0.5);
      return b.permute(x, perm);
    },
    (x) => b.reshape(x, r.unit() < 0.5 ? [count(shapeOf(x))] : [1, ...shapeOf(x)]),
    (x) => {
      const shape = shapeOf(x);
      const extra = r.pick([2, 3]);
      return b.broadcast(
        x,
        [extra, ...shape],
        shape.map((_, i) => i + 1),
      );
    },
    (x) => {
      const shape = shapeOf(x);
      return b.add('pad', [x], { low: shape.map(() => r.int(0, 2)), high: shape.map(() => r.int(0, 2)), value: r.pick([0, 0.5]) });
    },
    (x) => {
      const shape = shapeOf(x);
      const start = shape.map((d) => r.int(0, d - 1));
      return b.add('slice', [x], { start, size: shape.map((d, i) => r.int(1, d - (start[i] ?? 0))) });
    },
    (x) => {
      const shape = shapeOf(x);
      const axis = r.int(0, shape.length - 1);
      const length = shape[axis] ?? 1;
      const size = r.int(1, length);
      const dilation = size > 1 ? r.int(1, Math.floor((length - 1) / (size - 1))) : 1;
      const stride = r.int(1, 3);
      const windows = b.add('window', [x], { axis, size, stride, dilation });
      return r.unit() < 0.5 ? windows : b.add('unwindow', [windows], { axis, length, stride, dilation });
    },
    (x) => {
      const shape = shapeOf(x);
      const axes = someAxes(shape);
      const columns = shape[axes[0] ?? 0] ?? 1;
      const row = (): number[] => Array.from({ length: columns }, () => r.pick([0, 0, 1, -1, 0.5, -2]));
      const matrix = Array.from({ length: r.int(1, 4) }, row);
      return b.add('mix', [x], { axes: axes.filter((a) => shape[a] === columns), matrix });
    },
    (x) => b.add('flip', [x], { axes: someAxes(shapeOf(x)) }),
    (x) => {
      const shape = shapeOf(x);
      const axis = r.int(0, shape.length - 1);
      return b.add('concat', [x, partner(shape), x], { axis });
    },
    (x) => {
      const shape = shapeOf(x);
      const n = r.pick([1, 4, 9]);
      const k = shape.at(-1) ?? 1;
      const w = r.unit() < 0.5 ? leaf([n, k], false) : leaf([k, n], false);
      const lead = 'abcdefg'.slice(0, shape.length - 1);
      return b.contract(shapeOf(w)[0] === n && shapeOf(w)[1] === k ? `${lead}z,yz->${lead}y` : `${lead}z,zy->${lead}y`, x, w);
    },
    (x) => {
      const rows = shapeOf(x)[0] ?? 1;
      const n = r.int(1, 6);
      const wrapped = b.add(
        'cast',
        [b.op('floor', b.op('mul', b.op('abs', leaf([n], false)), b.like(rows / 2.01, b.full(0, { dtype: 'f32', shape: [n] }))))],
        { dtype: 'i32' },
      );
      const gathered = b.op('gather', x, wrapped);
      return r.unit() < 0.5 ? gathered : b.add('scatter_add', [wrapped, gathered], { rows });
    },
    (x) => {
      const scalar = (name: 'seed' | 'step'): NodeId => b.add('scalar', [], { name, expr: name }, { dtype: 'i32', shape: [] });
      return b.op(
        'mul',
        x,
        b.add('uniform', [scalar('seed'), scalar('step')], { stream: r.int(1, 9) }, { dtype: 'f32', shape: shapeOf(x) }),
      );
    },
  ];
  const someAxes = (shape: readonly number[]): number[] => {
    const axes = shape.map((_, i) => i).filter(() => r.unit() < 0.5);
    return axes.length ? axes : shape.length ? [r.int(0, shape.length - 1)] : [];
  };

  for (let i = 0; i < size; i++) {
    const x = r.pick(pool.filter((p) => b.shape(p).length > 0));
    const y = r.pick(steps)(x);
    if (count(b.shape(y)) <= 20_000) pool.push(y);
  }
  const tops = pool.slice(-2);
  tops.forEach((id, i) => {
    b.outputs[`out${i}`] = id;
  });
  // The states move by something that depends on the rest, each in one of the ways that can go wrong.
  const top = tops[0] ?? s;
  const all = b.sum(
    top,
    shapeOf(top).map((_, i) => i),
  );
  const push = b.splat(b.op('tanh', all), b.shape(s));
  const n = shapeOf(s)[0] ?? 1;
  const t = leaf([n], true);
  const q = leaf([3, 3], true);
  const decayed = (x: NodeId): NodeId => b.op('add', b.op('mul', x, b.like(0.9, x)), push);
  const turned = b.reshape(b.permute(b.reshape(b.op('tanh', s), [1, n]), [1, 0]), [n]);
  const backwards = b.op(
    'gather',
    b.op('sin', t),
    b.op('sub', b.full(n - 1, { dtype: 'i32', shape: [n] }), b.add('iota', [], { axis: 0 }, { dtype: 'i32', shape: [n] })),
  );
  const next = r.pick<readonly [NodeId, NodeId]>([
    [decayed(s), decayed(t)],
    [t, s],
    [decayed(s), s],
    [b.op('add', s, turned), b.op('add', t, backwards)],
    [b.op('mul', decayed(s), backwards), b.op('cos', decayed(s))],
    [decayed(t), decayed(s)],
    [t, decayed(backwards)],
  ]);
  b.writes.push({ state: nameOf(b, s), value: next[0] }, { state: nameOf(b, t), value: next[1] });
  b.writes.push({
    state: nameOf(b, q),
    value: r.pick([b.op('add', q, b.permute(b.op('tanh', q), [1, 0])), b.contract('ab,bc->ac', q, q), b.op('mul', q, q)]),
  });
  // What is written may be read elsewhere, and an output may be a state, a view or a part of something larger.
  b.outputs['written'] = r.pick([
    next[0],
    b.sum(b.op('exp', b.op('tanh', next[0])), [0]),
    b.add('concat', [next[0], next[1], b.op('sin', next[1])], { axis: 0 }),
    b.reshape(next[1], [1, n]),
    s,
  ]);
  b.outputs['joined'] = b.sum(b.add('concat', [b.reshape(q, [9]), b.add('concat', [next[0], push], { axis: 0 })], { axis: 0 }), [0]);
  return { graph: b.graph(), inputs, state };
}

function nameOf(b: GraphBuilder, id: NodeId): string {
  const node = b.node(id);
  return node.op === 'state' ? node.attrs.name : '';
}
