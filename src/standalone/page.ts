import { readSafetensors, writeSafetensors } from '../data/safetensors.ts';
import { askOf } from '../page/ask.ts';
import { Board } from '../page/board.ts';
import { Controls } from '../page/controls.ts';
import { byId, download, fileButton } from '../page/dom.ts';
import type { PageInfo } from '../page/built.ts';
import { askedOf } from '../page/local.ts';
import { sceneOf, type Scene, type Shown } from '../page/scene.ts';
import { Training } from '../page/training.ts';
import { errorText } from '../page/error-text.ts';
import type { DeviceDescription, Model, Weights } from '../runtime/api.ts';
import { connect } from '../runtime/remote.ts';
import { openSource, type Opening, type Source } from './source.ts';

/** The page that `nnc build` makes: it trains, draws what it learns, answers, and gives and takes weights. */
const tensorsOf = (bytes: Uint8Array, name: string): Weights => Object.fromEntries(readSafetensors(bytes, name));
let say = (text: string, wrong = false): void => {
  byId('status').textContent = text;
  byId('status').classList.toggle('wrong', wrong);
};
const failed = (e: unknown): void => say(`it did not work: ${errorText(e)}`, true);

/** Examples for the device, and those that the picture shows. */
async function setData(model: Model, source: Source): Promise<readonly [train: Shown | undefined, holdout: Shown | undefined]> {
  const { inputs, targets, held } = source.info;
  const data = tensorsOf(await source.bytes('data'), 'the data');
  const names = [...inputs, ...targets];
  const arrays = (suffix: string): ArrayLike<number>[] => names.map((name) => data[name + suffix]?.data ?? []);
  const [train, holdout] = [arrays(''), held > 0 ? arrays('@holdout') : undefined];
  model.setData(...train);
  if (holdout) model.setHoldout(...holdout);
  const of = (all: readonly ArrayLike<number>[]): Shown | undefined =>
    inputs.length === 1 && targets.length === 1 && all[0] && all[1] ? { x: all[0], y: all[1] } : undefined;
  return [of(train), holdout && of(holdout)];
}

/** Starts the worker, and loads the model in it as soon as the plan is there. */
function openModel({ worker: script, source }: Opening, device: 'auto' | 'gpu' | 'cpu'): Promise<Model> {
  const worker = new Worker(script);
  const onDevice = ({ name, reason }: DeviceDescription): void => say(`the device was lost; it continues on ${name}: ${reason}`);
  return new Promise((resolve, reject) => {
    worker.addEventListener('error', (e) => {
      const broken = new Error(e.message || 'the worker of the page cannot be started');
      reject(broken);
      // It may break later, too.
      failed(broken);
    });
    source
      .then(({ plan, sections }) => connect(worker as unknown as Parameters<typeof connect>[0], plan, { device, sections, onDevice }))
      .then(resolve, reject);
  });
}

/** Puts the buttons, the board and the line of news on the page, and shows the untrained model. */
async function showTraining(model: Model, scene: Scene, { rows, held, steps }: PageInfo): Promise<Training> {
  const board = new Board({ styled: false });
  const run = { scene, rows, held, steps };
  const begin = await model.state();
  const controls = new Controls({
    run: () => training.run(),
    pause: () => training.pause(),
    step: () => training.one(),
    reset: async () => {
      await model.restore(begin);
      board.begin(run);
      await training.look();
    },
    device: () => model.device.name,
  });
  const training = new Training({
    model,
    scene,
    steps,
    held,
    onFrame: (frame) => {
      board.add(frame);
      controls.frame(frame);
    },
    onFailure: (message) => controls.broke(new Error(message)),
  });
  byId('buttons').prepend(...controls.buttons);
  byId('status').replaceWith(controls.status);
  say = (text, wrong) => controls.say(text, wrong);
  byId('board').append(board.element);
  board.begin(run);
  await training.look();
  return training;
}

/** Weights out to a file, and in from one. */
function exchangeWeights(model: Model, { name }: PageInfo, onNew: () => Promise<void>): void {
  byId('save').addEventListener('click', () => {
    model.weights().then((w) => download(`${name}.safetensors`, writeSafetensors(w) as Uint8Array<ArrayBuffer>), failed);
  });
  const load = fileButton('Load weights', { label: 'a file of weights', accept: '.safetensors' }, (file) => {
    file
      .arrayBuffer()
      .then((b) => model.setWeights(tensorsOf(new Uint8Array(b), file.name)))
      .then(onNew)
      .then(() => say(`the weights are those of ${file.name}`), failed);
  });
  byId('save').after(load);
}

async function open(): Promise<void> {
  say('loading');
  const wanted = new URLSearchParams(location.search).get('device');
  const device = wanted === 'cpu' || wanted === 'gpu' ? wanted : 'auto';
  const opening = openSource(device);
  const opened = openModel(opening, device);
  const source = await opening.source;
  const { info } = source;
  byId('name').textContent = info.name;
  document.title = info.name;
  byId('program').textContent = info.program;
  const model = await opened;
  const [train, holdout] = info.trains ? await setData(model, source) : [];
  if (info.weights) await model.setWeights(tensorsOf(await source.bytes('weights'), 'the weights of the page'));
  const scene = sceneOf(model.about, train, holdout);
  byId('question').append(askOf(scene, askedOf(model, scene.image)));
  const training = info.trains ? await showTraining(model, scene, info) : undefined;
  exchangeWeights(model, info, async () => training?.look());
  say(`ready on ${model.device.name}: ${model.device.reason}`);
}

open().catch(failed);
