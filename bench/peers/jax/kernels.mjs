import { blockUntilReady, jit, nn, numpy as np } from '@jax-js/jax';
import { CHAIN, WORKLOADS } from '../../lib/workloads.mjs';

/** A kernel workload as one jitted function. */
export async function kernel(name, inputs) {
  const { matrix } = WORKLOADS[name];
  const operands = Object.values(inputs).map((values) => (matrix ? np.array(values).reshape([matrix, matrix]) : np.array(values)));
  await blockUntilReady(operands);
  const chain = (x) => nn.gelu(x.mul(CHAIN.scale).add(CHAIN.shift), { approximate: false }).mul(CHAIN.gain).add(CHAIN.offset);
  const compute = jit(matrix ? (a, b) => np.matmul(a, b) : chain);
  let last;
  return {
    async run(count) {
      for (let i = 0; i < count; i++) {
        last?.dispose();
        last = compute(...operands.map((o) => o.ref));
        // It frees nothing that it has not waited for.
        await last.blockUntilReady();
      }
    },
    async at(places) {
      const values = await last.ref.data();
      return places.map((place) => values[place]);
    },
  };
}
