import { CHAIN, WORKLOADS } from '../../lib/workloads.mjs';
import { tf } from './library.mjs';

/** A kernel workload as eager operations. */
export function kernel(name, inputs) {
  const { matrix } = WORKLOADS[name];
  const operands = Object.values(inputs).map((values) => tf.tensor(values, matrix ? [matrix, matrix] : undefined));
  const chain = (x) =>
    tf.tidy(() => {
      const z = x.mul(CHAIN.scale).add(CHAIN.shift);
      const gelu = z.mul(0.5).mul(tf.erf(z.mul(Math.SQRT1_2)).add(1));
      return gelu.mul(CHAIN.gain).add(CHAIN.offset);
    });
  const compute = matrix ? tf.matMul : chain;
  let last;
  return {
    async run(count) {
      for (let i = 0; i < count; i++) {
        last?.dispose();
        last = compute(...operands);
      }
      // One element is read, which waits for everything before it without moving the whole result.
      const first = tf.slice(
        last,
        last.shape.map(() => 0),
        last.shape.map(() => 1),
      );
      await first.data();
      first.dispose();
    },
    async at(places) {
      const values = await last.data();
      return places.map((place) => values[place]);
    },
  };
}
