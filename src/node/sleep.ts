const asleep = new Int32Array(new SharedArrayBuffer(4));

/** Runs pending tasks, then blocks this thread, and with it Dawn's polling, which would use up a core. */
export async function sleep(ms: number): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve));
  Atomics.wait(asleep, 0, 0, ms);
}
