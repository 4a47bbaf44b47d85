import { at } from '../base/errors.ts';
import { textOf } from '../base/source.ts';
import { sameShape, sameType, showShape, showType } from '../base/types.ts';
import type { NodeId } from '../ir/graph/types.ts';
import type * as A from '../parser/ast.ts';
import { broadcastShapes, broadcastTo } from './arithmetic.ts';
import type { Environment } from './environment.ts';
import type { Evaluation } from './evaluation.ts';
import { bodyOf, sequenceName, type Place } from './scan-body.ts';
import { Reported, describeValue, stage, tensor, type Flow, type Value } from './values.ts';

/** Arguments of `scan` that are no states. */
const OPTIONS = ['last', 'reverse'] as const;
const EXAMPLE = 'write scan(Linear(8, 16) + h -> tanh, h=zeros(16))';

/** One state of a loop, as the program gives it. */
interface Carried {
  readonly name: A.Name;
  readonly start: NodeId;
}

/**
 * `scan(F, h=start)`: lets every place of a sequence [B, T, ...] flow through F, from the first to the last. In F, `h` is what F gave at the
 * place before, at first `start`. Of several states F gives one value each, in their order; one more is its output, which otherwise is
 * the first state. The weights of F are the same at all places.
 */
export function scan(ev: Evaluation, e: A.CallExpr, env: Environment, flow: Flow): Value {
  const [first, ...others] = e.args;
  if (!first || first.name)
    return ev.fail('NN202', e.span, 'scan takes a stage, and then the states that it hands on from place to place', { help: EXAMPLE });
  const stray = others.find((a) => !a.name);
  if (stray) return ev.fail('NN202', stray.span, 'a state of scan has a name, by which the stage knows it', { help: EXAMPLE });
  const options = { last: false, reverse: false };
  const given: { readonly name: A.Name; readonly value: Value; readonly at: A.Expr }[] = [];
  for (const { name, value } of others) {
    if (!name) continue;
    const option = OPTIONS.find((o) => o === name.text);
    const v = ev.evaluate(value, env, flow);
    if (!option) given.push({ name, value: v, at: value });
    else if (v.kind === 'const' && typeof v.value === 'boolean') options[option] = v.value;
    else
      return ev.fail('NN204', value.span, `${option} is true or false, and this is ${describeValue(v)}`, { help: `write ${option}=true` });
  }
  return stage([
    {
      label: undefined,
      span: e.span,
      text: textOf(e.span).replace(/\s+/g, ' '),
      transparent: false,
      run(f, own, x) {
        const carried = given.map(({ name, value, at: where }) => ({ name, start: ev.tensorOf(value, where.span) }));
        return new Scan(ev, e, first.value, env, carried, options).run(x, { prefix: [...f.prefix, own], next: 0 });
      },
    },
  ]);
}

class Scan {
  private readonly ev: Evaluation;
  private readonly e: A.CallExpr;
  private readonly stage: A.Expr;
  private readonly env: Environment;
  private readonly carried: readonly Carried[];
  private readonly options: { readonly last: boolean; readonly reverse: boolean };

  constructor(
    ev: Evaluation,
    e: A.CallExpr,
    body: A.Expr,
    env: Environment,
    carried: readonly Carried[],
    options: { readonly last: boolean; readonly reverse: boolean },
  ) {
    this.ev = ev;
    this.e = e;
    this.stage = body;
    this.env = env;
    this.carried = carried;
    this.options = options;
  }

  run(x: Value, flow: Flow): Value {
    const { ev } = this;
    const { b, m } = ev;
    const stages = m.stages.length;
    const flowing = (x.kind === 'tuple' ? x.items : [x]).map((v) => ev.tensorOf(v, this.e.span));
    const sequences = flowing.map((id) => this.sequenceOf(id));
    const length = b.shape(at(sequences, 0))[0] as number;
    const other = sequences.findIndex((s) => b.shape(s)[0] !== length);
    if (other >= 0)
      return ev.fail(
        'NN203',
        this.e.span,
        `sequences of one scan have as many places each, and these have ${length} and ${String(b.shape(at(sequences, other))[0])}`,
      );
    const { place, starts } = this.settled(sequences, x.kind === 'tuple', flow);
    const states = this.carried.map(({ name }) => name.text);
    const { graph: body, operands, made } = bodyOf(m, place, states, sequences, length);
    const each = sequences.map((_, i) => sequenceName(i));
    const all = new Map([...each.map((name, i) => [name, at(sequences, i)] as const), ...operands]);
    const used = new Map([...all].filter(([name]) => body.nodes.some((n) => n.op === 'input' && n.attrs.name === name)));
    states.forEach((name, i) => used.set(name, at(starts, i)));
    // The table of stages counts all places.
    m.stages.forEach((s, i) => {
      if (i >= stages) m.stages[i] = { ...s, flops: s.flops * length };
    });
    const { last, reverse } = this.options;
    const loop = b.loop(body, used, { length, reverse, each: [...each, ...made].filter((name) => used.has(name)) });
    const [state] = this.carried;
    const own = place.results.length > this.carried.length || !state;
    if (last && !own) return tensor(loop.last(state.name.text));
    const outputs = loop.each('y');
    const shape = b.shape(outputs);
    if (last) {
      const end = reverse ? 0 : length - 1;
      const one = b.add('slice', [outputs], { start: shape.map((_, i) => (i === 0 ? end : 0)), size: [1, ...shape.slice(1)] });
      return tensor(b.reshape(one, shape.slice(1)));
    }
    const batched = typeof shape[1] === 'object';
    return tensor(batched ? b.permute(outputs, [1, 0, ...shape.slice(2).map((_, i) => i + 2)]) : outputs);
  }

  /** A sequence with its places on axis 0: behind the batch, if there is one. */
  private sequenceOf(id: NodeId): NodeId {
    const { b } = this.ev;
    const shape = b.shape(id);
    const axis = typeof shape[0] === 'object' ? 1 : 0;
    if (typeof shape[axis] !== 'number')
      return this.ev.fail('NN203', this.e.span, `scan takes a sequence [B, T, ...], and ${showShape(shape)} flows in`);
    return b.permute(id, [axis, ...shape.map((_, i) => i).filter((i) => i !== axis)]);
  }

  /** Lets the first place flow through F, with states that have the shapes which F gives them. */
  private settled(
    sequences: readonly NodeId[],
    several: boolean,
    flow: Flow,
  ): { readonly place: Place; readonly starts: readonly NodeId[] } {
    const { ev } = this;
    const { b, m } = ev;
    const batch = sequences.flatMap((s) => b.shape(s).filter((d) => typeof d === 'object'))[0];
    // A state is one for each example, unless F says otherwise; a single number becomes what F makes of it.
    let starts = this.carried.map(({ start }) => {
      const shape = b.shape(start);
      const own = batch !== undefined && shape.length > 0 && shape.every((d) => typeof d === 'number');
      return own ? broadcastTo(b, start, [batch, ...shape]) : start;
    });
    const own = new Set<string>();
    for (let round = 0; ; round++) {
      const before = { stages: m.stages.length, measures: m.measures.length, errors: m.errors };
      const next = { ...flow };
      const place = m.sharing(() => this.firstPlace(sequences, several, starts, next), own);
      // Another round would say them again.
      if (m.errors > before.errors) throw new Reported('scan');
      const wider = starts.map((s, i) => {
        const [from, to] = [b.type(s), b.type(at(place.results, i))];
        const { start } = at(this.carried, i);
        if (s !== start && sameType(to, b.type(start))) return start;
        const fits = from.dtype === to.dtype && sameShape(broadcastShapes(from.shape, to.shape) ?? [], to.shape);
        return sameType(from, to) || !fits ? s : broadcastTo(b, s, to.shape);
      });
      if (wider.every((s, i) => s === starts[i]) || round > 1) {
        starts.forEach((s, i) => {
          const [from, to] = [b.type(s), b.type(at(place.results, i))];
          const { text, span } = at(this.carried, i).name;
          if (!sameType(from, to))
            ev.fail('NN203', span, `'${text}' starts as ${showType(from)}, and ${showType(to)} comes out of the first place`, {
              help: 'a state keeps its shape: begin with one that fits, such as zeros(16)',
            });
        });
        flow.next = next.next;
        return { place, starts };
      }
      m.stages.length = before.stages;
      m.measures.length = before.measures;
      starts = wider;
    }
  }

  private firstPlace(sequences: readonly NodeId[], several: boolean, starts: readonly NodeId[], flow: Flow): Place {
    const { ev } = this;
    const { b, m } = ev;
    const leaves = new Map<NodeId, { readonly name: string; readonly op: 'input' | 'state' }>();
    const places = sequences.map((s, i) => {
      const shape = b.shape(s);
      const one = b.add('slice', [s], { start: shape.map(() => 0), size: [1, ...shape.slice(1)] });
      const id = b.add('reshape', [one], { shape: shape.slice(1) });
      leaves.set(id, { name: sequenceName(i), op: 'input' });
      return tensor(id);
    });
    const inside = this.env.child();
    this.carried.forEach(({ name }, i) => {
      const id = b.op('detach', at(starts, i));
      leaves.set(id, { name: name.text, op: 'state' });
      inside.define(name.text, tensor(id), name.span);
    });
    const mark = b.nodes.length;
    const [uses, results] = [m.uses.length, new Set(m.results.keys())];
    const f = ev.evaluate(this.stage, inside, flow);
    const x: Value = several ? { kind: 'tuple', items: places } : at(places, 0);
    const value = f.kind === 'stage' ? ev.apply(f, x, flow) : f;
    if (m.uses.length > uses)
      ev.fail('NN210', this.stage.span, 'a layer that updates running statistics cannot stand inside scan', {
        help: 'put it before or behind the scan, or use LayerNorm',
      });
    // What the stages inside give is different at every place.
    for (const name of m.results.keys()) if (!results.has(name)) m.results.delete(name);
    const items = value.kind === 'tuple' ? value.items : [value];
    const least = Math.max(1, this.carried.length);
    if (items.length !== least && items.length !== this.carried.length + 1)
      ev.fail(
        'NN204',
        this.stage.span,
        `this gives ${items.length} values, and scan has ${this.carried.length} state${this.carried.length === 1 ? '' : 's'}`,
        {
          help: 'give a value for each state, in their order, and perhaps one more as the output',
        },
      );
    return { leaves, results: items.map((v) => ev.tensorOf(v, this.stage.span)), mark };
  }
}
