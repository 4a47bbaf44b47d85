import { CompilerBug, at, fail } from '../../base/errors.ts';
import { sameShape, showType, type DType, type Dim, type Shape, type TensorType } from '../../base/types.ts';
import type { OpRecord } from './op-record.ts';
import { OPS } from './ops.ts';
import type { Graph, Node, NodeId, Op, OpAttrs, Write } from './types.ts';

export interface Origin {
  readonly name?: string | undefined;
  readonly loc?: string | undefined;
}

/** The results of a loop: an output of its body at each place, along a new axis 0, and a state of it after the last place. */
export interface Loop {
  readonly each: (output: string) => NodeId;
  readonly last: (state: string) => NodeId;
}

/** Ops that have no attributes. */
export type PlainOp = { [K in Op]: keyof OpAttrs[K] extends never ? K : string extends keyof OpAttrs[K] ? K : never }[Op];

/** Builds a graph node by node; each node is checked by its shape rule when it is added. */
export class GraphBuilder {
  readonly nodes: Node[] = [];
  readonly outputs: Record<string, NodeId> = {};
  readonly writes: Write[] = [];
  private origin: Origin = {};
  readonly name: string;
  /** The most nodes; one more is the program's error. */
  limit = Infinity;

  constructor(name: string, from?: Graph) {
    this.name = name;
    if (!from) return;
    this.nodes.push(...from.nodes);
    Object.assign(this.outputs, from.outputs);
    this.writes.push(...from.writes);
  }

  graph(): Graph {
    return { name: this.name, nodes: [...this.nodes], outputs: { ...this.outputs }, writes: [...this.writes] };
  }

  /** Runs `body` with every new node marked as coming from `origin`. */
  within<T>(origin: Origin, body: () => T): T {
    const before = this.origin;
    this.origin = origin;
    try {
      return body();
    } finally {
      this.origin = before;
    }
  }

  node(id: NodeId): Node {
    return at(this.nodes, id, 'node');
  }

  type(id: NodeId): TensorType {
    return this.node(id).type;
  }

  shape(id: NodeId): Shape {
    return this.type(id).shape;
  }

  /** Adds a node. `declared` is the type of a leaf. */
  add<K extends Op>(op: K, inputs: readonly NodeId[], attrs: OpAttrs[K], declared?: TensorType, origin: Origin = this.origin): NodeId {
    const spec: OpRecord<K> = OPS[op];
    if (spec.arity !== undefined && spec.arity !== inputs.length)
      throw new CompilerBug(`${op} takes ${spec.arity} operands, not ${inputs.length}`);
    const types = inputs.map((i) => this.type(i));
    const type = spec.infer(types, attrs, declared);
    if (typeof type === 'string') throw new CompilerBug(`${op}(${types.map(showType).join(', ')}): ${type}`);
    const id = this.nodes.length;
    const { name, loc } = origin;
    if (id >= this.limit)
      fail('NN217', `the program has more than ${this.limit} operations${loc === undefined ? '' : `; the last one is at ${loc}`}`, {
        help: 'repeat fewer times, or let the data have an axis for it',
      });
    this.nodes.push({ id, op, inputs, attrs, type, ...(name ? { name } : {}), ...(loc ? { loc } : {}) } as unknown as Node);
    return id;
  }

  /** Adds an operation without attributes. */
  op(op: PlainOp, ...inputs: NodeId[]): NodeId {
    return this.add(op, inputs, {} as OpAttrs[typeof op]);
  }

  /** A constant of any shape. */
  full(value: number, type: TensorType): NodeId {
    return this.add('const', [], { value }, type);
  }

  /** A constant of the type of another node. */
  like(value: number, other: NodeId): NodeId {
    return this.full(value, this.type(other));
  }

  reshape(x: NodeId, shape: Shape): NodeId {
    return sameShape(this.shape(x), shape) ? x : this.add('reshape', [x], { shape });
  }

  permute(x: NodeId, perm: readonly number[]): NodeId {
    return perm.every((p, i) => p === i) ? x : this.add('permute', [x], { perm });
  }

  sum(x: NodeId, axes: readonly number[]): NodeId {
    return axes.length === 0 ? x : this.add('reduce_sum', [x], { axes });
  }

  broadcast(x: NodeId, shape: Shape, axes: readonly number[]): NodeId {
    return sameShape(this.shape(x), shape) ? x : this.add('broadcast', [x], { shape, axes });
  }

  /** Restores reduced axes by repetition: the adjoint of a sum. */
  unreduce(x: NodeId, shape: Shape, axes: readonly number[]): NodeId {
    return this.broadcast(
      x,
      shape,
      shape.map((_, i) => i).filter((i) => !axes.includes(i)),
    );
  }

  contract(spec: string, a: NodeId, b: NodeId): NodeId {
    return this.add('contract', [a, b], { spec });
  }

  cast(x: NodeId, dtype: DType): NodeId {
    return this.type(x).dtype === dtype ? x : this.add('cast', [x], { dtype });
  }

  /** A dimension as a value; the batch is only known once it is bound. */
  dimsize(dim: Dim): NodeId {
    const type: TensorType = { dtype: 'f32', shape: [] };
    return typeof dim === 'number' ? this.full(dim, type) : this.add('dimsize', [], { dim }, type);
  }

  /** A loop that runs `body` once for each place; its results are taken from what is returned. */
  loop(
    body: Graph,
    operands: ReadonlyMap<string, NodeId>,
    how: { readonly length: number; readonly reverse: boolean; readonly each: readonly string[] },
  ): Loop {
    const take = (take: 'each' | 'last', of: string): NodeId =>
      this.add('scan', [...operands.values()], { body, ...how, names: [...operands.keys()], take, of });
    return { each: (output) => take('each', output), last: (state) => take('last', state) };
  }

  /** Broadcasts a scalar node. */
  splat(scalar: NodeId, shape: Shape): NodeId {
    return this.broadcast(scalar, shape, []);
  }
}
