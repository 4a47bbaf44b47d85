import house from '../../examples/house.csv?raw';
import { Board } from './board.ts';
import { startWorker } from './client.ts';
import { byId, download, h } from './dom.ts';
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
const trainButton = h('button', { class: 'main', type: 'button', id: 'train' }, 'Train');
const stepButton = h('button', { type: 'button', id: 'step' }, 'Step');
const resetButton = h('button', { type: 'button', id: 'reset' }, 'Reset');
const saveButton = h('button', { type: 'button', id: 'save', onclick: () => download('losses.csv', board.csv()) }, 'Save the losses');
const status = h('p', { class: 'status', role: 'status', id: 'status' }, 'getting ready');
byId('panel').append(
  h('div', { class: 'row' }, trainButton, stepButton, resetButton, saveButton),
  controls,
  status,
  h('h2', { style: 'margin-top:16px' }, 'The program'),
  h('pre', { tabindex: 0, 'aria-label': 'the program' }, program),
);

const textOf = (): string =>
  `data  "house.csv" x=sqft y=price
layer Linear(1, ${width.value}) -> ${activation.value} -> Linear(${width.value}, 1)
loss  mse
optim ${optimizer.value} lr=${rate.value}
train epochs=500 seed=${seed.value}`;

let training = false;
let finished = false;

function say(text: string, wrong = false): void {
  status.textContent = text;
  status.classList.toggle('wrong', wrong);
}

function setTraining(on: boolean): void {
  training = on;
  trainButton.textContent = on ? 'Pause' : finished ? 'Train on' : 'Train';
}

/** Compiles what the controls say; `keep` takes the weights along where their shapes allow it. */
async function prepare(keep: boolean): Promise<void> {
  program.textContent = textOf();
  try {
    const prepared = await worker.prepare(textOf(), file, { keep });
    finished = false;
    board.begin(prepared);
    say(`ready on ${prepared.device}`);
  } catch (e) {
    say((e as Error).message, true);
  }
}

worker.onEvent = (event) => {
  if (event.type === 'failed') {
    setTraining(false);
    return say(event.message, true);
  }
  board.add(event.frame);
  if (event.frame.done && training) {
    finished = true;
    say('done. The line is as good as this net makes it; press Reset to begin again');
    setTraining(false);
  }
};

async function start(): Promise<void> {
  say('training');
  setTraining(true);
  await worker.run(speed.value === '' ? undefined : Number(speed.value));
}

trainButton.addEventListener('click', () => {
  if (training) {
    setTraining(false);
    say('paused');
    void worker.pause();
  } else void start();
});
stepButton.addEventListener('click', () => {
  setTraining(false);
  worker.step().then(
    () => say('one step done'),
    (e: unknown) => say((e as Error).message, true),
  );
});
resetButton.addEventListener('click', () => {
  setTraining(false);
  void prepare(false);
});

/** Changes while it trains: a rate at once, everything else by compiling again. */
async function changed(keep: boolean): Promise<void> {
  const goesOn = training;
  setTraining(false);
  await worker.pause();
  await prepare(keep);
  if (goesOn) await start();
}
rate.addEventListener('change', () => {
  program.textContent = textOf();
  worker.set({ lr: Number(rate.value) }).catch((e: unknown) => say((e as Error).message, true));
});
speed.addEventListener('change', () => {
  if (!training) return;
  void (async () => {
    await worker.pause();
    await new Promise((resolve) => setTimeout(resolve, 60));
    await start();
  })();
});
for (const c of [optimizer, activation]) c.addEventListener('change', () => void changed(true));
for (const c of [width, seed]) c.addEventListener('change', () => void changed(false));
document.addEventListener('visibilitychange', () => {
  if (!document.hidden || !training) return;
  setTraining(false);
  say('paused, since the page was hidden');
  void worker.pause();
});
void prepare(false);
