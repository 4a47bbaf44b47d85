import { jit, tree, valueAndGrad } from '@jax-js/jax';

/** The whole step in one jit: what jax-js does best. `batch(i)` gives the operands of step i, to be consumed. */
export function trainer({ loss, solver, params: initial, batch }) {
  let params = initial;
  let state = solver.init(tree.ref(params));
  let last;
  let done = 0;
  const step = jit((p, s, x, y) => {
    const [value, gradients] = valueAndGrad(loss)(tree.ref(p), x, y);
    const [next, nextState] = solver.update(gradients, s, p);
    return [next, nextState, value];
  });
  return {
    async run(count) {
      for (let i = 0; i < count; i++) {
        let value;
        [params, state, value] = step(params, state, ...batch(done++));
        last?.dispose();
        last = value;
        // Running ahead without a wait makes its list of pending work grow, and it becomes slower and slower.
        await last.blockUntilReady();
      }
      return last.ref.jsAsync();
    },
  };
}
