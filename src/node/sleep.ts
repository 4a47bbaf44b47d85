const asleep = new Int32Array(new SharedArrayBuffer(4));

/** Lets everything that is due happen, then blocks this thread, and so Dawn's polling, which would take a core of its own. */
export async function sleep(ms: number): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve));
  Atomics.wait(asleep, 0, 0, ms);
}
