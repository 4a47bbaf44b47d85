/** Gives other things their turn, in a hidden tab too: timers wait there for a second, and a millisecond at least elsewhere. */
export function pause(): Promise<void> {
  const { setImmediate } = globalThis as { setImmediate?: (then: () => void) => void };
  return new Promise((resolve) => {
    // In Node a channel would keep the process alive.
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

/** Milliseconds that long work may take at once: a page draws a picture every 16. */
const MOST = 12;

/** For long work in blocks: pauses where the last pause was long ago. */
export function breather(): () => Promise<void> {
  let last = performance.now();
  return async () => {
    if (performance.now() - last < MOST) return;
    await pause();
    last = performance.now();
  };
}
