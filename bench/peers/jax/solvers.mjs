import { numpy as np, tree } from '@jax-js/jax';

/** Adam and AdamW over a tree of arrays. Operands are consumed unless they are `.ref`'d: jax-js counts references by hand. */
export function adamw({ rate, decay = 0, beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8 }) {
  return {
    init(params) {
      const mean = tree.map((p) => np.zerosLike(p.ref), params);
      const square = tree.map((p) => np.zerosLike(p), params);
      return { mean, square, step: np.array(0) };
    },
    update(gradients, state, params) {
      const step = state.step.add(1);
      const correct1 = np.subtract(1, np.power(beta1, step.ref));
      const correct2 = np.subtract(1, np.power(beta2, step.ref));
      const mean = tree.map((m, g) => m.mul(beta1).add(g.ref.mul(1 - beta1)), state.mean, gradients);
      const square = tree.map((v, g) => v.mul(beta2).add(g.ref.mul(g).mul(1 - beta2)), state.square, gradients);
      const direction = (m, v) => m.ref.div(correct1.ref).div(np.sqrt(v.ref.div(correct2.ref)).add(epsilon));
      const next = tree.map((m, v, p) => p.ref.sub(direction(m, v).add(p.mul(decay)).mul(rate)), mean, square, params);
      correct1.dispose();
      correct2.dispose();
      return [next, { mean, square, step }];
    },
  };
}
