import { byId, Controls, download, h, type Frame } from 'nnc/page';
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
      ['', 'at full speed'],
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

/** What is changed while it trains goes on training; `how` makes another net. */
const changed = (how?: () => Promise<void>): void =>
  void buttons.between(async () => {
    await how?.();
    if (how) buttons.begin();
  });

const first = new Lane(file, changed, (how) => void buttons.during(how));
const lanes: Lane[] = [first];
/** The last moment of each net: the training is over when all are at their end. */
const last = new Map<Lane, Frame>();
const listen = (lane: Lane, name: string): void =>
  lane.listen((event) => {
    if (event.type === 'failed') return buttons.broke(new Error(name + event.message));
    if (event.type === 'device') return buttons.say(`${name}the device was lost; it continues on ${event.name}: ${event.reason}`);
    last.set(lane, event.frame);
    const own = last.get(first);
    if (own) buttons.frame({ ...own, done: lanes.every((l) => last.get(l)?.done) });
  });
listen(first, '');

const second = h('section', { class: 'card', 'aria-label': 'the second net', id: 'second', hidden: true });
const compareButton = h(
  'button',
  { type: 'button', id: 'compare', 'aria-pressed': 'false', onclick: () => void buttons.during(compare) },
  'Compare with a second net',
);
const fan = h('div', { class: 'figure', id: 'fan' });
const fanSays = h('p', { class: 'hint', role: 'status', id: 'fan-says' });
const fanButton = h('button', { type: 'button', id: 'seeds', onclick: () => void buttons.during(seeds) }, 'Train from 20 seeds');

byId('panel').append(
  h('div', { class: 'controls first' }, h('label', {}, 'speed', speed)),
  first.controls,
  h('h2', { class: 'spaced' }, 'The program'),
  h('pre', { tabindex: 0, 'aria-label': 'the program' }, first.program),
  h(
    'div',
    { class: 'row spaced' },
    compareButton,
    h('button', { type: 'button', id: 'save', onclick: () => download('losses.csv', first.board.csv()) }, 'Save the losses'),
  ),
);
byId('board').append(h('div', { class: 'row' }, ...buttons.buttons), buttons.status, first.board.element);
byId('two').after(
  second,
  h(
    'section',
    { class: 'card', 'aria-label': 'many seeds' },
    h('h2', {}, 'Was it luck?'),
    h('p', {}, 'Each seed starts from different weights. Train the same net from twenty seeds: a good program does well from all of them.'),
    fanButton,
    fanSays,
    fan,
  ),
);
speed.addEventListener('change', () => changed());

/** A second net beside the first one, from the beginning and with the same seed; or without it again. */
async function compare(): Promise<void> {
  await Promise.all(lanes.map((l) => l.worker.pause()));
  const on = lanes.length === 1;
  compareButton.setAttribute('aria-pressed', String(on));
  second.hidden = !on;
  if (on && !second.hasChildNodes()) {
    const other = new Lane(file, changed, (how) => void buttons.during(how), { rate: '0.1', id: 'second-' });
    listen(other, 'the second net: ');
    second.append(
      h(
        'div',
        { class: 'two' },
        h(
          'div',
          {},
          h('h2', {}, 'The second net'),
          other.controls,
          h('pre', { class: 'spaced', tabindex: 0, 'aria-label': 'the second program' }, other.program),
        ),
        other.board.element,
      ),
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
  await Promise.all(lanes.map((l) => l.worker.pause()));
  buttons.begin();
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
  const { device: name, reason } = await first.prepare(false);
  device = name;
  buttons.begin();
  buttons.say(`ready on ${device}: ${reason}`);
}
buttons.say('getting ready');
void buttons.during(begin);
