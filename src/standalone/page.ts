import { messageOf } from '../base/errors.ts';
import type { Model, Runner } from '../runtime/api.ts';

/** The page of a built folder: trains, draws the loss, predicts, imports and exports weights. */
interface PageInfo {
  readonly name: string;
  readonly program: string;
  /** The inputs, with the number of values in one example of each. */
  readonly inputs: readonly { readonly name: string; readonly width: number }[];
  /** The targets' names in the graph. */
  readonly targets: readonly string[];
  readonly labels: boolean;
  readonly trains: boolean;
  readonly weights: boolean;
  readonly example: readonly (readonly number[])[];
}

const element = <T extends HTMLElement>(id: string): T => {
  const found = document.getElementById(id);
  if (!found) throw new Error(`the page has no #${id}`);
  return found as T;
};
const status = (text: string): void => {
  element('status').textContent = text;
};
const json = async (path: string): Promise<unknown> => (await fetch(path)).json();
const bytes = async (path: string): Promise<Uint8Array> => new Uint8Array(await (await fetch(path)).arrayBuffer());

/** Draws losses, on a logarithmic scale if they span more than a factor of ten. */
function draw(losses: readonly number[]): void {
  const svg = element('curve');
  const [w, h] = [600, 200];
  const least = losses.reduce((a, b) => Math.min(a, b), Infinity);
  const most = losses.reduce((a, b) => Math.max(a, b), -Infinity);
  const log = least > 0 && most > 10 * least;
  const y = (v: number): number => (log ? Math.log(v) : v);
  const [low, high] = [y(least), y(most)];
  const every = Math.max(1, Math.floor(losses.length / w));
  const points = losses
    .filter((_, i) => i % every === 0 || i === losses.length - 1)
    .map((v, i, all) => `${((i / Math.max(1, all.length - 1)) * w).toFixed(1)},${(h - ((y(v) - low) / (high - low || 1)) * h).toFixed(1)}`);
  svg.querySelector('polyline')?.setAttribute('points', points.join(' '));
}

async function start(): Promise<void> {
  const runner = (await import(new URL('runner.js', import.meta.url).href)) as Runner;
  const { kernels } = (await import(new URL('kernels.js', import.meta.url).href)) as { kernels: unknown[] };
  const [info, plan] = [(await json('page.json')) as PageInfo, await json('plan.json')];
  element('name').textContent = info.name;
  element('program').textContent = info.program;
  const wanted = new URLSearchParams(location.search).get('device');
  const model: Model = await runner.load(plan, { kernels, device: wanted === 'cpu' || wanted === 'gpu' ? wanted : 'auto' });
  if (info.weights) await model.setWeights(runner.readTensors(await bytes('weights.safetensors')) as Parameters<Model['setWeights']>[0]);
  status(`ready on ${model.device.name}: ${model.device.reason}`);

  const trainButton = element<HTMLButtonElement>('train');
  const stop = { aborted: false };
  const losses: number[] = [];
  if (info.trains) {
    const data = runner.readTensors(await bytes('data.safetensors'));
    model.setData(...[...info.inputs.map((i) => i.name), ...info.targets].map((name) => data[name]?.data ?? []));
    trainButton.disabled = false;
  }
  trainButton.addEventListener('click', () => {
    trainButton.disabled = true;
    const steps = model.step === 0 ? undefined : model.step * 2;
    model
      .train({
        steps,
        signal: stop,
        onLosses: (_first, chunk) => losses.push(...chunk),
        onProgress(p) {
          draw(losses);
          status(`step ${p.step} of ${p.steps}, loss ${p.loss.toPrecision(6)}, ${p.stepsPerSecond.toFixed(0)} steps/s`);
        },
      })
      .then((r) =>
        status(`done: ${model.step} steps, loss ${r.lastLoss.toPrecision(6)}, ${r.seconds.toFixed(2)} s on ${model.device.name}`),
      )
      .catch(failed)
      .finally(() => {
        trainButton.disabled = false;
      });
  });

  const input = element<HTMLInputElement>('input');
  input.value = info.example.map((e) => e.join(', ')).join('; ');
  element('form').addEventListener('submit', (event) => {
    event.preventDefault();
    const numbers = input.value
      .split(/[\s,;]+/)
      .filter((t) => t !== '')
      .map(Number);
    const width = info.inputs.reduce((n, i) => n + i.width, 0);
    if (numbers.length === 0 || numbers.length % width !== 0 || numbers.some((n) => !Number.isFinite(n))) {
      element('output').textContent = `give ${width} number${width === 1 ? '' : 's'}`;
      return;
    }
    // The numbers of an example are its inputs, one after the other.
    const rows = Array.from({ length: numbers.length / width }, (_, r) => numbers.slice(r * width, (r + 1) * width));
    let from = 0;
    const parts = info.inputs.map((i) => {
      const start = from;
      from += i.width;
      return rows.flatMap((r) => r.slice(start, start + i.width));
    });
    model
      .predict(...parts)
      .then((out) => {
        element('output').textContent = [...out.data].map((v) => v.toPrecision(6)).join(', ');
      })
      .catch(failed);
  });

  element('save').addEventListener('click', () => {
    model
      .weights()
      .then((w) => {
        const link = document.createElement('a');
        link.href = URL.createObjectURL(new Blob([runner.writeTensors(w) as Uint8Array<ArrayBuffer>]));
        link.download = `${info.name}.safetensors`;
        link.click();
        URL.revokeObjectURL(link.href);
      })
      .catch(failed);
  });
}

function failed(e: unknown): void {
  status(`it did not work: ${messageOf(e)}`);
}

start().catch(failed);
