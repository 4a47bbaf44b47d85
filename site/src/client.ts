import type { Calls, Event } from './protocol.ts';

type Answers = { readonly [K in keyof Calls]: (...args: Parameters<Calls[K]>) => Promise<Awaited<ReturnType<Calls[K]>>> };

/** The worker that compiles and trains, as an object with promises. */
export interface Client extends Answers {
  /** What it tells without being asked. */
  onEvent: (event: Event) => void;
}

interface Answer {
  readonly id: number;
  readonly value?: unknown;
  readonly error?: string;
}

export function startWorker(): Client {
  const worker = new Worker(new URL('./worker.ts', import.meta.url), { type: 'module' });
  const open = new Map<number, { readonly done: (value: unknown) => void; readonly failed: (e: Error) => void }>();
  let next = 0;
  const client = { onEvent: () => undefined } as unknown as Client;
  worker.addEventListener('message', ({ data }: MessageEvent<Answer | Event>) => {
    if ('type' in data) return client.onEvent(data);
    const call = open.get(data.id);
    open.delete(data.id);
    if (data.error === undefined) call?.done(data.value);
    else call?.failed(new Error(data.error));
  });
  const broken = (e: ErrorEvent): void => client.onEvent({ type: 'failed', message: `the compiler stopped: ${e.message}` });
  worker.addEventListener('error', broken);
  return new Proxy(client, {
    get: (target, method: string) =>
      method === 'onEvent' || method === 'then'
        ? Reflect.get(target, method)
        : (...args: readonly unknown[]) =>
            new Promise((done, failed) => {
              const id = next++;
              open.set(id, { done, failed });
              worker.postMessage({ id, method, args });
            }),
  });
}
