import { byId, Controls, download, h } from 'nnc/page';
import { drawFan, picture } from 'nnc/pictures';
import house from '../../examples/house.csv?raw';
import { Lane } from './lane.ts';
import { shell } from './shell.ts';
import './style.css';

/** House prices: nets are made from the controls, one or two side by side, and trained again when they change. */
shell('train/');

const file = { name: 'house.csv', bytes: new TextEncoder().encode(house) };
const speed = h(
  'select',
  { id: 'speed' },
  ...(
    [
      ['1', '1 step a second'],
      ['10', '10 a second'],
      ['100', '100 a second'],
      ['', 'as fast as it can'],
    ] as const
  ).map(([value, name]) => h('option', { value, selected: value === '100' }, name)),
);
const buttons = new Controls({
  run: async () => void (await Promise.all(lanes.map((l) => l.worker.run(speed.value === '' ? undefined : Number(speed.value))))),
  pause: async () => void (await Promise.all(lanes.map((l) => l.worker.pause()))),
  step: async () => void (await Promise.all(lanes.map((l) => l.worker.step()))),
  reset: async () => void (await Promise.all(lanes.map((l) => l.prepare(false)))),
  device: () => device,
});
let device = '';

/** What is changed while it trains goes on training. */
const changed = (how?: () => Promise<void>): void => {
  buttons.during(async () => {
    const goesOn = buttons.training;
    if (goesOn) await buttons.pause();
    await how?.();
    if (how) buttons.begin();
    // The buttons do not wait for the end of the training.
    if (goesOn) buttons.start().catch(buttons.failed);
  });
};

const first = new Lane(file, changed, buttons.failed);
const lanes: Lane[] = [first];
first.listen((event) => {
  if (event.type === 'failed') buttons.failed(new Error(event.message));
  else if (event.type === 'device') buttons.say(`it goes on on ${event.name}: ${event.reason}`);
  else buttons.frame(event.frame);
});

const second = h('section', { class: 'card', 'aria-label': 'the second net', id: 'second', hidden: true });
const compareButton = h(
  'button',
  { type: 'button', id: 'compare', 'aria-pressed': 'false', onclick: () => buttons.during(compare) },
  'Compare with a second net',
);
const fan = h('div', { class: 'figure', id: 'fan' });
const fanSays = h('p', { class: 'hint', role: 'status', id: 'fan-says' });
const fanButton = h('button', { type: 'button', id: 'seeds', onclick: () => buttons.during(seeds) }, 'Train from 20 seeds');

byId('panel').append(
  h('div', { class: 'row' }, ...buttons.buttons),
  h('div', { class: 'controls' }, h('label', {}, 'speed', speed)),
  first.controls,
  buttons.status,
  h('h2', { class: 'spaced' }, 'The program'),
  h('pre', { tabindex: 0, 'aria-label': 'the program' }, first.program),
  h(
    'div',
    { class: 'row spaced' },
    compareButton,
    h('button', { type: 'button', id: 'save', onclick: () => download('losses.csv', first.board.csv()) }, 'Save the losses'),
  ),
);
byId('board').append(first.board.element);
byId('two').after(
  second,
  h(
    'section',
    { class: 'card', 'aria-label': 'many seeds' },
    h('h2', {}, 'Was it luck?'),
    h('p', {}, 'Every seed draws other weights to begin with. Train the same net from twenty of them: a good program does well from all.'),
    fanButton,
    fanSays,
    fan,
  ),
);
speed.addEventListener('change', () => changed());

/** A second net beside the first one, from the beginning and with the same seed; or without it again. */
async function compare(): Promise<void> {
  await buttons.pause();
  const on = lanes.length === 1;
  compareButton.setAttribute('aria-pressed', String(on));
  second.hidden = !on;
  if (on && !second.hasChildNodes()) {
    const other = new Lane(file, changed, buttons.failed, { rate: '0.1', id: 'second-' });
    other.listen((event) => {
      if (event.type === 'failed') buttons.failed(new Error(`the second net: ${event.message}`));
    });
    second.append(
      h('h2', {}, 'The second net'),
      other.controls,
      h('pre', { class: 'spaced', tabindex: 0, 'aria-label': 'the second program' }, other.program),
      other.board.element,
    );
    kept = other;
  }
  if (on && kept) lanes.push(kept);
  else lanes.length = 1;
  await Promise.all(lanes.map((l) => l.prepare(false)));
  buttons.begin();
  buttons.say(on ? 'two nets, with one Train for both' : `ready on ${device}`);
}
let kept: Lane | undefined;

const SEEDS = 20;
async function seeds(): Promise<void> {
  await buttons.pause();
  fanButton.disabled = true;
  try {
    const curves: Float32Array[] = [];
    for (let seed = 1; seed <= SEEDS; seed++) {
      curves.push(await first.lossesFrom(seed));
      const width = Math.max(300, Math.min(760, fan.clientWidth));
      fan.innerHTML = picture(drawFan({ curves, x: 'step', y: 'loss', width }), `The losses of ${seed} seeds`, 'auto');
    }
    const ends = curves.map((c) => c.at(-1) ?? NaN).sort((a, b) => a - b);
    fanSays.textContent = `From ${SEEDS} seeds the last loss is between ${Math.round(ends[0] ?? NaN).toLocaleString('en')} and ${Math.round(ends.at(-1) ?? NaN).toLocaleString('en')}; the thick line is the middle one.`;
  } finally {
    fanButton.disabled = false;
  }
}

async function begin(): Promise<void> {
  ({ device } = await first.prepare(false));
  buttons.begin();
  buttons.say(`ready on ${device}`);
}
buttons.say('getting ready');
buttons.during(begin);
