import { fail } from '../base/errors.ts';
import { hint } from '../base/suggest.ts';
import { DiagnosticSink } from '../base/diagnostics.ts';
import { parse } from '../parser/parse.ts';
import type { NumberExpr } from '../parser/ast.ts';
import { checkAgain, type OpenProgram } from './program.ts';

/** One net of a sweep: a program, and what it is trained with. */
export interface Variant {
  /** `lr 0.01, hidden 32` */
  readonly label: string;
  readonly program: OpenProgram;
  readonly batch: number | undefined;
  /** Settings of the optimizer. */
  readonly settings: Readonly<Record<string, number>>;
}

/** A setting and its values: `lr=[1e-3, 1e-2]`. */
interface Sweep {
  readonly name: string;
  readonly values: readonly string[];
}

function parseSweep(text: string): Sweep {
  const match = /^\s*(\w+)\s*=\s*\[([^\]]*)\]\s*$/.exec(text);
  const values = (match?.[2] ?? '').split(',').map((v) => v.trim());
  if (!match || values.some((v) => v === '' || !Number.isFinite(Number(v))))
    return fail('NN501', `--sweep takes a setting and its values, not '${text}'`, { help: 'write it as --sweep "lr=[1e-3, 3e-3, 1e-2]"' });
  return { name: match[1] ?? '', values };
}

/** All combinations of the values of several sweeps; without any, the program as it is. */
export function variantsOf(program: OpenProgram, sweeps: readonly string[]): Variant[] {
  const plain: Variant = { label: '', program, batch: undefined, settings: {} };
  return sweeps.map(parseSweep).reduce<Variant[]>(
    (all, { name, values }) =>
      all.flatMap((v) => {
        const change = changeOf(v.program, name);
        return values.map((value) => ({
          ...v,
          ...change(v, value),
          label: [v.label, `${name} ${value}`].filter((t) => t !== '').join(', '),
        }));
      }),
    [plain],
  );
}

/** What a value of a sweep changes: a `let` of the program, the batch, or a setting of the optimizer. */
function changeOf(program: OpenProgram, name: string): (v: Variant, value: string) => Partial<Variant> {
  const lets = numbersOf(program);
  const literal = lets.get(name);
  if (literal) return (v, value) => ({ program: withNumber(v.program, literal, value) });
  if (name === 'batch')
    return (_v, value) =>
      Number.isInteger(Number(value)) && Number(value) > 0
        ? { batch: Number(value) }
        : fail('NN501', `--sweep sets batch to ${value}, and it is a whole number from 1 on`);
  const { optim } = program.model;
  const numbers = Object.entries(optim?.settings ?? {}).filter(
    ([, v]) => typeof v === 'number' || (Array.isArray(v) && typeof v[0] === 'string'),
  );
  const known = optim?.settings[name];
  if (known === undefined || typeof known === 'boolean') {
    const names = [...lets.keys(), 'batch', ...numbers.map(([n]) => n)];
    return fail('NN501', `there is no '${name}' that --sweep could change`, {
      help: `${hint(name, names, 'it changes')}; a number of the program becomes one by a line such as: let hidden = 16`,
    });
  }
  return ({ settings }, value) =>
    Number(value) < 0
      ? fail('NN501', `--sweep sets ${name} to ${value}, and it cannot be negative`)
      : { settings: { ...settings, [name]: Number(value) } };
}

/** The numbers that the program's own lets name. */
function numbersOf({ source }: OpenProgram): ReadonlyMap<string, NumberExpr> {
  const found = new Map<string, NumberExpr>();
  for (const s of parse(source, new DiagnosticSink()).program.statements) {
    const [name, ...others] = s.kind === 'let' ? s.names : [];
    if (s.kind === 'let' && name && others.length === 0 && s.value.kind === 'number') found.set(name.text, s.value);
  }
  return found;
}

/** The program with another number in one place. */
function withNumber(program: OpenProgram, { span }: NumberExpr, value: string): OpenProgram {
  const { text } = program.source;
  return checkAgain(program, text.slice(0, span.start) + value + text.slice(span.end));
}
