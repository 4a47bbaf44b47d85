import { showDim, type DType, type Shape } from '../base/types.ts';
import type { Model } from '../sema/model.ts';

/** A shape; `B` is the number of examples. */
export type ShownShape = readonly (number | string)[];

export interface TensorInfo {
  readonly name: string;
  readonly shape: ShownShape;
  readonly dtype: DType;
}

/** A description of a program, for display. */
export interface ModelInfo {
  readonly name: string;
  readonly inputs: readonly TensorInfo[];
  readonly output: Omit<TensorInfo, 'name'>;
  /** What the loss compares with; `classes` is the number of classes if the target is labels. */
  readonly targets: readonly (TensorInfo & { readonly classes: number | undefined })[];
  /** All parameters, by PyTorch's names. */
  readonly parameters: readonly { readonly name: string; readonly shape: readonly number[]; readonly layer: string }[];
  /** All states, which are saved but not trained, such as running statistics. */
  readonly states: readonly { readonly name: string; readonly shape: readonly number[]; readonly layer: string }[];
  /** The stages of the chain; `flops` counts the forward pass for one example. */
  readonly layers: readonly {
    readonly path: string;
    readonly text: string;
    /** Where it stands in the program: `program.nn:4:7`. */
    readonly place: string;
    readonly output: ShownShape;
    readonly parameters: number;
    readonly flops: number;
  }[];
  /** Values that `watch` of a plan can name: inputs, stages, `let`s, parameters; those with a gradient also as `grad(name)`. */
  readonly values: readonly { readonly name: string; readonly shape: ShownShape; readonly gradient: boolean }[];
  readonly loss: string | undefined;
  readonly metrics: readonly string[];
  readonly optimizer: string | undefined;
  /** Whether it has all that training needs: a loss, an optimizer, and parameters. */
  readonly trainable: boolean;
  /** The `data` statement; undefined if there is none. */
  readonly data:
    | {
        /** The file, relative to the program's folder; undefined if examples are drawn. */
        readonly path: string | undefined;
        /** The number of examples to draw. */
        readonly drawn: number | undefined;
        readonly split: number;
        readonly normalize: boolean;
        readonly tokens: string | undefined;
        readonly context: number | undefined;
      }
    | undefined;
}

const shown = (shape: Shape): ShownShape => shape.map((d) => (typeof d === 'number' ? d : showDim(d)));

export function describe(model: Model): ModelInfo {
  const tensor = (name: string, { shape, dtype }: Model['output']): TensorInfo => ({ name, shape: shown(shape), dtype });
  const kept = ({ name, shape, layer }: Model['params'][number]) => ({ name, shape, layer });
  const { data } = model;
  return {
    name: model.name,
    inputs: model.inputs.map((i) => tensor(i.name, i.type)),
    output: { shape: shown(model.output.shape), dtype: model.output.dtype },
    targets: model.targets.map((t) => ({ ...tensor(t.shown, t.type), classes: t.classes })),
    parameters: model.params.map(kept),
    states: model.states.map(kept),
    layers: model.stages.map((s) => ({
      path: s.path,
      text: s.text,
      place: s.loc,
      output: shown(s.output),
      parameters: s.params,
      flops: s.flops,
    })),
    values: [...model.named].flatMap(([name, id]) => {
      const type = (model.training ?? model.predict).nodes[id]?.type;
      return type ? [{ name, shape: shown(type.shape), gradient: type.dtype === 'f32' }] : [];
    }),
    loss: model.loss,
    metrics: model.metrics,
    optimizer: model.optim?.name,
    trainable: model.training !== undefined && model.optim !== undefined && model.params.length > 0,
    data: data && {
      path: data.path,
      drawn: data.draw?.rows,
      split: data.split,
      normalize: data.normalize,
      tokens: data.tokens,
      context: data.context,
    },
  };
}
