import { init } from 'z3-solver';
import { at } from '../../src/base/errors.ts';
import type { Graph, Node } from '../../src/ir/graph/types.ts';

/** Pointwise graphs as formulas of SMT-LIB, over the real numbers or over all float32 numbers with their infinities and NaN. */
export type Theory = 'real' | 'float32';

const REAL: Readonly<Record<string, string>> = { add: '+', sub: '-', mul: '*', div: '/', neg: '-', lt: '<', le: '<=', eq: '=' };
const FLOAT: Readonly<Record<string, string>> = {
  add: 'fp.add RNE',
  sub: 'fp.sub RNE',
  mul: 'fp.mul RNE',
  div: 'fp.div RNE',
  neg: 'fp.neg',
  lt: 'fp.lt',
  le: 'fp.leq',
  eq: 'fp.eq',
};
const SORT = { real: 'Real', float32: '(_ FloatingPoint 8 24)' } as const;

const literal = (value: number, theory: Theory): string => {
  const real = value < 0 ? `(- ${(-value).toFixed(6)})` : value.toFixed(6);
  return theory === 'real' ? real : `((_ to_fp 8 24) RNE ${real})`;
};

/** What an element of `out` is, in terms of those of the inputs at the same point. */
function formula(graph: Graph, theory: Theory): string {
  const of = (node: Node): string => {
    const args = node.inputs.map((i) => of(at(graph.nodes, i)));
    const op = (theory === 'real' ? REAL : FLOAT)[node.op];
    if (op !== undefined) return `(${op} ${args.join(' ')})`;
    switch (node.op) {
      case 'input':
        return node.attrs.name;
      case 'const':
        return literal(node.attrs.value, theory);
      case 'select':
        return `(ite ${args.join(' ')})`;
      case 'detach':
      case 'cast':
        return at(args, 0);
      case 'exp':
        return `(exp ${args.join(' ')})`;
      case 'pow': {
        const power = node.inputs[1] === undefined ? undefined : at(graph.nodes, node.inputs[1]);
        // A power of a whole number is a product, by definition.
        const times = power?.op === 'const' ? power.attrs.value : NaN;
        if (theory === 'real' && times === 1) return at(args, 0);
        if (theory === 'real' && times === 2) return `(* ${at(args, 0)} ${at(args, 0)})`;
        break;
      }
      default:
    }
    throw new Error(`${node.op} has no place in ${theory} formulas`);
  };
  const out = at(graph.nodes, graph.outputs['out'] ?? -1);
  // What a function is applied to is compared, not its results: an unknown one might tell zeros of two signs apart.
  return of(out.op === 'exp' ? at(graph.nodes, at(out.inputs, 0)) : out);
}

let z3: Awaited<ReturnType<typeof init>> | undefined;

/**
 * Whether two graphs of inputs x and y are equal for all values, or for those that `where` admits. Zeros of both signs are equal, and so
 * are all NaN.
 */
export async function provedEqual(before: Graph, after: Graph, theory: Theory, where = 'true'): Promise<string> {
  z3 ??= await init();
  const sort = SORT[theory];
  const [p, q] = [formula(before, theory), formula(after, theory)];
  const same = theory === 'real' ? `(= ${p} ${q})` : `(or (fp.eq ${p} ${q}) (and (fp.isNaN ${p}) (fp.isNaN ${q})))`;
  const { Solver } = z3.Context('main');
  const solver = new Solver();
  solver.fromString(
    `(declare-const x ${sort}) (declare-const y ${sort}) (declare-fun exp (${sort}) ${sort}) (assert ${where}) (assert (not ${same}))`,
  );
  const found = await solver.check();
  return found === 'unsat' ? 'proved' : `${found}: ${p} and ${q} ${found === 'sat' ? solver.model().sexpr() : ''}`;
}

/** Ends the solver's threads, or the process would wait for them. */
export function closeSolver(): void {
  (z3?.em as { PThread?: { terminateAllThreads(): void } } | undefined)?.PThread?.terminateAllThreads();
  z3 = undefined;
}
