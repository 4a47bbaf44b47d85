/** `import ... from 'nnc'`: compiles a program's text to a plan. Runs wherever JavaScript does. */
export { render, renderAll, type Diagnostic } from '../base/diagnostics.ts';
export { UserError } from '../base/errors.ts';
export type { Data } from '../library/data.ts';
export type { ModelInfo, TensorInfo } from '../library/describe.ts';
export { compile, type Files, type PlanOptions, type Program, type ProgramOptions } from '../library/program.ts';
export { formatText } from '../library/format-text.ts';
export { printsOf, type PrintOptions } from '../library/prints.ts';
export { dumpOf, STAGES, type StageName } from '../library/dumps.ts';
export { wordsOf, type Word, type WordKind } from '../library/words.ts';
export { stagesOf, type Stage } from '../library/stages.ts';
export { declarationsOf } from '../library/types.ts';
export type { Plan } from '../plan.ts';
