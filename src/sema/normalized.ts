import type { NodeId } from '../ir/graph/types.ts';
import type * as A from '../parser/ast.ts';
import type { ModelBuilder } from './model-builder.ts';
import type { InputInfo } from './model.ts';

/**
 * `data ... normalize`: an input as (x - mean) / std, with numbers that come from the data and are saved with the weights. Inputs of other
 * programs, and integers, stay as they are.
 */
export function normalized(m: ModelBuilder, program: A.Program, id: NodeId, { name, type }: InputInfo): NodeId {
  const data = program.statements.find((s) => s.kind === 'data');
  const flag = data?.settings.find((a) => (a.name ? a.name.text === 'normalize' : a.value.kind === 'name' && a.value.name === 'normalize'));
  const off = flag?.value.kind === 'boolean' && !flag.value.value;
  if (!flag || off || type.dtype !== 'f32') return id;
  const { b } = m;
  const shape = b.shape(id);
  const features = shape.length === 2 ? (shape[1] as number) : 1;
  // A single input is not named, so that its name does not matter.
  const several = program.statements.filter((s) => s.kind === 'input').length > 1;
  const stem = several ? `normalize.${name}` : 'normalize';
  const known = (key: string, value: number): NodeId => {
    const state = m.sharing(() => m.state(`${stem}.${key}`, [features], { kind: 'constant', value }, flag.span, 'normalize'));
    return shape.length === 2 ? b.broadcast(state.value, shape, [1]) : b.splat(b.reshape(state.value, []), shape);
  };
  return b.within({ name: 'normalize' }, () => b.op('div', b.op('sub', id, known('mean', 0)), known('std', 1)));
}
