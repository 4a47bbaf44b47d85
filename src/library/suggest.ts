import { mustBe, mustBeOptions } from '../base/calls.ts';
import { columnName } from '../base/column-name.ts';
import { DATES_HELP } from '../base/date-like.ts';
import { fail } from '../base/errors.ts';
import { numberIn, widthOf } from '../base/learned.ts';
import { hint } from '../base/suggest.ts';
import { BATCH } from '../base/types.ts';
import { fitColumn } from '../data/columns.ts';
import { readTable } from '../data/dataset.ts';
import type { Needs } from '../data/needs.ts';
import { RowSet, type Reader } from '../data/reader.ts';
import { isWords, type Cells, type Table } from '../data/table.ts';
import { mustBeBytes } from './calls.ts';
import { NUMBERS_ROWS, holdsDates, isQuantity, useless } from './suggest-columns.ts';
import { isUnclear, judgeTarget } from './suggest-target.ts';

/** A program for a table, and what was decided about its columns. */
export interface Suggestion {
  readonly text: string;
  readonly target: string;
  readonly kind: 'classes' | 'numbers';
  /** Columns that are not used, each with the reason. */
  readonly leftOut: readonly { readonly column: string; readonly why: string }[];
  /** What else is to be known about the columns. */
  readonly remarks: readonly string[];
}

export interface SuggestOptions {
  /** The column that the model tells; the last one by default. */
  readonly target?: string | undefined;
  /** Columns that hold words though they look like numbers or gaps. */
  readonly words?: readonly string[] | undefined;
}

/**
 * Writes a first program for a table (CSV, TSV, JSON or JSON lines): every useful column is an input, and the last one, or `target`, is what
 * the model tells. `path` is how the program names the file.
 */
export function suggestProgram(path: string, bytes: Uint8Array, options: SuggestOptions = {}): Suggestion {
  mustBe(typeof path === 'string', 'the path of a table is a text', path);
  mustBeBytes(bytes);
  mustBeOptions('suggestProgram', options);
  const steps = suggesting(path, options);
  for (let step = steps.next(); ;) {
    if (step.done) return step.value;
    step = steps.next(readTable(path, bytes, step.value));
  }
}

/** Whether a table has decimal commas. */
const hasDecimalCommas = (plain: Table): boolean => plain.columns.some((c) => hasCommas(plain.cells(c)));

/** Whether what looks like words are numbers with decimal commas. */
const hasCommas = ({ words }: Cells): boolean =>
  words.some((w) => numberIn(w) === undefined) && words.every((w) => numberIn(w, { comma: true }) !== undefined);

/** The same for whoever reads the table: it asks for it several times, read in different ways. */
export function* suggesting(path: string, options: SuggestOptions = {}): Generator<Needs, Suggestion, Table> {
  const told = options.words ?? [];
  const simple: Needs = { inputs: [], targets: [], ...(told.length > 0 ? { words: told } : {}) };
  const plain = yield simple;
  for (const column of told)
    if (!plain.columns.includes(column))
      fail('NN302', `${path} has no column '${column}'`, { help: hint(column, plain.columns, 'it has') });
  const comma = hasDecimalCommas(plain);
  const how = comma ? { ...simple, comma } : simple;
  const dated = yield { ...how, dates: true };
  const undated = comma ? yield how : plain;
  const days = dated.columns.filter((c) => hasDates(undated, dated, c));
  const dates = days.length > 0;
  const table = dates ? dated : undated;
  const target = options.target ?? table.columns.at(-1) ?? '';
  if (!table.columns.includes(target)) fail('NN302', `${path} has no column '${target}'`, { help: hint(target, table.columns, 'it has') });
  const goal = table.cells(target);
  if (goal.missing.length === table.rows)
    fail('NN301', `column '${target}' of ${path} is empty`, { help: 'choose another one with --target' });
  const found = table.columns.filter((c) => c !== target).map((column) => ({ column, why: useless(table, column, days.includes(column)) }));
  const kept = keptCounter(table, found);
  const inputs = found.filter((f) => f.why === undefined || f.column === kept).map((f) => f.column);
  const remarks = [
    ...(kept === undefined ? [] : [`${kept} numbers the rows, and is an input since it may tell more than that`]),
    ...inputs.filter((c) => holdsDates(table.cells(c))).map((c) => `${c} is read as words; ${DATES_HELP}`),
  ];
  const without = found.flatMap(({ column, why }) => (why === undefined || column === kept ? [] : [{ column, why }]));
  if (inputs.length === 0)
    fail('NN302', `${path} has no column to tell '${target}' from${without.map((l) => `; ${l.column}: ${l.why}`).join('')}`, {
      help: 'choose another target',
    });
  const gaps = [...inputs, target].some((c) => table.cells(c).missing.length > 0);
  const settings = {
    ...(told.length > 0 ? { words: told } : {}),
    ...(gaps ? { missing: 'flag' as const } : {}),
    ...(dates ? { dates } : {}),
    ...(comma ? { comma } : {}),
  };
  const reader: Reader = {
    path,
    table,
    needs: { inputs: [{ name: 'x', type: { dtype: 'f32', shape: [BATCH, 1] } }], targets: [], ...settings },
    dropped: new RowSet(table.rows),
    remarks: [],
  };
  const width = inputs.reduce((n, c) => n + widthOf(fitColumn(reader, c, 'f32', undefined)), 0);
  const {
    classes,
    words: asWords,
    remarks: more,
  } = judgeTarget(reader, target, goal, isUnclear(goal) ? (yield { ...how, words: [...told, target] }).cells(target) : undefined);
  // The others are not read by the program.
  const words = [...told.filter((c) => inputs.includes(c) || c === target), ...(asWords ? [target] : [])];
  const kind = classes === undefined ? 'numbers' : 'classes';
  const hidden = table.rows < 2000 ? 32 : 64;
  const share = table.rows < 5000 ? 0.8 : 0.9;
  const batch = table.rows < 200 ? 16 : table.rows < 20_000 ? 32 : 128;
  const flags = [
    'normalize',
    ...(kind === 'numbers' ? ['normalize_target'] : []),
    ...(gaps ? ['missing=flag'] : []),
    ...(words.length > 0 ? [`words=[${words.map(columnName).join(', ')}]`] : []),
    ...(dates ? ['dates'] : []),
    ...(comma ? ['decimal=comma'] : []),
  ];
  const epochs = Math.max(20, Math.min(200, Math.ceil(2_000_000 / table.rows)));
  const lines = [
    `# Tells ${kind === 'classes' ? 'the class' : 'the number'} '${target}' from ${inputs.length} column${inputs.length === 1 ? '' : 's'} of ${path}.`,
    `data  "${path}" x=[${inputs.map(columnName).join(', ')}] y=${columnName(target)} ${flags.join(' ')} split=${share}`,
    `layer Linear(${width}, ${hidden}) -> relu -> Linear(${hidden}, ${hidden}) -> relu -> Linear(${hidden}, ${classes ?? 1})`,
    ...(kind === 'classes' ? ['loss  cross_entropy', 'metric accuracy', 'metric f1'] : ['loss  mse', 'metric mae', 'metric r2']),
    `optim adamw lr=cosine(0.003, warmup=20) weight_decay=0.01`,
    `train epochs=${epochs} batch=${batch} shuffle seed=1 early_stop=20`,
  ];
  const leftOut = without.map(({ column, why }) => ({
    column,
    // It counts for one number: a column without gaps gets no input that flags them.
    why: why === NUMBERS_ROWS ? `${why}; to keep it, add ${columnName(column)} to x=[...], and write Linear(${width + 1}, ${hidden})` : why,
  }));
  return { text: `${lines.join('\n')}\n`, target, kind, leftOut, remarks: [...remarks, ...more] };
}

/** The column that numbers the rows and is an input all the same: nothing else is left, or it is the only quantity. */
function keptCounter(table: Table, found: readonly { readonly column: string; readonly why: string | undefined }[]): string | undefined {
  const inputs = found.filter((f) => f.why === undefined);
  const counters = found.filter((f) => f.why === NUMBERS_ROWS).map((f) => f.column);
  const quantity = counters.find(isQuantity);
  if (inputs.length === 0) return quantity ?? counters.at(-1);
  return inputs.every((f) => isWords(table.cells(f.column))) ? quantity : undefined;
}

function hasDates(plain: Table, dated: Table, column: string): boolean {
  const [a, b] = [plain.cells(column), dated.cells(column)];
  return isWords(a) && !isWords(b) && a.words.every((w) => numberIn(w, { dates: true }) !== undefined);
}
