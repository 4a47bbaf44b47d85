import { reject } from './labels.ts';
import type { Needs, Numbers } from './needs.ts';

/** Labels of a tensor as the numbers of classes, and the names of these where they are not counted from 0. */
export interface NumberedLabels {
  readonly values: Numbers;
  readonly names?: readonly string[];
  readonly remark?: string;
}

/** Labels that are not counted from 0, such as 1 to 10, are classes in their order, as in tables. */
export function numberedLabels(path: string, values: Int32Array, target: Needs['targets'][number], needs: Needs): NumberedLabels {
  const { classes, ignored, shown } = target;
  const known = needs.known?.classes[shown];
  const numbered = known?.every((name) => /^-?\d+$/.test(name)) ? known : undefined;
  if (classes === undefined || (needs.known && !numbered)) return { values };
  const found = new Set<number>();
  for (const v of values) if (v !== ignored) found.add(v);
  const labels = numbered?.map(Number) ?? [...found].sort((a, b) => a - b);
  const strange = [...found].find((v) => !labels.includes(v));
  if (strange !== undefined) reject(needs, 'NN306', `${path} holds the label ${strange}, which is none of the classes ${someOf(labels)}`);
  // Too many are told by what checks all labels.
  if (!numbered && (labels.length > classes || labels.every((v) => v >= 0 && v < classes))) return { values };
  const places = new Map(labels.map((v, i) => [v, i]));
  return {
    values: values.map((v) => (v === ignored ? v : (places.get(v) ?? -1))),
    names: labels.map(String),
    ...(needs.known ? {} : { remark: `${path}: the labels ${someOf(labels)} are the classes 0 to ${labels.length - 1}` }),
  };
}

const someOf = (labels: readonly number[]): string =>
  labels.length <= 6 ? labels.join(', ') : `${labels[0] ?? 0} to ${labels.at(-1) ?? 0}`;
