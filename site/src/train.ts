import house from '../../examples/house.csv?raw';
import { startWorker } from './client.ts';
import { Board, byId, Controls, download, h } from 'nnc/page';
import { shell } from './shell.ts';
import './style.css';

/** House prices: the program is made from the controls, and trained again when they change. */
shell('train/');

const worker = startWorker();
const board = new Board();
byId('board').append(board.element);
const file = { name: 'house.csv', bytes: new TextEncoder().encode(house) };

const choice = (label: string, options: readonly (readonly [string, string])[], value: string): HTMLSelectElement => {
  const select = h('select', {}, ...options.map(([v, name]) => h('option', { value: v, selected: v === value }, name)));
  controls.append(h('label', {}, label, select));
  return select;
};
const controls = h('div', { class: 'controls' });
const same = (...values: string[]): [string, string][] => values.map((v) => [v, v]);
const rate = choice('learning rate', [...same('0.001', '0.003', '0.01', '0.03', '0.1', '0.3'), ['1e20', '1e20: too large']], '0.01');
const optimizer = choice('optimizer', same('adam', 'sgd', 'adamw', 'rmsprop', 'muon'), 'adam');
const width = choice('hidden units', same('1', '2', '4', '8', '16', '32', '64'), '16');
const activation = choice('activation', same('relu', 'tanh', 'gelu', 'sigmoid', 'silu'), 'relu');
const speed = choice(
  'speed',
  [
    ['1', '1 step a second'],
    ['10', '10 a second'],
    ['100', '100 a second'],
    ['', 'as fast as it can'],
  ],
  '100',
);
const seed = choice('seed', same('1', '2', '3', '42'), '42');

const program = h('code');
const saveButton = h('button', { type: 'button', id: 'save', onclick: () => download('losses.csv', board.csv()) }, 'Save the losses');
const buttons = new Controls({
  run: () => worker.run(speed.value === '' ? undefined : Number(speed.value)),
  pause: () => worker.pause(),
  step: () => worker.step(),
  reset: () => prepare(false),
  device: () => device,
});
let device = '';
byId('panel').append(
  h('div', { class: 'row' }, ...buttons.buttons, saveButton),
  controls,
  buttons.status,
  h('h2', { class: 'spaced' }, 'The program'),
  h('pre', { tabindex: 0, 'aria-label': 'the program' }, program),
);

const textOf = (): string =>
  `data  "house.csv" x=sqft y=price
layer Linear(1, ${width.value}) -> ${activation.value} -> Linear(${width.value}, 1)
loss  mse
optim ${optimizer.value} lr=${rate.value}
train epochs=500 seed=${seed.value}`;

/** Compiles what the controls say; `keep` takes the weights along where their shapes allow it. */
async function prepare(keep: boolean): Promise<void> {
  program.textContent = textOf();
  const prepared = await worker.prepare(textOf(), file, { keep });
  device = prepared.device;
  buttons.begin();
  board.begin(prepared);
  buttons.say(`ready on ${device}`);
}

worker.onEvent = (event) => {
  if (event.type === 'failed') return buttons.failed(new Error(event.message));
  if (event.type === 'device') return buttons.say(`it goes on on ${event.name}: ${event.reason}`);
  board.add(event.frame);
  buttons.frame(event.frame);
};

/** What is changed while it trains goes on training. */
async function changed(how: () => Promise<void>): Promise<void> {
  const goesOn = buttons.training;
  if (goesOn) await buttons.pause();
  await how();
  if (goesOn) await buttons.start();
}
const on = (select: HTMLSelectElement, how: () => Promise<void>): void =>
  select.addEventListener('change', () => void changed(how).catch(buttons.failed));
rate.addEventListener('change', () => {
  program.textContent = textOf();
  worker.set({ lr: Number(rate.value) }).catch(buttons.failed);
});
on(speed, () => Promise.resolve());
for (const c of [optimizer, activation]) on(c, () => prepare(true));
for (const c of [width, seed]) on(c, () => prepare(false));
buttons.say('getting ready');
prepare(false).catch(buttons.failed);
