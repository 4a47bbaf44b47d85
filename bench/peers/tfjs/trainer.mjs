/** An eager step, as in its documentation: `optimizer.minimize(() => loss, true, variables)`. */
export function trainer({ loss, optimizer, variables, batch, before }) {
  let last;
  let done = 0;
  return {
    async run(count) {
      for (let i = 0; i < count; i++) {
        before?.();
        const { operands, release } = batch(done++);
        const value = optimizer.minimize(() => loss(...operands), true, variables);
        release?.();
        last?.dispose();
        last = value;
      }
      return (await last.data())[0];
    },
  };
}
