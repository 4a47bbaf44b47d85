import { UserError, messageOf } from '../base/errors.ts';
import type { LoadOptions, Model, TrainOptions, TrainProgress, TrainResult } from './api.ts';
import { DeviceError } from './errors.ts';
import { load } from './load.ts';
import { openCpu } from './open-cpu.ts';
import { listen, type Answer, type Call, type Failure, type Port } from './remote.ts';

/** A training that the other side iterates. */
interface Run {
  readonly result: Promise<TrainResult>;
  readonly chunks: AsyncIterator<TrainProgress>;
  readonly stop: { aborted: boolean };
}

/** Serves one model to whoever connects. A worker's file only has to call this; `more` can add options that cannot be posted. */
export function serve(
  port: Port = globalThis as unknown as Port,
  more: (given: LoadOptions) => Promise<LoadOptions> = (given) => Promise.resolve(given),
): void {
  let model: Model | undefined;
  const runs: Run[] = [];
  const mine = (): Model => {
    if (!model) throw new DeviceError('no plan was loaded', 'NN602', 'connect loads one');
    return model;
  };
  const run = (i: unknown): Run => {
    const found = runs[i as number];
    if (!found) throw new Error(`there is no training ${String(i)}`);
    return found;
  };
  const does: Readonly<Record<string, (...args: never[]) => unknown>> = {
    async load(plan: unknown, options: LoadOptions) {
      model = await load(plan, { ...(await more(options)), onDevice: (device) => port.postMessage({ device }) }, { cpu: openCpu() });
      return model.about;
    },
    start(options: TrainOptions) {
      const stop = { aborted: false };
      const training = mine().train({ ...options, signal: stop });
      const chunks = training[Symbol.asyncIterator]();
      training.catch(() => undefined);
      return runs.push({ result: training, chunks, stop }) - 1;
    },
    async next(i: number) {
      const { value, done } = await run(i).chunks.next();
      return done ? { result: await run(i).result } : { chunk: value };
    },
    async leave(i: number, aborted: boolean) {
      const { chunks, stop, result } = run(i);
      stop.aborted = aborted;
      await chunks.return?.();
      return result;
    },
    setData: (...data: Parameters<Model['setData']>) => mine().setData(...data),
    addData: (...data: Parameters<Model['addData']>) => mine().addData(...data),
    setHoldout: (...data: Parameters<Model['setHoldout']>) => mine().setHoldout(...data),
    predict: (...inputs: Parameters<Model['predict']>) => mine().predict(...inputs),
    watch: (names?: readonly string[]) => mine().watch(names),
    scoresAfter: (tokens: readonly number[]) => mine().scoresAfter(tokens),
    evaluate: () => mine().evaluate(),
    set: (settings: Parameters<Model['set']>[0]) => mine().set(settings),
    reset: (seed?: number) => mine().reset(seed),
    read: (name: string) => mine().read(name),
    weights: () => mine().weights(),
    setWeights: (weights: Parameters<Model['setWeights']>[0]) => mine().setWeights(weights),
    state: () => mine().state(),
    restore: (state: Parameters<Model['restore']>[0]) => mine().restore(state),
    destroy: () => mine().destroy(),
  };
  listen(port, (data) => {
    // The worker may use its channel for other messages.
    if (!isCall(data)) return;
    const { id, method, args } = data;
    const answer = (a: Omit<Answer, 'id' | 'step' | 'rows' | 'device'>): void =>
      port.postMessage({ id, step: model?.step ?? 0, rows: model?.rows ?? 0, device: model?.device, ...a } satisfies Answer);
    const doing = async (): Promise<unknown> => (does[method] as ((...a: unknown[]) => unknown) | undefined)?.(...args);
    doing().then(
      (value) => answer({ value }),
      (e: unknown) => answer({ failure: failureOf(e) }),
    );
  });
}

const isCall = (data: unknown): data is Call => typeof data === 'object' && data !== null && 'method' in data && 'args' in data;

function failureOf(e: unknown): Failure {
  if (e instanceof UserError) return { kind: 'user', diagnostics: e.diagnostics };
  if (e instanceof DeviceError) return { kind: 'device', message: e.message, code: e.code, help: e.help };
  return { kind: 'other', message: messageOf(e), name: e instanceof Error ? e.name : 'Error' };
}
