import { load, type Model } from 'nnc/runtime';
import plan, { model as described } from './house.nn';

/** A program that a bundler compiles: what its model takes is known to TypeScript. */
export async function typed(): Promise<Float32Array> {
  const model = await load(plan, { device: 'cpu' });
  model.setData({ x: new Float32Array(100).fill(1), y: new Float32Array(100).fill(2) });
  // @ts-expect-error the program's input is x
  const wrong = model.predict({ size: [1] });
  await wrong.catch(() => undefined);
  // Inputs and columns by name, arrays by place, and the model as one that is not typed.
  const untyped: Model = model;
  const [first, second] = [await model.predict({ sqft: [1] }), await untyped.predict([1])];
  if (first.data[0] !== second.data[0] || described.inputs[0]?.name !== 'x') throw new Error('something else was predicted');
  model.setData(new Float32Array(100).fill(1), new Float32Array(100).fill(2));
  // @ts-expect-error the program's targets are y
  const missing = (): void => model.setData({ x: [1] });
  if (String(missing) === '') missing();
  const { data } = await model.predict({ x: [1] });
  model.destroy();
  return data;
}
