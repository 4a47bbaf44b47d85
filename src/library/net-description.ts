import { at } from '../base/errors.ts';
import type { Learned } from '../base/learned.ts';
import { showDim, type Shape } from '../base/types.ts';
import type { NetBox, NetDescription, NetLayer, NetLoss } from '../pictures/description.ts';
import type { Model, StageInfo, TargetInfo } from '../sema/model.ts';
import { columnsOf, folded, type KnownWeights } from './net-columns.ts';
import { flowOf, INPUT, OUTPUT, type Part } from './net-flow.ts';
import type { Call } from './net-graph.ts';

/** How operations between layers are written where values meet. */
const SIGNS: Readonly<Record<string, string>> = { add: '+', sub: '−', mul: '×', div: '÷', contract: '@', pow: '^' };

/** What a picture shows of a model, with its weights and the names from its data if there are any. */
export function netDescription(model: Model, weights?: KnownWeights, learned?: Learned): NetDescription {
  const flow = flowOf(model);
  const columns = flow.plain ? columnsOf(model, flow, weights, learned) : undefined;
  return {
    name: model.name,
    parameters: model.params.reduce((n, p) => n + p.shape.reduce((a, b) => a * b, 1), 0),
    inputs: model.inputs.map((i) => ({ id: INPUT + i.name, name: i.name, shape: shapeOf(i.type.shape) })),
    output: { id: OUTPUT, name: 'output', shape: shapeOf(model.output.shape) },
    losses: lossesOf(model),
    boxes: flow.parts.map((p) => boxOf(p, model)),
    arrows: flow.arrows,
    ...(columns ? { columns } : {}),
  };
}

/** Of one example, so without the batch. */
function shapeOf(shape: Shape): string {
  const dims = typeof shape[0] === 'number' ? shape : shape.slice(1);
  return dims.length === 0 ? 'scalar' : dims.map(showDim).join(' × ');
}

function boxOf(part: Part, model: Model): NetBox {
  const { id, kind, path } = part;
  if (kind === 'joint') return { kind, id, text: SIGNS[part.op] ?? part.op };
  const layers = part.calls.map((c) => layerOf(c, model));
  const shape = shapeOf(at(model.predict.nodes, part.last).type.shape);
  if (kind === 'layer') return { kind, id, ...(layers[0] ?? { path, text: '', parameters: 0 }), shape };
  const relative = layers.map((l) => ({ ...l, path: l.path.slice(path.length + 1) }));
  const parameters = layers.reduce((n, l) => n + l.parameters, 0);
  return { kind, id, path, shape, parameters, ...folded(relative) };
}

/** A call; only those with parameters show their path, as in the table of `nnc check`. */
function layerOf(call: Call, model: Model): NetLayer {
  const stage: StageInfo | undefined = model.stages.find((s) => s.path === call.path && s.text === call.text);
  const last = model.predict.nodes[call.nodes.at(-1) ?? -1];
  const parameters = stage?.params ?? 0;
  return { path: parameters > 0 ? call.path : '', text: call.text, shape: shapeOf(stage?.output ?? last?.type.shape ?? []), parameters };
}

function lossesOf(model: Model): NetLoss[] {
  if (model.loss === undefined) return [];
  const against = model.targets.map((t) => targetOf(t, model)).join(' and ');
  // Which of several losses compares with which target is in their texts.
  return [{ text: model.loss, against }, ...model.turns.map((t) => ({ text: t.loss, against: '' }))];
}

const targetOf = (target: TargetInfo, model: Model): string => {
  const columns = model.data?.columns.get(model.targets.length === 1 ? 'y' : target.shown) ?? [];
  const name = columns.length === 1 ? columns[0] : target.shown;
  return `${name ?? ''} (${target.classes === undefined ? shapeOf(target.type.shape) : `${target.classes} classes`})`;
};
