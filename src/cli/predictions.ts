import type { About, Prediction } from '../runtime/api.ts';
import { probabilities } from '../runtime/probabilities.ts';
import { tokenizerOf } from '../runtime/tokens.ts';

/** One prediction in words: its class and how sure the model is of each, or numbers by name. */
export interface Told {
  readonly class?: string;
  readonly probabilities?: Readonly<Record<string, number>>;
  readonly numbers?: readonly number[];
}

/** What the model says about each example; with `logits`, its plain numbers. */
export function toldOf(prediction: Prediction, about: About, logits: boolean): Told[] {
  const { targets, vocabulary } = about;
  const { data, shape, names } = prediction;
  const rows = shape[0] ?? 0;
  const each = data.length / Math.max(1, rows);
  const shares = logits ? undefined : probabilities(prediction);
  const of = (values: Float32Array, row: number): Float32Array => values.subarray(row * each, (row + 1) * each);
  const width = shape.at(-1) ?? 1;
  return Array.from({ length: rows }, (_, row): Told => {
    if (!shares) return { numbers: [...of(data, row)] };
    const mine = of(shares, row);
    // Rows of classes at several places, as of a text, are told by their likeliest classes.
    if (each > width) {
      const best = likeliest(mine, width);
      const tokenizer = vocabulary && tokenizerOf(about);
      return { class: tokenizer ? best.map(tokenizer.decode).join('') : best.map((i) => names?.[i] ?? String(i)).join(' ') };
    }
    if (prediction.meaning === 'sigmoid' || prediction.meaning === 'none') {
      if (width > 1) return { probabilities: Object.fromEntries([...mine].map((p, i) => [names?.[i] ?? String(i), p])) };
      const [no = '0', yes = '1'] = targets[0]?.classes ?? [];
      const p = mine[0] ?? NaN;
      return { class: p > 0.5 ? yes : no, probabilities: { [no]: 1 - p, [yes]: p } };
    }
    return {
      class: likeliest(mine, width).map((i) => names?.[i] ?? String(i))[0] ?? '',
      probabilities: Object.fromEntries([...mine].map((p, i) => [names?.[i] ?? String(i), p])),
    };
  });
}

/** The likeliest class at each place. */
function likeliest(shares: Float32Array, width: number): number[] {
  return Array.from({ length: shares.length / width }, (_, i) => {
    const row = shares.subarray(i * width, (i + 1) * width);
    return row.indexOf(row.reduce((a, b) => Math.max(a, b), -Infinity));
  });
}

/** Classes that a line of text shows. */
const SHOWN = 3;

const percent = (p: number): string => `${(100 * p).toFixed(1)} %`;

/** `setosa 97.3 %  (virginica 2.1 %, versicolor 0.6 %)` */
export function lineOf(told: Told): string {
  if (told.numbers) return told.numbers.map((v) => Number(v.toPrecision(7))).join(',');
  const all = Object.entries(told.probabilities ?? {}).sort(([, a], [, b]) => b - a);
  if (told.class === undefined) return all.map(([name, p]) => `${name} ${percent(p)}`).join('  ');
  const others = all.filter(([name]) => name !== told.class).slice(0, SHOWN - 1);
  const mine = told.probabilities?.[told.class];
  // A text stays on its line.
  if (mine === undefined) return told.class.replace(/\r?\n/g, '\\n');
  return `${told.class} ${percent(mine)}${others.length ? `  (${others.map(([name, p]) => `${name} ${percent(p)}`).join(', ')})` : ''}`;
}

/** A row of a table of predictions. */
export function recordOf(told: Told, targets: About['targets']): Readonly<Record<string, string | number>> {
  const { numbers, probabilities: shares, class: name } = told;
  const columns = targets.length === 1 ? (targets[0]?.columns ?? []) : [];
  if (numbers)
    return Object.fromEntries(
      numbers.map((v, i) => [columns.length === numbers.length ? (columns[i] ?? '') : numbers.length === 1 ? 'pred' : `pred${i}`, v]),
    );
  return {
    ...(name === undefined ? {} : { class: name }),
    ...Object.fromEntries(Object.entries(shares ?? {}).map(([n, p]) => [`p(${n})`, p])),
  };
}
