import { existsSync } from 'node:fs';
import { UserError, fail } from '../../base/errors.ts';
import { gradcheck, TOLERANCE } from '../../gradcheck.ts';
import { hasData, openData, openProgram } from '../program.ts';
import { columns, print, showNumber } from '../terminal.ts';

export interface GradcheckFlags {
  readonly data?: string;
  readonly seed?: number;
}

/** Few examples are enough: the gradient is a sum over them. */
const ROWS = 5;

export async function gradcheckCommand(path: string, flags: GradcheckFlags): Promise<void> {
  const program = await openProgram(path);
  const { model } = program;
  const training =
    model.training ??
    fail('NN207', 'the program has no loss, so there is nothing to differentiate', { help: 'add a line such as: loss mse' });
  const data = hasData(program, flags.data, existsSync) ? await openData(program, flags.data) : undefined;
  const names = [...model.inputs, ...model.targets].map((i) => i.name);
  const given = data && new Map(names.map((n, i) => [n, data.tensors[i] ?? []] as const));
  const rows = Math.min(ROWS, data?.rows ?? ROWS);
  const results = gradcheck(model, training, { data: given, rows, seed: flags.seed ?? model.train.seed });
  print(
    columns([['parameter', 'checked', 'worst error'], ...results.map((r) => [r.param.name, String(r.checked), r.worst.toExponential(1)])]),
  );
  const wrong = results.filter((r) => !r.ok);
  if (wrong.length === 0) return print(`all ${results.length} gradients agree with float64 differences to ${TOLERANCE}`);
  throw new UserError(
    wrong.map((r) => ({
      code: 'NN701',
      severity: 'error',
      span: r.param.span,
      label: `the gradient of '${r.param.name}' is ${showNumber(r.symbolic)} at element ${r.element}, and differences give ${showNumber(r.numeric)}`,
      help: 'if the program uses only what the language offers, this is a bug in nnc: please report it',
    })),
  );
}
