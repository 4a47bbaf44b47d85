import { at } from '../base/errors.ts';
import { textOf } from '../base/source.ts';
import { sameShape, sameType, showShape, showType, type Dim } from '../base/types.ts';
import { GraphBuilder } from '../ir/graph/builder.ts';
import { isFree, isView, recordOf } from '../ir/graph/ops.ts';
import type { Graph, NodeId } from '../ir/graph/types.ts';
import type * as A from '../parser/ast.ts';
import { broadcastShapes, broadcastTo } from './arithmetic.ts';
import type { Environment } from './environment.ts';
import type { Evaluation } from './evaluation.ts';
import { lifted, type Lifted } from './lift.ts';
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

/** The first place of a loop, from which the body is made. */
interface Place {
  /** What F reads: places of the sequence, and states. */
  readonly leaves: ReadonlyMap<NodeId, { readonly name: string; readonly op: 'input' | 'state' }>;
  readonly results: readonly NodeId[];
  /** The first node of F. */
  readonly mark: NodeId;
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
    const { body, operands, made } = this.bodyOf(place, sequences, length);
    const each = sequences.map((_, i) => `x${i}`);
    each.forEach((name, i) => operands.set(name, at(sequences, i)));
    this.carried.forEach(({ name }, i) => operands.set(name.text, at(starts, i)));
    const used = new Map([...operands].filter(([name]) => body.nodes.some((n) => 'name' in n.attrs && n.attrs.name === name)));
    for (const { name } of this.carried)
      used.set(
        name.text,
        at(
          starts,
          this.carried.findIndex((c) => c.name === name),
        ),
      );
    // The table of stages counts all places.
    m.stages.forEach((s, i) => {
      if (i >= stages) m.stages[i] = { ...s, flops: s.flops * length };
    });
    const { last, reverse } = this.options;
    const loop = b.loop(body, used, { length, reverse, each: [...each, ...made].filter((name) => used.has(name)) });
    const [state] = this.carried;
    const own = place.results.length > this.carried.length || !state;
    if (last && !own) return tensor(loop.last(state.name.text));
    const all = loop.each('y');
    const shape = b.shape(all);
    if (last) {
      const end = reverse ? 0 : length - 1;
      const one = b.add('slice', [all], { start: shape.map((_, i) => (i === 0 ? end : 0)), size: [1, ...shape.slice(1)] });
      return tensor(b.reshape(one, shape.slice(1)));
    }
    const batched = typeof shape[1] === 'object';
    return tensor(batched ? b.permute(all, [1, 0, ...shape.slice(2).map((_, i) => i + 2)]) : all);
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
      leaves.set(id, { name: `x${i}`, op: 'input' });
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

  /** The graph of one place, and what it reads of the graph around it. What does not depend on the place stays outside. */
  private bodyOf(
    { leaves, results, mark }: Place,
    sequences: readonly NodeId[],
    length: number,
  ): {
    readonly body: Graph;
    readonly operands: Map<string, NodeId>;
    /** Sequences that are made for the loop. */
    readonly made: readonly string[];
  } {
    const { b, m } = this.ev;
    const changes = new Set<NodeId>(leaves.keys());
    // What is known of all places before the loop begins: it depends on no state, and on nothing drawn.
    const early = new Map<NodeId, NodeId | undefined>();
    let i = 0;
    for (const [id, { op }] of leaves) if (op === 'input') early.set(id, sequences[i++]);
    for (const node of b.nodes.slice(mark)) {
      if (node.op !== 'uniform' && !node.inputs.some((i) => changes.has(i))) continue;
      changes.add(node.id);
      if (node.op !== 'uniform' && node.inputs.every((i) => early.has(i) || !changes.has(i))) early.set(node.id, undefined);
    }
    /** A value of all places, computed before the loop. */
    const before = (id: NodeId): NodeId | undefined => {
      const known = early.get(id);
      if (known !== undefined || !early.has(id)) return known;
      const node = b.node(id);
      const operands = node.inputs.map((i) => (changes.has(i) ? { id: before(i), places: true } : { id: i, places: false }));
      if (operands.some((o) => o.id === undefined)) return undefined;
      const all = b.within(node, () => lifted(b, node, operands as readonly Lifted[], length));
      if (all === undefined) early.delete(id);
      else early.set(id, all);
      return all;
    };
    const sequencesMade: string[] = [];
    const body = new GraphBuilder('scan');
    const operands = new Map<string, NodeId>();
    const made = new Map<NodeId, NodeId>();
    const copy = (id: NodeId): NodeId => {
      const known = made.get(id);
      if (known !== undefined) return known;
      const node = b.node(id);
      const { name, loc, type } = node;
      const leaf = leaves.get(id);
      // Products that need no state are one large product before the loop.
      const all = changes.has(id) && !leaf && recordOf(node).sum ? before(id) : undefined;
      let to: NodeId;
      if (all !== undefined) {
        const own = `x${sequences.length + sequencesMade.length}`;
        sequencesMade.push(own);
        operands.set(own, all);
        to = body.add('input', [], { name: own }, type);
      } else if (leaf) to = body.add(leaf.op, [], { name: leaf.name }, type);
      else if (node.op === 'uniform' && changes.has(id)) {
        // Every place draws numbers of its own.
        const draw = `x${sequences.length + sequencesMade.length}`;
        sequencesMade.push(draw);
        operands.set(draw, m.random([length, ...(type.shape as readonly Dim[])]));
        to = body.add('input', [], { name: draw }, type);
      } else if (changes.has(id) || isFree(node) || isView(node))
        to = body.add(node.op, node.inputs.map(copy), node.attrs, type, { name, loc });
      else {
        const own = `v${operands.size}`;
        operands.set(own, id);
        to = body.add('input', [], { name: own }, type);
      }
      made.set(id, to);
      return to;
    };
    // States are declared even if F does not read them.
    for (const [id, { op }] of leaves) if (op === 'state') copy(id);
    const copied = results.map(copy);
    this.carried.forEach(({ name }, i) => body.writes.push({ state: name.text, value: at(copied, i) }));
    body.outputs['y'] = at(copied, copied.length > this.carried.length ? copied.length - 1 : 0);
    return { body: body.graph(), operands, made: sequencesMade };
  }
}
