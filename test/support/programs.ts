import { readFileSync } from 'node:fs';
import { renderAll } from '../../src/base/diagnostics.ts';
import { check, compile } from '../../src/compile.ts';
import type { CompileOptions } from '../../src/planning/options.ts';
import { readDataset } from '../../src/data/dataset.ts';
import type { Dataset } from '../../src/data/needs.ts';
import { readSafetensors } from '../../src/data/safetensors.ts';
import type { Plan } from '../../src/plan.ts';
import { RunningModel } from '../../src/runtime/model.ts';
import type { Session } from '../../src/runtime/session.ts';
import type { Weights } from '../../src/runtime/api.ts';
import type { Model } from '../../src/sema/model.ts';
import { openSession, type DeviceKind } from './run-graph.ts';

/** A program that must be right. */
export function model(
  text: string,
  name = 'test.nn',
): { readonly model: Model; readonly source: { readonly name: string; readonly text: string } } {
  const source = { name, text };
  const result = check(source);
  if (!result.model) throw new Error(renderAll(result.diagnostics));
  return { model: result.model, source };
}

export function plan(text: string, options: CompileOptions): Plan {
  const m = model(text);
  return compile(m.model, options).plan;
}

export function weightsOf(path: string): Weights {
  return Object.fromEntries(
    [...readSafetensors(readFileSync(path), path)].map(([k, t]) => [k, { shape: t.shape, data: Float32Array.from(t.data) }]),
  );
}

export function datasetOf(path: string, m: Model): Dataset {
  return readDataset(
    path,
    readFileSync(path),
    { inputs: m.inputs, targets: m.targets, columns: m.data?.columns ?? new Map() },
    readFileSync,
  );
}

/** Loads a plan, lets `body` use it, and frees the device whatever happens. */
export async function running<T>(p: Plan, kind: DeviceKind, body: (m: RunningModel, s: Session) => Promise<T>): Promise<T> {
  const session = await openSession(p, kind);
  try {
    return await body(await RunningModel.open(session), session);
  } finally {
    session.destroy();
  }
}

/** All losses of a run. */
export async function lossesOf(
  m: RunningModel,
  options: { readonly steps?: number; readonly until?: number; readonly seed?: number } = {},
): Promise<number[]> {
  const losses: number[] = [];
  await m.train({ ...options, onLosses: (_first, chunk) => losses.push(...chunk) });
  return losses;
}

/** y = 3 x0 - x1 + 1, with a bend. */
export function toyData(rows: number, width = 2): { readonly x: Float32Array; readonly y: Float32Array } {
  const x = Float32Array.from({ length: rows * width }, (_, i) => Math.sin(i * 1.7) * 2);
  const y = Float32Array.from({ length: rows }, (_, i) => 3 * (x[i * width] ?? 0) - Math.abs(x[i * width + 1] ?? 0) + 1);
  return { x, y };
}
