import { Board, Controls, h, type Frame } from 'nnc/page';
import type { Client } from './client.ts';
import type { DataFile, Prepared } from './protocol.ts';

export interface TrainInOptions {
  readonly likeTorch?: boolean;
  readonly file?: () => DataFile;
  /** What the program stands for besides its text; another one needs another model. */
  readonly key?: () => string;
  /** Begins anew when the training was at its end. */
  readonly anew?: boolean;
  /** Comes before the ids of its parts. */
  readonly id?: string;
  /** Ends it when the page goes on to something else. */
  readonly signal: AbortSignal;
  /** What the program prints when it is trained, with the first and the last loss. */
  readonly onDone: (lines: readonly string[]) => void;
  readonly onReady?: (prepared: Prepared) => void;
}

/** A training in the middle of a page, of the text that stands there when it starts. */
export interface TrainIn {
  readonly element: HTMLElement;
  readonly start: () => Promise<void>;
}

/** Which training the worker's news belong to: a page has one worker, and may have several programs. */
let current: object | undefined;

export function trainIn(
  worker: Client,
  text: () => string,
  { likeTorch, file, key = text, anew = false, id = '', signal, onDone, onReady }: TrainInOptions,
): TrainIn {
  const board = new Board({ id });
  const place = h('div', {});
  const me = {};
  let prepared: { readonly key: string; readonly info: Prepared } | undefined;
  let ended = false;
  let first = NaN;
  let last = NaN;
  const prepare = async (): Promise<void> => {
    const [now, mine] = [text(), key()];
    const info = await worker.prepare(now, file?.(), { likeTorch });
    current = me;
    prepared = { key: mine, info };
    ended = false;
    [first, last] = [NaN, NaN];
    worker.onEvent = (event) => {
      if (current !== me) return;
      if (event.type === 'failed') return controls.broke(new Error(event.message));
      if (event.type === 'device') return controls.say(`the device was lost; it continues on ${event.name}: ${event.reason}`);
      take(event.frame);
    };
    if (!place.hasChildNodes()) place.append(board.element);
    controls.begin();
    board.begin(info);
    onReady?.(info);
  };
  const take = (frame: Frame): void => {
    if (frame.first === 0 && frame.losses.length > 0) first = frame.losses[0] ?? NaN;
    last = frame.losses.at(-1) ?? last;
    board.add(frame);
    controls.frame(frame);
    ended = frame.done;
    if (frame.done)
      worker.printsAfter().then((lines) => onDone([`first loss ${short(first)}`, `last loss ${short(last)}`, ...lines]), controls.failed);
  };
  const acts = {
    ready: async () => {
      if (current !== me || prepared?.key !== key() || (anew && ended)) await prepare();
    },
    run: () => worker.run(undefined),
    pause: () => worker.pause(),
    step: () => worker.step(),
    reset: prepare,
    device: () => prepared?.info.device ?? '',
  };
  const controls = new Controls(acts, { id, signal });
  return {
    element: h('div', {}, h('div', { class: 'row' }, ...controls.buttons), controls.status, place),
    start: () => controls.start(),
  };
}

/** A loss with the digits that float32 has. */
const short = (v: number): string => String(Number(v.toPrecision(7)));
