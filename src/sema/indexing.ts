import { at } from '../base/errors.ts';
import { showShape, type Dim } from '../base/types.ts';
import type { NodeId } from '../ir/graph/types.ts';
import type * as A from '../parser/ast.ts';
import { arrayOf, type Const } from './constants.ts';
import type { Environment } from './environment.ts';
import type { Evaluation } from './evaluation.ts';
import { table } from './functions.ts';
import { lift } from './stages.ts';
import { constant, tensor, type Flow, type Value } from './values.ts';

/** What one item of `x[...]` means for an axis. */
type Choice =
  | { readonly kind: 'all' }
  | { readonly kind: 'new' }
  | { readonly kind: 'place'; readonly at: number }
  | { readonly kind: 'range'; readonly from: number | undefined; readonly to: number | undefined; readonly step: number }
  /** Integer indices; `listed` are those known at compile time. */
  | { readonly kind: 'rows'; readonly index: NodeId; readonly listed: Listed | undefined };

type Listed = ReturnType<typeof arrayOf>;

type Item = Choice & { readonly span: A.IndexItem['span'] };

/** `x[0, 1:9:2]`, `x[..., 0]`, `x[:, None]`, `table[tokens]`, as in NumPy and PyTorch. */
export function index(ev: Evaluation, e: A.IndexExpr, env: Environment, flow: Flow): Value {
  const v = ev.evaluate(e.value, env, flow);
  const number = (x: A.Expr | undefined): number | undefined => {
    if (!x) return undefined;
    const n = ev.evaluate(x, env, flow);
    if (n.kind !== 'const' || typeof n.value !== 'number' || !Number.isInteger(n.value))
      return ev.fail('NN204', x.span, 'an index is a whole number');
    return n.value;
  };
  if (v.kind === 'tuple') {
    const [only] = e.items;
    if (only?.kind !== 'place' || e.items.length !== 1)
      return ev.fail('NN204', e.span, `these are ${v.items.length} values, and one of them is chosen by a number`);
    return v.items.at(number(only.from) ?? 0) ?? ev.fail('NN206', e.span, `there are ${v.items.length} values`);
  }
  // An element of a list that is known may be a size.
  const [only] = e.items;
  if (v.kind === 'const' && Array.isArray(v.value) && e.items.length === 1 && only?.kind === 'place' && only.from) {
    const place = ev.evaluate(only.from, env, flow);
    const found =
      place.kind === 'const' && Number.isInteger(place.value) ? (v.value as readonly Const[]).at(place.value as number) : undefined;
    if (found !== undefined) return constant(found);
  }
  const items = e.items.map((item): Item | 'rest' => {
    const { span } = item;
    if (item.kind === 'rest') return 'rest';
    if (item.kind === 'range') {
      const [from, to, step = 1] = [number(item.from), number(item.to), number(item.step)];
      if (step === 0) return ev.fail('NN206', span, 'a step is a whole number other than 0');
      return from === undefined && to === undefined && step === 1 ? { kind: 'all', span } : { kind: 'range', from, to, step, span };
    }
    if (!item.from) return ev.fail('NN204', span, 'an index is missing here', { help: 'write : for a whole axis' });
    if (item.from.kind === 'name' && item.from.name === 'None' && !env.has('None')) return { kind: 'new', span };
    const place = ev.evaluate(item.from, env, flow);
    if (place.kind === 'const' && typeof place.value === 'number') return { kind: 'place', at: number(item.from) ?? 0, span };
    return { kind: 'rows', index: rows(ev, place, span), listed: place.kind === 'const' ? arrayOf(place.value) : undefined, span };
  });
  return lift(ev, [v], e.span, ([x]) => tensor(choose(ev, e, ev.tensorOf(x ?? v, e.value.span), items)));
}

/** Indices that are values: integers, computed or listed. */
function rows(ev: Evaluation, v: Value, span: A.Expr['span']): NodeId {
  const id = ev.tensorOf(v, span);
  const { dtype } = ev.b.type(id);
  if (dtype === 'bool')
    return ev.fail('NN204', span, 'a comparison does not choose places: how many it finds is not known while compiling', {
      help: 'where(condition, a, b) keeps the shape',
    });
  // A list of integers is accepted although numbers are floats.
  const listed = v.kind === 'const' && [v.value].flat(9).every((n) => typeof n === 'number' && Number.isInteger(n));
  if (dtype !== 'i32' && !listed)
    return ev.fail('NN204', span, 'an index is whole numbers', { help: 'int(x) makes them of numbers, and an input may be int' });
  return ev.b.cast(id, 'i32');
}

function choose(ev: Evaluation, e: A.IndexExpr, x: NodeId, given: readonly (Item | 'rest')[]): NodeId {
  const { b } = ev;
  const shape = b.shape(x);
  const named = given.filter((item) => item !== 'rest' && item.kind !== 'new').length;
  if (named > shape.length)
    return ev.fail('NN203', e.span, `${showShape(shape)} has ${shape.length} ${shape.length === 1 ? 'axis' : 'axes'}`);
  if (given.filter((item) => item === 'rest').length > 1) return ev.fail('NN206', e.span, "'...' may stand once");
  const filler = Array.from({ length: shape.length - named }, (): Item => ({ kind: 'all', span: e.span }));
  const items = (given.includes('rest') ? given : [...given, 'rest' as const]).flatMap((item) => (item === 'rest' ? filler : [item]));
  const byRows = items.filter((item) => item.kind === 'rows');
  if (byRows.length > 1)
    return ev.fail('NN212', at(byRows, 1).span, 'one axis is indexed by values at a time', { help: 'index the result again' });

  let y = x;
  const kept: Dim[] = [];
  let rowAxis = -1;
  let axis = 0;
  for (const item of items) {
    if (item.kind === 'new') {
      kept.push(1);
      continue;
    }
    const d = at(b.shape(y), axis);
    if (item.kind === 'rows') rowAxis = kept.length;
    if (item.kind === 'place' || item.kind === 'range') {
      if (typeof d !== 'number') return ev.fail('NN203', item.span, 'the batch axis is taken whole', { help: 'write : for it' });
      y = part(ev, y, axis, d, item, shape);
      if (item.kind === 'range') kept.push(at(b.shape(y), axis));
    } else kept.push(d);
    axis++;
  }
  y = b.reshape(y, kept);
  const [chosen] = byRows;
  return chosen?.kind === 'rows' ? gathered(ev, y, rowAxis, chosen) : y;
}

/** One index or a range of an axis of known size. */
function part(ev: Evaluation, x: NodeId, axis: number, d: number, item: Item & { kind: 'place' | 'range' }, whole: readonly Dim[]): NodeId {
  const { b } = ev;
  const wrap = (n: number): number => (n < 0 ? n + d : n);
  if (item.kind === 'range' && item.step < 0) return backwards(ev, x, axis, d, item, whole);
  const from = item.kind === 'place' ? wrap(item.at) : Math.max(0, wrap(item.from ?? 0));
  const to = item.kind === 'place' ? from + 1 : Math.min(d, wrap(item.to ?? d));
  if (from < 0 || from >= d || to <= from) return ev.fail('NN206', item.span, `${showShape(whole)} has ${d} places on axis ${axis}`);
  const shape = b.shape(x);
  const y = b.add('slice', [x], {
    start: shape.map((_, i) => (i === axis ? from : 0)),
    size: shape.map((s, i) => (i === axis ? to - from : s)),
  });
  if (item.kind === 'place' || item.step === 1) return y;
  // Windows of one element, `step` apart.
  const windows = b.add('window', [y], { axis, size: 1, stride: item.step, dilation: 1 });
  return b.reshape(windows, b.shape(windows).slice(0, -1));
}

/** A range with a negative step: takes the elements in ascending order, then reverses them. */
function backwards(ev: Evaluation, x: NodeId, axis: number, d: number, item: Item & { kind: 'range' }, whole: readonly Dim[]): NodeId {
  const wrap = (n: number): number => (n < 0 ? n + d : n);
  const [from, to] = [Math.min(d - 1, wrap(item.from ?? d - 1)), item.to === undefined ? -1 : Math.max(-1, wrap(item.to))];
  const steps = Math.ceil((to - from) / item.step) - 1;
  if (steps < 0 || from < 0) return ev.fail('NN206', item.span, `${showShape(whole)} has ${d} places on axis ${axis}`);
  const rising: Item & { kind: 'range' } = { ...item, from: from + steps * item.step, to: from + 1, step: -item.step };
  return ev.b.add('flip', [part(ev, x, axis, d, rising, whole)], { axes: [axis] });
}

/** Makes negative indices count from the end. Indices known at compile time must be in range. */
function fromFront(ev: Evaluation, n: number, { index, listed, span }: Rows): NodeId {
  const { b } = ev;
  if (!listed) return b.op('select', b.op('lt', index, b.like(0, index)), b.op('add', index, b.like(n, index)), index);
  const outside = listed.data.find((v) => v < -n || v >= n);
  if (outside !== undefined) return ev.fail('NN206', span, `there is no place ${outside} on an axis of ${n}`);
  if (listed.data.every((v) => v >= 0)) return index;
  const wrapped = listed.data.map((v) => (v < 0 ? v + n : v));
  return b.cast(table(b, wrapped, listed.shape), 'i32');
}

type Rows = Extract<Item, { readonly kind: 'rows' }>;

/** Gathers along an axis by an index of any shape, whose axes replace that axis. */
function gathered(ev: Evaluation, x: NodeId, axis: number, given: Rows): NodeId {
  const { b } = ev;
  const { span } = given;
  const shape = b.shape(x);
  const n = shape[axis];
  if (typeof n !== 'number') return ev.fail('NN203', span, 'the batch axis is taken whole', { help: 'write : for it' });
  const index = fromFront(ev, n, given);
  const places = b.shape(index);
  if ([shape, places].every((s) => s.some((d) => typeof d !== 'number')))
    return ev.fail('NN203', span, 'each example would choose from all examples', {
      help: 'gather(x, index, dim=1) chooses from its own',
    });
  const rest = shape.map((_, i) => i).filter((i) => i !== axis);
  const found = b.op('gather', b.permute(x, [axis, ...rest]), index);
  const first = places.length;
  // [index..., rest...] -> rest before the axis, index, rest after it.
  const others = rest.map((_, i) => first + i);
  const order = [...others.slice(0, axis), ...places.map((_, i) => i), ...others.slice(axis)];
  return b.permute(found, order);
}
