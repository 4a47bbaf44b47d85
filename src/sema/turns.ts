import type { DiagnosticSink } from '../base/diagnostics.ts';
import type * as A from '../parser/ast.ts';
import type { Optim, TurnInfo } from './model.ts';
import { optimOf } from './optim.ts';
import type { Walked } from './walk.ts';

/**
 * Several losses, each with its own optimizer, in source order: a step makes an update for the first loss, then one for the second with the
 * updated parameters, and so on. Each optimizer lists what it trains: `optim adam params=[gen]`.
 */

const optimsOf = (program: A.Program): A.OptimStatement[] => program.statements.filter((s) => s.kind === 'optim');
const lossesOf = (program: A.Program): A.LossStatement[] => program.statements.filter((s) => s.kind === 'loss');

/** Whether a file has several losses and as many optimizers. */
export function takesTurns(program: A.Program): boolean {
  const n = optimsOf(program).length;
  return n > 1 && lossesOf(program).length === n;
}

/** The output for loss `i` after the first. */
export const turnOutput = (i: number): string => `turn:${i + 1}`;

export function turnsOf(program: A.Program, walked: Walked, first: Optim | undefined, sink: DiagnosticSink): TurnInfo[] {
  if (!takesTurns(program)) return [];
  const { params } = walked.m;
  const statements = optimsOf(program);
  const all = [first, ...statements.slice(1).map((s) => optimOf(s, walked.env, params, sink))];
  const taken = new Map<string, string>();
  all.forEach((optim, i) => {
    const s = statements[i];
    if (!optim || !s) return;
    if (!optim.trains)
      sink.error('NN202', s.span, `there are ${all.length} optimizers, and this one does not say what it trains`, {
        help: `name stages or parameters: optim ${s.name.text} params=[...]`,
      });
    for (const name of optim.trains ?? []) {
      if (taken.has(name))
        sink.error('NN208', s.span, `'${name}' is trained by another optimizer already`, { help: 'a parameter has one optimizer' });
      taken.set(name, optim.name);
    }
  });
  const precision = program.statements.find((s) => s.kind === 'precision');
  if (precision?.name.text === 'f16')
    sink.error('NN212', precision.span, 'f16 with several optimizers is not there yet', { help: 'take the line away' });
  return walked.turns.flatMap(({ name }, i) => {
    const optim = all[i + 1];
    return optim ? [{ optim, loss: name, output: turnOutput(i) }] : [];
  });
}
