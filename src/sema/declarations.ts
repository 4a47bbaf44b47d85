import type { DiagnosticSink } from '../base/diagnostics.ts';
import { hint } from '../base/suggest.ts';
import { BATCH } from '../base/types.ts';
import type { NodeId } from '../ir/graph/types.ts';
import type * as A from '../parser/ast.ts';
import { evalConst } from './constants.ts';
import type { Environment } from './environment.ts';
import type { Evaluation } from './evaluation.ts';
import type { InputInfo } from './model.ts';
import { startOf } from './starts.ts';

const INPUT_DTYPES = { int: 'i32', float: 'f32' } as const;

/** `input x: [28, 28]`, `target y: int[]` */
export function inputOf(s: A.InputStatement, scope: Environment, sink: DiagnosticSink): InputInfo | undefined {
  if (s.kind === 'input' && s.name.text === 'target') {
    sink.error('NN205', s.name.span, "'target' is what the loss compares with", { help: 'give the input another name' });
    return undefined;
  }
  const kind = s.dtype?.text ?? 'float';
  if (!Object.hasOwn(INPUT_DTYPES, kind)) {
    sink.error('NN204', s.dtype?.span ?? s.span, `'${kind}' is not a type of input`, {
      help: hint(kind, Object.keys(INPUT_DTYPES), 'types'),
    });
    return undefined;
  }
  const dims: number[] = [];
  for (const e of s.dims) {
    const v = evalConst(e, scope, sink);
    if (typeof v === 'number' && Number.isInteger(v) && v > 0) dims.push(v);
    else if (v !== undefined)
      sink.error('NN206', e.span, 'a size is a whole number above 0', { help: 'leave the batch away: it is always the first axis' });
  }
  return dims.length === s.dims.length
    ? { name: s.name.text, type: { dtype: INPUT_DTYPES[kind as 'int'], shape: [BATCH, ...dims] } }
    : undefined;
}

/** `param scale: [64] = ones`, `param x = 3.0`; in a block its name is prefixed by the block's. */
export function paramOf(s: A.ParamStatement, ev: Evaluation, env: Environment, sink: DiagnosticSink, prefix: readonly string[]): NodeId {
  const path = [...prefix, s.name.text].join('.');
  const dims = s.dims.map((d) => evalConst(d, env, sink));
  const bad = s.dims.find((_, i) => !(typeof dims[i] === 'number' && Number.isInteger(dims[i]) && (dims[i] as number) > 0));
  if (bad) return ev.fail('NN206', bad.span, 'a size is a whole number above 0');
  const { shape, init } = startOf(s, dims as number[], ev, env, sink);
  return ev.m.param(path, shape, init, s.span, 'param');
}
