import { readFileSync, readdirSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { gradient } from '../../src/autodiff/gradient.ts';
import { at } from '../../src/base/errors.ts';
import { renderAll } from '../../src/base/diagnostics.ts';
import { distance } from '../../src/verify/run-graph.ts';
import { check } from '../../src/compile.ts';
import { GraphBuilder } from '../../src/ir/graph/builder.ts';
import type { Graph, NodeId } from '../../src/ir/graph/types.ts';
import { cse, dce } from '../../src/passes/graph/cleanup.ts';
import { simplify } from '../../src/passes/graph/simplify.ts';
import { evaluate } from '../../src/reference/evaluate.ts';
import { LAYERS } from '../../src/sema/layers/registry.ts';
import { LOSSES } from '../../src/sema/losses/registry.ts';
import { DEVICES } from '../support/devices.ts';
import { News } from '../support/news.ts';
import { runGraph } from '../support/run-graph.ts';

/**
 * PyTorch's numbers for the whole catalogue: values, first and second derivatives, at random places and at a table of edge
 * places. `npm run parity` writes `values/` from `cases/`; how a case is written stands in `scripts/parity/generate.py`.
 */
interface Case {
  readonly name: string;
  readonly nn: string;
  readonly torch: string;
  readonly edge?: 1 | 2;
  readonly inputs?: Readonly<Record<string, { readonly int?: number; readonly constant?: boolean }>>;
  readonly params?: Readonly<Record<string, readonly number[]>>;
  /** How far a device may be off, where 1e-4 of the largest element is not enough, and why. */
  readonly device?: { readonly tolerance: number; readonly why: string };
  /** Elements of edge results where nnc gives something else on purpose: `first.w`, places in the table, and why. */
  readonly differs?: readonly {
    readonly what: string;
    readonly at: readonly number[];
    readonly on?: 'devices' | 'reference';
    readonly why: string;
  }[];
}

type Stored = number | 'nan' | 'inf' | '-inf';
interface Results {
  readonly y: readonly Stored[];
  readonly first?: Readonly<Record<string, readonly Stored[]>>;
  readonly second?: Readonly<Record<string, readonly Stored[]>>;
}
interface Value extends Results {
  readonly case: Case;
  readonly given: Readonly<Record<string, { readonly shape: readonly number[]; readonly data: readonly number[] }>>;
  readonly places: readonly (readonly Stored[])[];
  readonly f64: Results;
  readonly f32: Results;
}

const read = <T>(path: string): T => JSON.parse(readFileSync(`test/parity/${path}`, 'utf8')) as T;
const files = readdirSync('test/parity/cases').sort();
const values = files.flatMap((f) => read<Value[]>(`values/${f}`));
const number = (v: Stored): number => (v === 'nan' ? NaN : v === 'inf' ? Infinity : v === '-inf' ? -Infinity : v);
const weights = (n: number): number[] => Array.from({ length: n }, (_, i) => 0.5 + ((i * 7) % 11) / 16);

/** The names under which a case's results stand in the graph, with PyTorch's numbers. */
const resultsOf = (r: Results): [string, readonly number[]][] => [
  ['y', r.y.map(number)],
  ...(['first', 'second'] as const).flatMap((order) =>
    Object.entries(r[order] ?? {}).map(([name, v]): [string, readonly number[]] => [`${order}.${name}`, v.map(number)]),
  ),
];

interface Given {
  readonly shape: readonly number[];
  readonly data: readonly number[];
}

interface Built {
  readonly graph: Graph;
  readonly state: Map<string, ArrayLike<number>>;
  readonly inputs: Map<string, ArrayLike<number>>;
}

/** Numbers as a list of lists. */
function listed(data: readonly number[], shape: readonly number[]): string {
  const [n = 1, ...rest] = shape;
  if (rest.length === 0) return `[${data.join(', ')}]`;
  const size = data.length / n;
  return `[${Array.from({ length: n }, (_, i) => listed(data.slice(i * size, (i + 1) * size), rest)).join(', ')}]`;
}

/** The case as a program, with outputs `y`, `first.NAME` and `second.NAME`. Results weigh their elements where `weigh` is set. */
function build(c: Case, given: Readonly<Record<string, Given>>, results: Results, weigh: boolean): Built {
  const own = Object.keys(c.params ?? {});
  const lines = Object.entries(given).flatMap(([name, g]) =>
    own.includes(name)
      ? []
      : c.inputs?.[name]?.int !== undefined
        ? [`let ${name} = int(${listed(g.data, g.shape)})`]
        : c.inputs?.[name]?.constant
          ? [`let ${name} = ${listed(g.data, g.shape)}`]
          : [`param ${name}: [${g.shape.join(', ')}] = ones`],
  );
  const { script, diagnostics } = check({ name: 'case.nn', text: `${lines.join('\n')}\nlet y = ${c.nn}\nprint y\n` });
  if (!script) throw new Error(renderAll(diagnostics));
  const b = new GraphBuilder('case', { ...script.graph, outputs: {} });
  const y = script.graph.outputs['print:0:0'] ?? -1;
  const state = new Map<string, ArrayLike<number>>();
  const leaves = new Map<string, NodeId>();
  // A parameter of a layer is called by the end of its dotted name.
  const nameOf = (path: string): string | undefined => Object.keys(given).find((n) => path === n || path.endsWith(`.${n}`));
  for (const p of script.params) {
    const name = nameOf(p.name);
    const value = name === undefined ? undefined : given[name];
    if (name === undefined || !value) throw new Error(`the case does not say what ${p.name} [${p.shape.join(', ')}] is`);
    expect(p.shape, p.name).toEqual(value.shape);
    state.set(p.name, value.data);
    const node = script.graph.nodes.find((n) => n.op === 'param' && n.attrs.name === p.name);
    if (node) leaves.set(name, node.id);
  }
  const inputs = new Map<string, ArrayLike<number>>();
  const total = (parts: readonly NodeId[]): NodeId =>
    parts
      .map((x) => {
        const shape = b.shape(x) as number[];
        const n = shape.reduce((p, d) => p * d, 1);
        if (!weigh)
          return b.sum(
            x,
            shape.map((_, i) => i),
          );
        inputs.set(`c${n}`, weights(n));
        const c = b.add('input', [], { name: `c${n}` }, { dtype: 'f32', shape: [n] });
        return b.sum(b.op('mul', b.reshape(x, [n]), c), [0]);
      })
      .reduce((p, q) => b.op('add', p, q));
  b.outputs['y'] = y;
  const wanted = (order: 'first' | 'second'): string[] => Object.keys(results[order] ?? {});
  const id = (name: string): NodeId => leaves.get(name) ?? -1;
  const orders = { first: () => total([y]), second: () => total(wanted('first').map((n) => b.outputs[`first.${n}`] ?? -1)) };
  for (const order of ['first', 'second'] as const) {
    const names = wanted(order);
    if (names.length === 0) break;
    gradient(b, orders[order](), names.map(id)).forEach((g, i) => {
      b.outputs[`${order}.${names[i] ?? ''}`] = g;
    });
  }
  return { graph: dce(b.graph()), state, inputs };
}

const news = { cpu: new News('cpu'), gpu: new News('gpu') };

const SCALARS = { step: 0, seed: 0, total: 1 };
const random = values.filter((v) => v.case.edge === undefined);
const edge = values.filter((v) => v.case.edge !== undefined);
const titled = (all: readonly Value[]): (Value & { title: string; i: number })[] =>
  all.map((v, i) => ({ ...v, i, title: `${i}: ${v.case.nn}` }));

describe("PyTorch's catalogue", () => {
  it('has the numbers of every case (npm run parity)', () => {
    for (const f of files)
      expect(
        read<Value[]>(`values/${f}`).map((v) => v.case),
        f,
      ).toEqual(read<Case[]>(`cases/${f}`));
  });

  it('has a case for every layer, function and loss', () => {
    const names = new Set(values.map((v) => v.case.name));
    expect([...Object.keys(LAYERS), ...Object.keys(LOSSES)].filter((n) => !names.has(n) && !(n in ELSEWHERE))).toEqual([]);
  });

  it.each(titled(random))('$title', async (v) => {
    const { graph, state, inputs } = build(v.case, v.given, v, true);
    const all = evaluate(graph, { inputs, state, scalars: SCALARS });
    const wanted = resultsOf(v);
    for (const [name, want] of wanted) expect(distance(all(graph.outputs[name] ?? -1).data, want), name).toBeLessThan(1e-8);
    const clean = dce(cse(simplify(graph)));
    const tolerance = v.case.device?.tolerance ?? 1e-4;
    for (const device of DEVICES) {
      if (!news[device].in(clean)) continue;
      const got = await runGraph(clean, 1, device, { inputs, state });
      for (const [name, want] of wanted)
        expect(distance(got.outputs.get(name) ?? [], want), `${name} on ${device}`).toBeLessThan(tolerance);
    }
  });

  it.each(titled(edge))('$title at the edges', async (v) => {
    const names = ['w', 'v'].slice(0, v.case.edge);
    const given = Object.fromEntries(names.map((n, i) => [n, { shape: [at(v.places, i).length], data: at(v.places, i).map(number) }]));
    const { graph, state, inputs } = build(v.case, given, v.f64, false);
    const all = evaluate(graph, { inputs, state, scalars: SCALARS });
    const where = (i: number): string => names.map((n, k) => `${n} = ${String(v.places[k]?.[i])}`).join(', ');
    const except = (what: string, i: number, devices: boolean): boolean =>
      v.case.differs?.some(
        (d) => (d.what === what || d.what === '*') && d.at.includes(i) && (d.on === undefined || (d.on === 'devices') === devices),
      ) ?? false;
    const wrong: string[] = [];
    const compare = (what: string, got: ArrayLike<number>, want: readonly number[], relative: number, on: string): void =>
      want.forEach((w, i) => {
        const g = got[i] ?? NaN;
        const finite = v.places.every((p) => typeof p[i] === 'number');
        const none = v.places.some((p) => p[i] === 'nan');
        // Where a function has no value it has no derivative; second derivatives are asked for where the place and the answer are numbers.
        if (what !== 'y' && (none || Number.isNaN(number(at(v.f64.y, i))))) return;
        if (what.startsWith('second') && !finite) return;
        // Where PyTorch's derivative is none though the value is a number, another answer is as right.
        if (what !== 'y' && Number.isNaN(w)) return;
        const near = g === w || (Number.isFinite(w) && Math.abs(g - w) <= relative * Math.abs(w) + relative * 1e-2);
        const same = near || (Number.isNaN(g) && Number.isNaN(w));
        if (!same && !except(what, i, on !== 'reference'))
          wrong.push(`${what} at ${where(i)} [${i}] is ${g} on the ${on}, and PyTorch has ${w}`);
      });
    for (const [name, want] of resultsOf(v.f64)) compare(name, all(graph.outputs[name] ?? -1).data, want, 1e-9, 'reference');
    const clean = dce(cse(simplify(graph)));
    for (const device of DEVICES) {
      const got = await runGraph(clean, 1, device, { inputs, state });
      for (const [name, want] of resultsOf(v.f32)) compare(name, got.outputs.get(name) ?? [], want, 1e-4, device);
    }
    expect(wrong).toEqual([]);
  });
});

/** Entries whose numbers are compared with PyTorch's in another test, or that PyTorch does not have. */
const DRAWN = 'its numbers are drawn, and PyTorch draws others: test/sema/dropout.test.ts counts them';
const ELSEWHERE: Readonly<Record<string, string>> = {
  spectral_norm: 'test/sema/spectral-norm.test.ts',
  Dropout: DRAWN,
  Dropout1d: DRAWN,
  Dropout2d: DRAWN,
  Dropout3d: DRAWN,
  AlphaDropout: DRAWN,
  FeatureAlphaDropout: DRAWN,
  ...Object.fromEntries(['RandomHorizontalFlip', 'RandomVerticalFlip', 'RandomCrop'].map((n) => [n, 'test/sema/augment.test.ts'])),
  ...Object.fromEntries(['rand_like', 'randn_like', 'bernoulli', 'gumbel_softmax'].map((n) => [n, 'test/sema/random.test.ts'])),
};
