import { CompilerBug, at, get } from '../../base/errors.ts';
import { count, fixedShape, showType } from '../../base/types.ts';
import { contractLabels } from '../../ir/graph/ops.ts';
import { isPointwise, type PointwiseOp } from '../../ir/graph/pointwise.ts';
import type { Graph, Node, NodeId, NodeOf } from '../../ir/graph/types.ts';
import { call, literal, ref } from '../../ir/kernel/build.ts';
import * as ix from '../../ir/kernel/index-math.ts';
import type { Buffer, Expr, Fn, Kernel, ScalarType, Stmt } from '../../ir/kernel/types.ts';
import { safeName } from './schedule.ts';
import type { Group, Place, Schedule } from './types.ts';
import { isView } from './uses.ts';

/** What a target can do with one point of a kernel. */
export interface Target {
  /** Lanes that may share a long reduction; 1 where there are no workgroups. */
  readonly lanes: number;
}

const LOWEST = -3.4028234663852886e38;
/** A reduction at least this long, with few results, is shared by the lanes of a workgroup: faster, and rounded less. */
const LONG = 64;
const FEW = 4096;

/** Writes a group as a kernel. */
export function lowerGroup(s: Schedule, group: Group, index: number, target: Target): Kernel {
  return new Lowering(s, group, target).kernel(index);
}

/** Pointwise operations that are one function of the kernel IR. */
const FN: Partial<Readonly<Record<PointwiseOp, Fn>>> = { idiv: 'div' };

class Lowering {
  private readonly graph: Graph;
  private readonly reads = new Set<string>();
  private readonly blocks: { readonly body: Stmt[]; readonly memo: Map<string, Expr> }[] = [];
  private readonly useCount = new Map<NodeId, number>();
  private names = 0;
  private readonly lanes: number;
  private readonly s: Schedule;
  private readonly group: Group;

  constructor(s: Schedule, group: Group, target: Target) {
    this.s = s;
    this.group = group;
    this.graph = s.graph;
    for (const node of s.graph.nodes) for (const i of node.inputs) this.useCount.set(i, (this.useCount.get(i) ?? 0) + 1);
    this.lanes = this.chooseLanes(target);
  }

  kernel(index: number): Kernel {
    const { stores } = this.group;
    const first = at(this.graph.nodes, at(stores, 0).node);
    const shape = fixedShape(first.type.shape);
    const axes = shape.map((extent, i) => ({ name: `i${i}`, extent })).filter((a) => a.extent > 1);
    const point = shape.map((extent, i) => ix.variable(`i${i}`, extent));
    const body = this.inBlock(() => {
      // All values are computed before anything is stored, so that state may be written in place.
      const values = stores.map((st) => this.value(st.node, point));
      const write = (): void => stores.forEach((st, i) => this.store(st, at(values, i), ix.linear(point, shape)));
      if (this.lanes === 1) write();
      else this.guarded(call('eq', ref('u32', 'lane'), literal('u32', 0)), write);
    });
    const written = new Set(stores.map((st) => st.tensor));
    const buffers = [...new Set([...this.reads, ...written])].sort().map((name): Buffer => {
      const t = get(this.s.tensors, name, 'tensor');
      return { name, type: t.dtype, size: t.size, access: written.has(name) ? (this.reads.has(name) ? 'update' : 'write') : 'read' };
    });
    return { name: this.kernelName(index), about: this.about(), buffers, axes, lanes: this.lanes, body };
  }

  private kernelName(index: number): string {
    const last = this.group.roots.at(-1);
    const hint = last === undefined ? 'copy' : `${at(this.graph.nodes, last).op}${this.label(last)}`;
    return `k${index}_${hint}`.slice(0, 60);
  }

  private label(id: NodeId): string {
    const name = at(this.graph.nodes, id).name;
    return name ? `_${safeName(name).replace(/_+/g, '_').replace(/_$/, '')}` : '';
  }

  /** What the kernel stores and where it comes from, for the reader. */
  private about(): string[] {
    const lines = this.group.stores.map((st) => {
      const n = at(this.graph.nodes, st.node);
      return `${st.tensor} = ${n.op} : ${showType(n.type)}${n.name ? `, ${n.name}` : ''}${n.loc ? ` (${n.loc})` : ''}`;
    });
    const ops = [...this.group.inlined, ...this.group.roots].map((id) => at(this.graph.nodes, id).op);
    return ops.length > 1 ? [...lines, `fused: ${ops.join(' ')}`] : lines;
  }

  /** Long reductions with few results are shared among lanes. */
  private chooseLanes(target: Target): number {
    if (target.lanes === 1) return 1;
    const outputs = count(at(this.graph.nodes, at(this.group.stores, 0).node).type.shape);
    const anchors = [...this.group.roots, ...this.group.inlined]
      .map((id) => at(this.graph.nodes, id))
      .filter((n) => n.op === 'contract' || n.op === 'reduce_sum' || n.op === 'reduce_max' || n.op === 'scatter_add');
    const [anchor] = anchors;
    if (!anchor || anchor.op === 'scatter_add' || anchors.length > 1 || outputs > FEW) return 1;
    // Only a reduction over the points of the kernel itself may be shared: every lane must reach it.
    return this.reductionExtent(anchor) >= LONG && count(anchor.type.shape) === outputs && !this.underGuard(anchor.id) ? target.lanes : 1;
  }

  private underGuard(anchor: NodeId): boolean {
    const guards = new Set<Node['op']>(['pad', 'concat']);
    const reaches = (id: NodeId): boolean => {
      if (id === anchor) return true;
      const node = at(this.graph.nodes, id);
      return !this.s.places.has(id) && node.inputs.some(reaches);
    };
    return this.graph.nodes.some((n) => guards.has(n.op) && n.inputs.some(reaches));
  }

  private reductionExtent(node: Node): number {
    return this.summedShape(node).reduce((a, b) => a * b, 1);
  }

  private summedShape(node: Node): number[] {
    const shape = (i: number): number[] => fixedShape(at(this.graph.nodes, at(node.inputs, i)).type.shape);
    if (node.op === 'contract') {
      const l = contractLabels(node.attrs.spec);
      return [...new Set(l.a + l.b)]
        .filter((c) => !l.out.includes(c))
        .map((c) => (l.a.includes(c) ? at(shape(0), l.a.indexOf(c)) : at(shape(1), l.b.indexOf(c))));
    }
    if (node.op === 'reduce_sum' || node.op === 'reduce_max') return node.attrs.axes.map((a) => at(shape(0), a));
    return [];
  }

  // --- statements -------------------------------------------------------------------------------------------------

  private inBlock(body: () => void): Stmt[] {
    const block = { body: [], memo: new Map<string, Expr>() };
    this.blocks.push(block);
    body();
    this.blocks.pop();
    return block.body;
  }

  private emit(s: Stmt): void {
    at(this.blocks, this.blocks.length - 1).body.push(s);
  }

  private fresh(prefix: string): string {
    return `${prefix}${this.names++}`;
  }

  private guarded(condition: Expr, body: () => void): void {
    this.emit({ kind: 'if', condition, body: this.inBlock(body) });
  }

  /** A variable that starts with a value. */
  private variable(prefix: string, start: Expr): Expr {
    const name = this.fresh(prefix);
    this.emit({ kind: 'var', name, value: start });
    return ref(start.type, name);
  }

  private store(st: Place & { readonly perStep: boolean }, value: Expr, position: ix.Index): void {
    const v = value.type === 'bool' ? call('i32', value) : value;
    const place = ix.toExpr(ix.add(position, ix.constant(st.offset)));
    const index = st.perStep ? ({ kind: 'tick', type: 'u32', name: 'slot' } as const) : place;
    this.emit({ kind: 'store', buffer: st.tensor, index, value: v });
  }

  // --- values -----------------------------------------------------------------------------------------------------

  /** The value of a node at an index, as an expression; statements that it needs are emitted before it. */
  private value(id: NodeId, index: readonly ix.Index[]): Expr {
    const node = at(this.graph.nodes, id);
    const place = this.s.places.get(id);
    const shared = (this.useCount.get(id) ?? 0) > 1 || this.group.roots.includes(id);
    const key = `${id}@${index.map(ix.showIndex).join()}`;
    for (let i = this.blocks.length - 1; i >= 0; i--) {
      const known = at(this.blocks, i).memo.get(key);
      if (known) return known;
    }
    const computed = place && !this.group.roots.includes(id) ? this.load(node, place, index) : this.compute(node, index);
    if (!shared || computed.kind === 'literal' || computed.kind === 'ref' || computed.kind === 'tick') return computed;
    const name = this.fresh(place ? 'x' : 'v');
    this.emit({ kind: 'let', name, value: computed });
    const result = ref(computed.type, name);
    at(this.blocks, this.blocks.length - 1).memo.set(key, result);
    return result;
  }

  private load(node: Node, place: Place, index: readonly ix.Index[]): Expr {
    const tensor = get(this.s.tensors, place.tensor, 'tensor');
    this.reads.add(tensor.name);
    const position = ix.add(ix.linear(index, fixedShape(node.type.shape)), ix.constant(place.offset));
    const value: Expr = { kind: 'load', type: tensor.dtype, buffer: tensor.name, index: ix.toExpr(position) };
    return node.type.dtype === 'bool' ? call('bool', value) : value;
  }

  private compute(node: Node, index: readonly ix.Index[]): Expr {
    if (isView(node) || node.op === 'concat') return this.view(node, index);
    const arg = (i: number): Expr => this.value(at(node.inputs, i), index);
    const type: ScalarType = node.type.dtype;
    switch (node.op) {
      case 'const':
        return literal(type, node.attrs.value);
      case 'scalar':
        return { kind: 'tick', type, name: safeName(node.attrs.name) };
      case 'iota':
        return call(type === 'f32' ? 'f32' : 'i32', ix.toExpr(at(index, node.attrs.axis)));
      case 'cast':
        return call(node.attrs.dtype, arg(0));
      case 'detach':
        return arg(0);
      case 'uniform': {
        const element = ix.toExpr(ix.linear(index, fixedShape(node.type.shape)));
        return call(
          'uniform',
          this.value(at(node.inputs, 0), []),
          literal('u32', node.attrs.stream),
          this.value(at(node.inputs, 1), []),
          element,
        );
      }
      case 'shuffle':
        return call(
          'shuffle',
          arg(0),
          literal('u32', node.attrs.n),
          this.value(at(node.inputs, 1), []),
          this.value(at(node.inputs, 2), []),
        );
      case 'gather': {
        const rank = at(this.graph.nodes, at(node.inputs, 1)).type.shape.length;
        const rows = fixedShape(at(this.graph.nodes, at(node.inputs, 0)).type.shape)[0] ?? 1;
        const row = this.row(at(node.inputs, 1), index.slice(0, rank), rows);
        return this.value(at(node.inputs, 0), [row, ...index.slice(rank)]);
      }
      case 'reduce_sum':
      case 'reduce_max':
        return this.reduce(node, index);
      case 'contract':
        return this.contract(node, index);
      case 'scatter_add':
        return this.scatter(node, index);
      default:
        if (isPointwise(node.op)) {
          const fn = FN[node.op] ?? (node.op as Fn);
          return call(fn, ...node.inputs.map((_, i) => arg(i)));
        }
        throw new CompilerBug(`${node.op} has no lowering`);
    }
  }

  /** An index that is data, kept inside so that no input can reach foreign memory. */
  private row(id: NodeId, index: readonly ix.Index[], rows: number): ix.Index {
    const value = this.value(id, index);
    const inside = call('u32', call('min', call('max', value, literal('i32', 0)), literal('i32', rows - 1)));
    const name = this.fresh('row');
    this.emit({ kind: 'let', name, value: inside });
    return ix.runtimeValue(ref('u32', name), name, rows - 1);
  }

  private view(node: Node, index: readonly ix.Index[]): Expr {
    const input = at(node.inputs, 0);
    const inShape = fixedShape(at(this.graph.nodes, input).type.shape);
    switch (node.op) {
      case 'reshape':
        return this.value(input, ix.delinear(ix.linear(index, fixedShape(node.type.shape)), inShape));
      case 'permute':
        return this.value(
          input,
          inShape.map((_, i) => at(index, node.attrs.perm.indexOf(i))),
        );
      case 'broadcast':
        return this.value(
          input,
          node.attrs.axes.map((a) => at(index, a)),
        );
      case 'slice':
        return this.value(
          input,
          index.map((v, i) => ix.add(v, ix.constant(at(node.attrs.start, i)))),
        );
      case 'pad':
        return this.pad(node, index, inShape);
      case 'concat':
        return this.concat(node, index);
      default:
        throw new CompilerBug(`${node.op} is not a view`);
    }
  }

  private zero(node: Node): Expr {
    return literal(node.type.dtype, 0);
  }

  /** Whether an index lies in [low, end): known while compiling, or a test for run time. */
  private between(v: ix.Index, low: number, end: number): Expr | 'always' | 'never' {
    const [min, max] = ix.range(v);
    if (max < low || min >= end) return 'never';
    const tests: Expr[] = [];
    if (min < low) tests.push(call('le', literal('u32', low), ix.toExpr(v)));
    if (max >= end) tests.push(call('lt', ix.toExpr(v), literal('u32', end)));
    return tests.length === 2 ? call('and', at(tests, 0), at(tests, 1)) : (tests[0] ?? 'always');
  }

  private pad(node: NodeOf<'pad'>, index: readonly ix.Index[], inShape: readonly number[]): Expr {
    const inner = index.map((v, i) => ix.add(v, ix.constant(-at(node.attrs.low, i))));
    const tests = index.map((v, i) => this.between(v, at(node.attrs.low, i), at(node.attrs.low, i) + at(inShape, i)));
    if (tests.includes('never')) return this.zero(node);
    const unknown = tests.filter((t) => typeof t !== 'string');
    if (unknown.length === 0) return this.value(at(node.inputs, 0), inner);
    const result = this.variable('p', this.zero(node));
    const condition = unknown.reduce((a, b) => call('and', a, b));
    this.guarded(condition, () => this.assign(result, this.value(at(node.inputs, 0), inner)));
    return result;
  }

  private concat(node: NodeOf<'concat'>, index: readonly ix.Index[]): Expr {
    const { axis } = node.attrs;
    const result = this.variable('c', this.zero(node));
    let from = 0;
    for (const input of node.inputs) {
      const size = fixedShape(at(this.graph.nodes, input).type.shape)[axis] ?? 0;
      const inner = index.map((v, i) => (i === axis ? ix.add(v, ix.constant(-from)) : v));
      const test = this.between(at(index, axis), from, from + size);
      if (test === 'always') return this.value(input, inner);
      if (test !== 'never') this.guarded(test, () => this.assign(result, this.value(input, inner)));
      from += size;
    }
    return result;
  }

  private assign(target: Expr, value: Expr): void {
    if (target.kind !== 'ref') throw new CompilerBug('only a variable can be assigned');
    this.emit({ kind: 'set', name: target.name, value });
  }

  /** Runs `body` for every index of a shape, in row-major order; shared among lanes where the kernel has them. */
  private loop(shape: readonly number[], body: (index: readonly ix.Index[]) => void): void {
    const total = shape.reduce((a, b) => a * b, 1);
    if (this.lanes > 1) {
      const name = this.fresh('k');
      const rounds = Math.ceil(total / this.lanes);
      const position = ix.add(ix.scale(ix.variable(name, rounds), this.lanes), ix.variable('lane', this.lanes));
      const inner = (): void => body(ix.delinear(position, shape));
      const ragged = total % this.lanes !== 0;
      const run = (): void => (ragged ? this.guarded(call('lt', ix.toExpr(position), literal('u32', total)), inner) : inner());
      this.emit({ kind: 'for', name, extent: rounds, body: this.inBlock(run) });
      return;
    }
    const nest = (axis: number, index: readonly ix.Index[]): void => {
      const extent = shape[axis];
      if (extent === undefined) return body(index);
      if (extent === 1) return nest(axis + 1, [...index, ix.ZERO]);
      const name = this.fresh('k');
      this.emit({ kind: 'for', name, extent, body: this.inBlock(() => nest(axis + 1, [...index, ix.variable(name, extent)])) });
    };
    nest(0, []);
  }

  private accumulate(
    start: Expr,
    fn: 'add' | 'max',
    shape: readonly number[],
    step: (acc: Expr, index: readonly ix.Index[]) => Expr,
  ): Expr {
    const acc = this.variable('acc', start);
    this.loop(shape, (k) => this.assign(acc, step(acc, k)));
    if (this.lanes > 1 && acc.kind === 'ref') this.emit({ kind: 'combine', name: acc.name, fn });
    return acc;
  }

  private reduce(node: NodeOf<'reduce_sum' | 'reduce_max'>, index: readonly ix.Index[]): Expr {
    const { axes } = node.attrs;
    const input = at(node.inputs, 0);
    const rank = at(this.graph.nodes, input).type.shape.length;
    const max = node.op === 'reduce_max';
    const start = literal(node.type.dtype, max ? (node.type.dtype === 'f32' ? LOWEST : -2147483648) : 0);
    return this.accumulate(start, max ? 'max' : 'add', this.summedShape(node), (acc, k) => {
      let kept = 0;
      const full = Array.from({ length: rank }, (_, i) => (axes.includes(i) ? at(k, axes.indexOf(i)) : at(index, kept++)));
      return call(max ? 'max' : 'add', acc, this.value(input, full));
    });
  }

  private contract(node: NodeOf<'contract'>, index: readonly ix.Index[]): Expr {
    const l = contractLabels(node.attrs.spec);
    const summed = [...new Set(l.a + l.b)].filter((c) => !l.out.includes(c));
    return this.accumulate(literal('f32', 0), 'add', this.summedShape(node), (acc, k) => {
      const pick = (labels: string): ix.Index[] =>
        [...labels].map((c) => (l.out.includes(c) ? at(index, l.out.indexOf(c)) : at(k, summed.indexOf(c))));
      return call('fma', this.value(at(node.inputs, 0), pick(l.a)), this.value(at(node.inputs, 1), pick(l.b)), acc);
    });
  }

  /** Each result looks for its updates: slower than atomics for large tables, and the same bits every time. */
  private scatter(node: NodeOf<'scatter_add'>, index: readonly ix.Index[]): Expr {
    const [rows, updates] = [at(node.inputs, 0), at(node.inputs, 1)];
    const row = call('i32', ix.toExpr(at(index, 0)));
    const acc = this.variable('acc', this.zero(node));
    this.loop(fixedShape(at(this.graph.nodes, rows).type.shape), (k) => {
      this.guarded(call('eq', this.value(rows, k), row), () =>
        this.assign(acc, call('add', acc, this.value(updates, [...k, ...index.slice(1)]))),
      );
    });
    return acc;
  }
}
