import { renderAll } from '../../src/base/diagnostics.ts';
import { check } from '../../src/compile.ts';
import { evaluate } from '../../src/reference/evaluate.ts';
import { runGraph, type DeviceKind } from './run-graph.ts';

type Params = Readonly<Record<string, readonly number[]>>;

/** What the first print line of a program without a model shows: by the reference, or as a device computes it. */
export async function printed(text: string, on: DeviceKind | 'reference', params: Params = {}): Promise<number[]> {
  const { script, diagnostics } = check({ name: 'test.nn', text });
  if (!script) throw new Error(renderAll(diagnostics));
  const [line] = script.lines;
  const names = (line?.items ?? []).flatMap((item) => (item.kind === 'text' ? [] : [item.output]));
  const state = new Map(Object.entries(params));
  if (on === 'reference') {
    const all = evaluate(script.graph, { inputs: new Map(), state, scalars: { step: 0, seed: 0, total: 1 } });
    return names.flatMap((name) => [...all(script.graph.outputs[name] ?? -1).data]);
  }
  const { outputs } = await runGraph(script.graph, 1, on, { inputs: new Map(), state });
  return names.flatMap((name) => [...(outputs.get(name) ?? [])]);
}
