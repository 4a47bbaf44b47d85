import { get } from '../base/errors.ts';
import { hash } from '../base/hash.ts';
import { fixedShape } from '../base/types.ts';
import { flopsOf } from '../ir/graph/flops.ts';
import { loadedAs } from '../ir/kernel/functions.ts';
import { dataTensor, traceTensor } from '../passes/schedule/schedule.ts';
import type { PlanTensor, PlanProgram } from '../plan.ts';
import { FILL, ROW } from '../passes/graph/row-at-a-time.ts';
import type { Lowered } from './program.ts';

/** A hash of what the programs compute, independent of the device. */
export function identityOf(programs: readonly Lowered[], batch: number | undefined): string {
  // Watching and generating change nothing that is trained or predicted.
  const computing = programs.filter((p) => !['watch', ROW, FILL].includes(p.name));
  const graphs = computing.map(({ name, schedule: { source } }) => [
    name,
    source.nodes.map(({ op, inputs, attrs, type }) => [op, inputs, attrs, type]),
    source.writes,
    source.outputs,
  ]);
  return hash(JSON.stringify([graphs, batch]));
}

/** Every state that any program reads or writes, with its shape. */
export function stateShapes(programs: readonly Lowered[]): [string, number[]][] {
  const found = new Map<string, number[]>();
  for (const { schedule: s } of programs)
    for (const node of s.graph.nodes) if (node.op === 'state') found.set(node.attrs.name, fixedShape(node.type.shape));
  return [...found];
}

/** The plan's entry for a program. */
export function planProgram(p: Lowered): PlanProgram {
  const traces = [...p.schedule.tensors.values()].filter((t) => t.kind === 'trace');
  const name = (tensor: string): string => Object.keys(p.schedule.outputs).find((o) => traceTensor(o) === tensor) ?? tensor;
  return {
    trace: Object.fromEntries(traces.map((t) => [name(t.name), planTensor(p, t.name, name(t.name), [t.size])])),
    flops: flopsOf(p.schedule.source.nodes, p.schedule.source.nodes),
  };
}

/** Which numbers inputs and targets may hold, by name. */
export type Bounds = ReadonlyMap<string, Bound>;
export type Bound = Pick<PlanTensor, 'below' | 'labels'>;

/** The places of a program's inputs. */
export const dataOf = (program: Lowered, inputs: readonly string[], bounds: Bounds = new Map()): PlanTensor[] =>
  inputs.map((input) => ({ ...inputOf(program, input), ...bounds.get(input) }));

function inputOf(program: Lowered, input: string): PlanTensor {
  const node = program.schedule.graph.nodes.find((n) => n.op === 'input' && n.attrs.name === input);
  // An input that the result does not depend on is not on the device.
  if (!node) return { name: input, arena: '', offset: 0, shape: [], dtype: 'f32' };
  return planTensor(program, dataTensor(input), input, fixedShape(node.type.shape));
}

/** The place of a program's output. */
export function outputOf(program: Lowered, output: string): PlanTensor {
  const place = get(new Map(Object.entries(program.schedule.outputs)), output, 'output');
  const node = program.schedule.graph.nodes[program.schedule.graph.outputs[output] ?? -1];
  return planTensor(program, place.tensor, output, fixedShape(node?.type.shape ?? []), place.offset);
}

/** The place of a tensor under a name. */
function planTensor(program: Lowered, tensor: string, name: string, shape: readonly number[], extra = 0): PlanTensor {
  const t = get(program.schedule.tensors, tensor, 'tensor');
  const { arena, offset } = get(program.placed, tensor, 'place');
  return { name, arena, offset: offset + extra, shape, dtype: loadedAs(t.dtype) };
}
