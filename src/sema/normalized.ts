import type { DiagnosticSink } from '../base/diagnostics.ts';
import { sameShape, showType, type TensorType } from '../base/types.ts';
import type { NodeId } from '../ir/graph/types.ts';
import type * as A from '../parser/ast.ts';
import type { ModelBuilder } from './model-builder.ts';
import type { InputInfo, TargetInfo } from './model.ts';

/** The setting of `data` that turns normalisation on; undefined if it is off. */
function flagOf(program: A.Program, name: string): A.Argument | undefined {
  const data = program.statements.find((s) => s.kind === 'data');
  const flag = data?.settings.find((a) => (a.name ? a.name.text === name : a.value.kind === 'name' && a.value.name === name));
  const off = flag?.value.kind === 'boolean' && !flag.value.value;
  return off ? undefined : flag;
}

/** The mean and deviation of the data as states, in the shape of `id`: one for each feature of rows, else one for all. */
function statistics(m: ModelBuilder, id: NodeId, stem: string, flag: A.Argument): { readonly mean: NodeId; readonly std: NodeId } {
  const { b } = m;
  const shape = b.shape(id);
  const features = shape.length === 2 ? (shape[1] as number) : 1;
  const known = (key: string, value: number): NodeId => {
    const state = m.sharing(() => m.state(`${stem}.${key}`, [features], { kind: 'constant', value }, flag.span, 'normalize'));
    return shape.length === 2 ? b.broadcast(state.value, shape, [1]) : b.splat(b.reshape(state.value, []), shape);
  };
  return { mean: known('mean', 0), std: known('std', 1) };
}

/**
 * `data ... normalize`: an input as (x - mean) / std, with numbers that come from the data and are saved with the weights. Inputs of other
 * programs, and integers, stay as they are.
 */
export function normalized(m: ModelBuilder, program: A.Program, id: NodeId, { name, type }: InputInfo): NodeId {
  const flag = flagOf(program, 'normalize');
  if (!flag || type.dtype !== 'f32') return id;
  const { b } = m;
  // A single input is not named, so that its name does not matter.
  const several = program.statements.filter((s) => s.kind === 'input').length > 1;
  return b.within({ name: 'normalize' }, () => {
    const { mean, std } = statistics(m, id, several ? `normalize.${name}` : 'normalize', flag);
    return b.op('div', b.op('sub', id, mean), std);
  });
}

/** The states of `normalize_target`. */
export const TARGET_STEM = 'normalize_target';

/** `data ... normalize_target`: the loss sees the target as (target - mean) / std. */
export function normalizedTarget(m: ModelBuilder, program: A.Program, id: NodeId): NodeId {
  const flag = flagOf(program, TARGET_STEM);
  const { b } = m;
  if (!flag || b.type(id).dtype !== 'f32') return id;
  return b.within({ name: TARGET_STEM }, () => {
    const { mean, std } = statistics(m, id, TARGET_STEM, flag);
    return b.op('div', b.op('sub', id, mean), std);
  });
}

/** The model's output in the target's own units: the inverse of {@link normalizedTarget}. */
export function inTargetUnits(m: ModelBuilder, program: A.Program, id: NodeId): NodeId {
  const flag = flagOf(program, TARGET_STEM);
  const { b } = m;
  if (!flag || b.type(id).dtype !== 'f32') return id;
  return b.within({ name: TARGET_STEM }, () => {
    const { mean, std } = statistics(m, id, TARGET_STEM, flag);
    return b.op('add', b.op('mul', id, std), mean);
  });
}

/** Reports an error where the target cannot be normalised: it must be one, of numbers, in the shape of the output. */
export function checkTargetUnits(program: A.Program, targets: readonly TargetInfo[], output: TensorType, sink: DiagnosticSink): void {
  const flag = flagOf(program, TARGET_STEM);
  const [only, ...others] = targets;
  if (!flag || !only || sink.errors.length > 0) return;
  const why =
    others.length > 0
      ? `normalize_target is for one target, and there are ${others.length + 1}`
      : only.type.dtype !== 'f32'
        ? 'normalize_target is for targets of numbers, and this one is labels'
        : sameShape(only.type.shape, output.shape)
          ? undefined
          : `normalize_target needs an output in the shape of the target: it is ${showType(output)}, and the target is ${showType(only.type)}`;
  if (why !== undefined) sink.error('NN211', flag.span, why, { help: 'take normalize_target away' });
}
