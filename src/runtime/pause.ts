/** Yields to other tasks, also in hidden tabs, where timers wait for a second (and elsewhere at least a millisecond). */
export function pause(): Promise<void> {
  const { setImmediate } = globalThis as { setImmediate?: (then: () => void) => void };
  return new Promise((resolve) => {
    // In Node a message channel would keep the process alive.
    if (setImmediate) setImmediate(resolve);
    else {
      waiting.push(resolve);
      channel ??= open();
      channel.port2.postMessage(0);
    }
  });
}

const waiting: (() => void)[] = [];
let channel: MessageChannel | undefined;

function open(): MessageChannel {
  const made = new MessageChannel();
  made.port1.onmessage = () => waiting.shift()?.();
  return made;
}

/** Milliseconds that long work may run without a pause: a page draws a frame every 16. */
const MOST = 12;

/** For long work in blocks: pauses if the last pause was long ago. */
export function breather(): () => Promise<void> {
  let last = performance.now();
  return async () => {
    if (performance.now() - last < MOST) return;
    await pause();
    last = performance.now();
  };
}
