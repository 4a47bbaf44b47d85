import { isRecord, mustBe, mustBeOptions } from '../base/calls.ts';
import { mustBeText } from './calls.ts';
import { type Diagnostic, userError } from '../base/diagnostics.ts';
import { fail } from '../base/errors.ts';
import type { Source } from '../base/source.ts';
import { check, compile as compileModel, type Checked } from '../compile.ts';
import { compileForText } from './text-plan.ts';
import type { Compiled, CompileOptions } from '../planning/options.ts';
import { checkWhole } from '../base/whole.ts';
import type { Plan } from '../plan.ts';
import type { Model, Script } from '../sema/model.ts';
import { dataOf, type Data } from './data.ts';
import { checkOptions } from './plan-options.ts';
import { describe, type ModelInfo } from './describe.ts';

/** The texts of imported files, by the paths in programs, or a function that returns them. */
export type Files = Readonly<Record<string, string>> | ((path: string) => string | undefined);

export interface ProgramOptions {
  /** The program's name in messages; `program.nn` by default. */
  readonly name?: string | undefined;
  readonly files?: Files | undefined;
}

export interface PlanOptions extends Pick<
  CompileOptions,
  'devices' | 'adapter' | 'level' | 'batch' | 'steps' | 'epochs' | 'seed' | 'maxMemory' | 'watch' | 'resident' | 'predictions' | 'observe'
> {
  /** The training data: what `readData` returned, or arrays by name. Without data and without `rows`, the plan can only predict. */
  readonly data?: Data | Readonly<Record<string, ArrayLike<number>>> | undefined;
  /** For models of text: plans to generate, so that `generate` of the runtime can go on from a text. */
  readonly generate?: boolean | undefined;
  /** The number of training examples, if the data comes later. */
  readonly rows?: number | undefined;
  /** The most examples that the model can hold. With it you can set any number up to this, and add more during training. */
  readonly capacity?: number | undefined;
}

/** Reads and checks a program. Never throws for errors in the text: `diagnostics` lists them, with places. */
export function compile(text: string, options: ProgramOptions = {}): Program {
  mustBeText(text);
  mustBeOptions('compile', options);
  const { name = 'program.nn', files } = options;
  mustBe(typeof name === 'string', 'the name of a program is a text', name);
  mustBe(files === undefined || typeof files === 'function' || isRecord(files), "'files' is an object of texts, or a function", files);
  const find = (path: string): string | undefined =>
    typeof files === 'function' ? files(path) : files && Object.hasOwn(files, path) ? files[path] : undefined;
  const source: Source = { name, text };
  return new Program(
    source,
    check(source, (path) => {
      const found = find(path);
      return found === undefined ? 'no such file was given' : { name: path, text: found };
    }),
  );
}

/** A program that was read and checked. */
export class Program {
  /** Errors and warnings; `render` shows each with its place in the text. */
  readonly diagnostics: readonly Diagnostic[];
  /** The description of the model; undefined if there are errors or no model. */
  readonly model: ModelInfo | undefined;
  readonly source: Source;
  private readonly checked: Checked;

  constructor(source: Source, checked: Checked) {
    this.source = source;
    this.checked = checked;
    this.diagnostics = checked.diagnostics;
    this.model = checked.model && describe(checked.model);
  }

  /** The compiler's model; throws a `UserError` with the diagnostics if there is none. */
  get checkedModel(): Model {
    const { model, diagnostics } = this.checked;
    if (model) return model;
    if (diagnostics.some((d) => d.severity === 'error')) throw userError(diagnostics);
    return fail('NN207', `${this.source.name} has print lines and no model`, { help: 'a model is a line such as: layer Linear(1, 1)' });
  }

  /** The `print` lines, with the model if there is one; throws a `UserError` with the diagnostics if something is wrong. */
  get checkedScript(): { readonly script: Script; readonly model: Model | undefined } {
    const { script, model, diagnostics } = this.checked;
    if (!script) throw userError(diagnostics);
    return { script, model };
  }

  /** Compiles for devices and data. Throws a `UserError` if the data does not fit or the program cannot do what is asked. */
  plan(options: PlanOptions = {}): Plan {
    mustBeOptions('program.plan', options);
    const { generate, ...rest } = options;
    checkOptions({ generate });
    return generate ? compileForText(this.checkedModel, this.settingsOf(rest)) : this.compiled(rest).plan;
  }

  /** The plan with the programs that its code was made from, for dumps. */
  compiled(options: Omit<PlanOptions, 'generate'> = {}): Compiled {
    return compileModel(this.checkedModel, this.settingsOf(options));
  }

  private settingsOf(options: Omit<PlanOptions, 'generate'>): CompileOptions {
    checkOptions(options);
    const { data: given, rows, capacity, ...rest } = options;
    const data = given === undefined ? undefined : dataOf(this, given);
    checkWhole({ capacity: data?.rows ?? rows ?? 1 }, { capacity });
    return {
      ...rest,
      rows: capacity ?? data?.rows ?? rows,
      capacity: capacity !== undefined,
      holdout: data?.holdout?.rows,
      statistics: data?.statistics,
      names: { ...data?.names, program: this.source.text },
    };
  }
}
