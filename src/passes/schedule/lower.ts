import { CompilerBug, at, get } from '../../base/errors.ts';
import { fixedShape } from '../../base/types.ts';
import { contractLabels } from '../../ir/graph/ops.ts';
import { isPointwise, type PointwiseOp } from '../../ir/graph/pointwise.ts';
import type { Graph, Node, NodeId, NodeOf } from '../../ir/graph/types.ts';
import { call, depth, literal, ref } from '../../ir/kernel/build.ts';
import * as ix from '../../ir/kernel/index-math.ts';
import type { Buffer, Expr, Fn, Kernel, ScalarType } from '../../ir/kernel/types.ts';
import { BlockWriter } from './block-writer.ts';
import { chooseLanes, summedShape } from './lanes.ts';
import { about, kernelName } from './naming.ts';
import { safeName } from './schedule.ts';
import type { Group, Place, Schedule } from './types.ts';
import { isView } from './uses.ts';

/** What a target can do with one point of a kernel. */
export interface Target {
  /** Lanes that may share a long reduction; 1 where there are no workgroups. */
  readonly lanes: number;
}

const LOWEST = -3.4028234663852886e38;
/** Writes a group as a kernel. */
export function lowerGroup(s: Schedule, group: Group, index: number, target: Target): Kernel {
  return new Lowering(s, group, target).kernel(index);
}

/** Pointwise operations that are one function of the kernel IR. */
const FN: Partial<Readonly<Record<PointwiseOp, Fn>>> = { idiv: 'div' };

/** Deeper expressions get names in between: shader compilers bound how deep they nest. */
const MAX_DEPTH = 24;

class Lowering {
  private readonly graph: Graph;
  private readonly reads = new Set<string>();
  private readonly out = new BlockWriter();
  private readonly useCount = new Map<NodeId, number>();
  private readonly lanes: number;
  private readonly s: Schedule;
  private readonly group: Group;

  constructor(s: Schedule, group: Group, target: Target) {
    this.s = s;
    this.group = group;
    this.graph = s.graph;
    for (const node of s.graph.nodes) for (const i of node.inputs) this.useCount.set(i, (this.useCount.get(i) ?? 0) + 1);
    this.lanes = chooseLanes(s, group, target.lanes);
  }

  kernel(index: number): Kernel {
    const { stores } = this.group;
    const first = at(this.graph.nodes, at(stores, 0).node);
    const shape = fixedShape(first.type.shape);
    const axes = shape.map((extent, i) => ({ name: `i${i}`, extent })).filter((a) => a.extent > 1);
    const point = shape.map((extent, i) => ix.variable(`i${i}`, extent));
    const body = this.out.inBlock(() => {
      // All values are computed before anything is stored, so that state may be written in place.
      const values = stores.map((st) => (st.from ? this.load(at(this.graph.nodes, st.node), st.from, point) : this.value(st.node, point)));
      const write = (): void => stores.forEach((st, i) => this.store(st, at(values, i), ix.linear(point, shape)));
      if (this.lanes === 1) write();
      else this.out.guarded(call('eq', ref('u32', 'lane'), literal('u32', 0)), write);
    });
    const written = new Set(stores.map((st) => st.tensor));
    const buffers = [...new Set([...this.reads, ...written])].sort().map((name): Buffer => {
      const t = get(this.s.tensors, name, 'tensor');
      return { name, type: t.dtype, size: t.size, access: written.has(name) ? (this.reads.has(name) ? 'update' : 'write') : 'read' };
    });
    return {
      name: kernelName(this.graph, this.group, index),
      about: about(this.graph, this.group),
      buffers,
      axes,
      lanes: this.lanes,
      body,
    };
  }

  private store(st: Place & { readonly perStep: boolean }, value: Expr, position: ix.Index): void {
    const v = value.type === 'bool' ? call('i32', value) : value;
    const place = ix.toExpr(ix.add(position, ix.constant(st.offset)));
    const index = st.perStep ? ({ kind: 'tick', type: 'u32', name: 'slot' } as const) : place;
    this.out.emit({ kind: 'store', buffer: st.tensor, index, value: v });
  }

  /** The value of a node at an index, as an expression; statements that it needs are emitted before it. */
  private value(id: NodeId, index: readonly ix.Index[]): Expr {
    const node = at(this.graph.nodes, id);
    const place = this.s.places.get(id);
    const shared = (this.useCount.get(id) ?? 0) > 1 || this.group.roots.includes(id);
    const key = `${id}@${index.map(ix.showIndex).join()}`;
    const known = this.out.recall(key);
    if (known) return known;
    const computed = place && !this.group.roots.includes(id) ? this.load(node, place, index) : this.compute(node, index);
    if (!shared && depth(computed) <= MAX_DEPTH) return computed;
    if (computed.kind === 'literal' || computed.kind === 'ref' || computed.kind === 'tick') {
      this.out.remember(key, computed);
      return computed;
    }
    const result = this.out.define(place ? 'x' : 'v', computed);
    this.out.remember(key, result);
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
      case 'unwindow':
        return this.unwindow(node, index);
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
    const row = this.out.define('row', inside);
    return ix.runtimeValue(row, row.kind === 'ref' ? row.name : '', rows - 1);
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
      case 'window': {
        const { axis, stride, dilation } = node.attrs;
        const place = ix.add(ix.scale(at(index, axis), stride), ix.scale(at(index, index.length - 1), dilation));
        return this.value(
          input,
          inShape.map((_, i) => (i === axis ? place : at(index, i))),
        );
      }
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
    const outside = literal(node.type.dtype, node.attrs.value);
    if (tests.includes('never')) return outside;
    const unknown = tests.filter((t) => typeof t !== 'string');
    if (unknown.length === 0) return this.value(at(node.inputs, 0), inner);
    const result = this.out.variable('p', outside);
    const condition = unknown.reduce((a, b) => call('and', a, b));
    this.out.guarded(condition, () => this.out.assign(result, this.value(at(node.inputs, 0), inner)));
    return result;
  }

  private concat(node: NodeOf<'concat'>, index: readonly ix.Index[]): Expr {
    const { axis } = node.attrs;
    const result = this.out.variable('c', this.zero(node));
    let from = 0;
    for (const input of node.inputs) {
      const size = fixedShape(at(this.graph.nodes, input).type.shape)[axis] ?? 0;
      const inner = index.map((v, i) => (i === axis ? ix.add(v, ix.constant(-from)) : v));
      const test = this.between(at(index, axis), from, from + size);
      if (test === 'always') return this.value(input, inner);
      if (test !== 'never') this.out.guarded(test, () => this.out.assign(result, this.value(input, inner)));
      from += size;
    }
    return result;
  }

  private accumulate(
    start: Expr,
    fn: 'add' | 'max',
    shape: readonly number[],
    step: (acc: Expr, index: readonly ix.Index[]) => Expr,
  ): Expr {
    const acc = this.out.variable('acc', start);
    this.out.loopOver(shape, this.lanes, (k) => this.out.assign(acc, step(acc, k)));
    if (this.lanes > 1 && acc.kind === 'ref') this.out.emit({ kind: 'combine', name: acc.name, fn });
    return acc;
  }

  private reduce(node: NodeOf<'reduce_sum' | 'reduce_max'>, index: readonly ix.Index[]): Expr {
    const { axes } = node.attrs;
    const input = at(node.inputs, 0);
    const rank = at(this.graph.nodes, input).type.shape.length;
    const max = node.op === 'reduce_max';
    const start = literal(node.type.dtype, max ? (node.type.dtype === 'f32' ? LOWEST : -2147483648) : 0);
    return this.accumulate(start, max ? 'max' : 'add', summedShape(this.graph, node), (acc, k) => {
      let kept = 0;
      const full = Array.from({ length: rank }, (_, i) => (axes.includes(i) ? at(k, axes.indexOf(i)) : at(index, kept++)));
      return call(max ? 'max' : 'add', acc, this.value(input, full));
    });
  }

  /** Looks, for each place, through the windows that cover it. */
  private unwindow(node: NodeOf<'unwindow'>, index: readonly ix.Index[]): Expr {
    const { axis, stride, dilation } = node.attrs;
    const input = at(node.inputs, 0);
    const inShape = fixedShape(at(this.graph.nodes, input).type.shape);
    const places = at(inShape, axis);
    const acc = this.out.variable('acc', this.zero(node));
    this.out.loopOver([at(inShape, inShape.length - 1)], this.lanes, ([k = ix.ZERO]) => {
      // The window's place is (p - k dilation) / stride: only where that is a whole number of places.
      const shift = ix.scale(k, dilation);
      const p = at(index, axis);
      const within = call('le', ix.toExpr(shift), ix.toExpr(p));
      this.out.guarded(within, () => {
        const offset = ix.add(p, ix.scale(shift, -1));
        const from = this.out.define('q', ix.toExpr(offset));
        const name = from.kind === 'ref' ? from.name : '';
        const position = ix.runtimeValue(from, name, Math.max(1, ix.range(p)[1]));
        const place = ix.div(position, stride);
        const tests = [call('lt', ix.toExpr(place), literal('u32', places))];
        if (stride > 1) tests.push(call('eq', ix.toExpr(ix.mod(position, stride)), literal('u32', 0)));
        this.out.guarded(
          tests.reduce((a, b) => call('and', a, b)),
          () => {
            const full = [...index.map((v, i) => (i === axis ? place : v)), k];
            this.out.assign(acc, call('add', acc, this.value(input, full)));
          },
        );
      });
    });
    return acc;
  }

  private contract(node: NodeOf<'contract'>, index: readonly ix.Index[]): Expr {
    const l = contractLabels(node.attrs.spec);
    const summed = [...new Set(l.a + l.b)].filter((c) => !l.out.includes(c));
    return this.accumulate(literal('f32', 0), 'add', summedShape(this.graph, node), (acc, k) => {
      const pick = (labels: string): ix.Index[] =>
        [...labels].map((c) => (l.out.includes(c) ? at(index, l.out.indexOf(c)) : at(k, summed.indexOf(c))));
      return call('fma', this.value(at(node.inputs, 0), pick(l.a)), this.value(at(node.inputs, 1), pick(l.b)), acc);
    });
  }

  /** Each result looks for its updates: slower than atomics for large tables, and the same bits every time. */
  private scatter(node: NodeOf<'scatter_add'>, index: readonly ix.Index[]): Expr {
    const [rows, updates] = [at(node.inputs, 0), at(node.inputs, 1)];
    const row = call('i32', ix.toExpr(at(index, 0)));
    const acc = this.out.variable('acc', this.zero(node));
    this.out.loopOver(fixedShape(at(this.graph.nodes, rows).type.shape), this.lanes, (k) => {
      this.out.guarded(call('eq', this.value(rows, k), row), () =>
        this.out.assign(acc, call('add', acc, this.value(updates, [...k, ...index.slice(1)]))),
      );
    });
    return acc;
  }
}
