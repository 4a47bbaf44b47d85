import type { Asked } from 'nnc/page';
import type { Calls, Event, Part } from './protocol.ts';

type Answers = { readonly [K in keyof Calls]: (...args: Parameters<Calls[K]>) => Promise<Awaited<ReturnType<Calls[K]>>> };

/** The worker that compiles and trains, as an object with promises. */
export interface Client extends Answers {
  /** What it tells without being asked, besides the text that it writes. */
  onEvent: (event: Event) => void;
  /** Its model, as the parts of a page ask it. */
  readonly asked: Asked;
}

interface Answer {
  readonly id: number;
  readonly value?: unknown;
  readonly error?: string;
}

export function startWorker(): Client {
  const worker = new Worker(new URL('./worker.ts', import.meta.url), { type: 'module', name: location.search });
  const open = new Map<number, { readonly done: (value: unknown) => void; readonly failed: (e: Error) => void }>();
  let next = 0;
  let onText = (_part: string): void => undefined;
  const call = (method: string, ...args: readonly unknown[]): Promise<unknown> =>
    new Promise((done, failed) => {
      const id = next++;
      open.set(id, { done, failed });
      worker.postMessage({ id, method, args });
    });
  const asked: Asked = {
    typed: (values) => client.typed(values),
    drawn: (pixels) => client.drawn(pixels),
    write: async (wish, onPart, signal) => {
      onText = onPart;
      signal.addEventListener('abort', () => void client.stopWriting());
      await client.write(wish);
    },
  };
  const own = { onEvent: () => undefined, asked } as unknown as Client;
  worker.addEventListener('message', ({ data }: MessageEvent<Answer | Event | Part>) => {
    if ('type' in data) return data.type === 'text' ? onText(data.part) : client.onEvent(data);
    const waiting = open.get(data.id);
    open.delete(data.id);
    if (data.error === undefined) waiting?.done(data.value);
    else waiting?.failed(new Error(data.error));
  });
  worker.addEventListener('error', (e) => client.onEvent({ type: 'failed', message: `the compiler stopped: ${e.message}` }));
  const client = new Proxy(own, {
    get: (target, method: string) =>
      method in target || method === 'then' ? Reflect.get(target, method) : (...args: readonly unknown[]) => call(method, ...args),
  });
  return client;
}
