import { load } from 'nnc/runtime';
import plan from './house.nn';

/** A program that a bundler compiles: what its model takes is known to TypeScript. */
export async function typed(): Promise<Float32Array> {
  const model = await load(plan, { device: 'cpu' });
  model.setData({ x: new Float32Array(100).fill(1), y: new Float32Array(100).fill(2) });
  // @ts-expect-error the program's input is x
  const wrong = model.predict({ size: [1] });
  await wrong.catch(() => undefined);
  const { data } = await model.predict({ x: [1] });
  model.destroy();
  return data;
}
