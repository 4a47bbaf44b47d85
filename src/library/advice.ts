import { userError } from '../base/diagnostics.ts';
import type { Dataset } from '../data/needs.ts';
import { statisticsOf } from '../data/statistics.ts';
import { findIn, firstRows, isStored, type Values } from '../data/values.ts';
import type { Model } from '../sema/model.ts';

/** What a program and its data do that hardly works, though nothing is wrong; each with a way out. */
export function adviceOn(model: Model, data: Dataset): string[] {
  // Of a large table, the first rows tell enough.
  const some = { ...data, tensors: data.tensors.map((t) => (isStored(t) ? firstRows(t, data.rows, Math.min(data.rows, FIRST)) : t)) };
  return [...batchAdvice(model, data), ...classAdvice(model, data), ...inputAdvice(model, some), ...targetAdvice(model, some)];
}

const FIRST = 10_000;

function batchAdvice({ train }: Model, { rows }: Dataset): string[] {
  if (train.batch === undefined || train.batch <= rows) return [];
  return [`batch=${train.batch} is more than the ${rows} examples, so every step takes all of them`];
}

/** Outputs that no example is compared with learn to be unlikely, and nothing else. */
function classAdvice({ targets }: Model, { learned }: Dataset): string[] {
  return targets.flatMap(({ shown, classes }) => {
    const names = learned?.classes[shown];
    if (!names || classes === undefined || names.length >= classes) return [];
    const list = `${names.slice(0, 8).join(', ')}${names.length > 8 ? ', ...' : ''}`;
    return [`the model has ${classes} outputs, and the data ${names.length} classes (${list}): make the last layer ${names.length} wide`];
  });
}

/** Features that are so far apart, or so far from 0, that one learning rate hardly fits all. */
const FAR = 100;

function inputAdvice({ inputs, data }: Model, { tensors, learned }: Dataset): string[] {
  if (data?.normalize) return [];
  const sizes = inputs.flatMap((input, k) => {
    const { dtype, shape } = input.type;
    const [, features] = shape;
    const values = tensors[k];
    if (dtype !== 'f32' || shape.length !== 2 || typeof features !== 'number' || !values) return [];
    const { mean, std } = statisticsOf(values, features);
    const names = (learned?.columns[input.name] ?? []).filter((c) => !c.words && !c.flag).map((c) => c.name);
    return mean.map((m, i) => ({
      name: names.length === features ? (names[i] ?? '') : `${input.name}[${i}]`,
      size: Math.abs(m) + (std[i] ?? 0),
    }));
  });
  const largest = sizes.reduce((a, b) => (b.size > a.size ? b : a), { name: '', size: 0 });
  const smallest = sizes.reduce((a, b) => (b.size < a.size && b.size > 0 ? b : a), { name: '', size: Infinity });
  if (largest.size < FAR || (sizes.length > 1 && largest.size < FAR * smallest.size && largest.size < 10 * FAR)) return [];
  const apart =
    sizes.length > 1
      ? `${largest.name} is around ${round(largest.size)} and ${smallest.name} around ${round(smallest.size)}`
      : `${largest.name} is around ${round(largest.size)}`;
  return [`${apart}, and nets learn best from numbers around 1: add normalize to the data line`];
}

const round = (x: number): number => Number(x.toPrecision(2));

function targetAdvice(model: Model, { tensors }: Dataset): string[] {
  const [only, ...others] = model.targets;
  const values = tensors[model.inputs.length];
  if (!only || others.length > 0 || !values || only.type.dtype !== 'f32') return [];
  if (model.reads === 'sigmoid' || model.reads === 'none') return [];
  checkAccuracy(model, values);
  const { mean, std } = statisticsOf(values, 1);
  const size = Math.abs(mean[0] ?? 0) + (std[0] ?? 0);
  if (size < 1000 || model.data?.normalizeTarget) return [];
  return [`the target is around ${round(size)}, and nets learn best to tell numbers around 1: add normalize_target to the data line`];
}

/** Accuracy counts hits, which numbers such as prices do not have. */
function checkAccuracy({ metrics, data }: Model, values: Values): void {
  if (!metrics.includes('accuracy')) return;
  const other = findIn(values, (v) => v !== 0 && v !== 1 && v !== -1)?.value;
  if (other === undefined) return;
  throw userError([
    {
      code: 'NN304',
      severity: 'error',
      label: `accuracy counts right classes, and the target is numbers such as ${Number(other.toPrecision(4))}`,
      help: 'for numbers, write: metric mae, or: metric r2',
      ...(data ? { span: data.span } : {}),
    },
  ]);
}
