import { compile } from 'nnc';
import { readData } from 'nnc/data';
import { load, type Model, type Weights } from 'nnc/runtime';
import house from '../../examples/house.csv?raw';
import { byId, h, short } from 'nnc/page';
import { shell } from './shell.ts';
import './style.css';

/** One step of training in its five moves, with the values and gradients that nnc computes. */
shell('dance/');

const HIDDEN = 16;
const TEXT = `data  "house.csv" x=sqft y=price
layer Linear(1, ${HIDDEN}) -> relu -> Linear(${HIDDEN}, 1)
loss  mse
optim adam lr=0.01
train epochs=20 batch=1 seed=42`;
const WATCH = [
  'x',
  '0',
  '1',
  '2',
  'loss',
  'grad(2)',
  'grad(1)',
  'grad(0)',
  'grad(0.weight)',
  'grad(0.bias)',
  'grad(2.weight)',
  'grad(2.bias)',
];

const MOVES = [
  ['Forward', 'Forward: the size of a house flows through the net, and a price comes out.', 'pred = model(x)'],
  ['Loss', 'Loss: the prediction is compared with the real price. The difference, squared, is the loss.', 'loss = loss_fn(pred, y)'],
  ['Zero', 'Zero: the gradients of the step before are cleared away.', 'optimizer.zero_grad()'],
  ['Backward', 'Backward: how much would the loss change if this weight changed? Point at a line, or tap it.', 'loss.backward()'],
  ['Step', 'Step: every weight moves against its gradient. The optimizer decides how far.', 'optimizer.step()'],
] as const;

interface State {
  readonly model: Model;
  readonly prices: Float32Array;
  weights: Weights;
  seen: Weights | undefined;
  /** The move that was done last: -1 at the beginning. */
  move: number;
}

const data = readData(compile(TEXT), new TextEncoder().encode(house), { name: 'house.csv' });
const status = byId('status');
const buttons = MOVES.map(([name], i) =>
  h('button', { type: 'button', id: `move-${i}`, onclick: () => void act(() => moveTo(i)) }, `${i + 1}. ${name}`),
);
const more: readonly (readonly [string, number])[] = [
  ['One whole step', 1],
  ['Ten steps', 10],
  ['500 steps', 500],
];
/** The move that comes next, always at the same place. */
const nextButton = h('button', {
  type: 'button',
  class: 'main',
  id: 'next',
  onclick: () => void act(() => moveTo(((state?.move ?? -1) + 1) % 5)),
});
byId('moves').append(
  nextButton,
  ...buttons,
  ...more.map(([name, steps]) =>
    h('button', { type: 'button', id: `steps-${steps}`, onclick: () => void act(() => doSteps(steps)) }, name),
  ),
);

let state: State | undefined;
let busy = false;

/** One thing at a time; what goes wrong is told. */
async function act(what: () => Promise<void>): Promise<void> {
  if (busy || !state) return;
  busy = true;
  try {
    await what();
    draw(state);
  } catch (e) {
    status.textContent = (e as Error).message;
    status.classList.add('wrong');
  } finally {
    busy = false;
  }
}

/** Does the moves up to one; a new step begins with Forward. */
async function moveTo(move: number): Promise<void> {
  const s = state;
  if (!s) return;
  if (move <= s.move || s.move === 4) s.move = -1;
  if (s.move < 0) s.seen = await s.model.watch();
  if (move === 4) {
    await s.model.train({ until: s.model.step + 1 });
    s.weights = await s.model.weights();
  }
  s.move = move;
}

async function doSteps(n: number): Promise<void> {
  const s = state;
  if (!s) return;
  const end = s.model.step + n;
  await s.model.train({ steps: Math.max(2000, end), until: end });
  s.weights = await s.model.weights();
  s.seen = await s.model.watch();
  s.move = 1;
}

const of = (tensors: Weights | undefined, name: string): Float32Array =>
  (tensors?.[name]?.data as Float32Array | undefined) ?? new Float32Array(0);

/** The house of the step. */
const row = ({ move, model }: State): number => (move === 4 ? model.step - 1 : model.step) % data.rows;

function draw(s: State): void {
  const { move, model, seen } = s;
  const [, text] = MOVES[move] ?? ['', 'Press Forward.'];
  status.textContent = text;
  status.classList.remove('wrong');
  buttons.forEach((b, i) => {
    b.setAttribute('aria-pressed', String(i === move));
  });
  nextButton.textContent = `Next: ${MOVES[(move + 1) % 5]?.[0] ?? ''}`;
  byId('net').innerHTML = netOf(s);
  byId('legend').textContent =
    move === 3
      ? 'Orange: blame. The thicker, the more this weight changes the loss.'
      : 'Blue: a weight above 0. Grey and dotted: below 0. Thicker: larger.';
  for (const edge of byId('net').querySelectorAll('.edge'))
    edge.addEventListener('click', () => (status.textContent = edge.querySelector('title')?.textContent ?? ''));
  const [x = NaN] = of(seen, 'x');
  const [pred = NaN] = of(seen, '2');
  const [loss = NaN] = of(seen, 'loss');
  const real = s.prices[row(s)] ?? NaN;
  const rows: [string, string][] = [
    ['step', String(model.step)],
    ['house', `number ${row(s) + 1} of ${data.rows}`],
    ...(move >= 0
      ? ([
          ['size', `${short(x)} thousand square feet`],
          ['predicted price', `${short(pred)} thousand dollars`],
        ] as [string, string][])
      : []),
    ...(move >= 1
      ? ([
          ['real price', `${short(real)} thousand dollars`],
          ['difference', short(pred - real)],
          ['loss, the difference squared', short(loss)],
        ] as [string, string][])
      : []),
    ...(move >= 3 ? ([['blame of the output, 2 × difference', short(of(seen, 'grad(2)')[0] ?? NaN)]] as [string, string][]) : []),
  ];
  byId('numbers').replaceChildren(
    h('h2', {}, 'The numbers'),
    h('dl', { class: 'numbers' }, ...rows.map(([name, v]) => h('div', {}, h('dt', {}, name), h('dd', {}, v)))),
  );
  byId('torch').textContent = MOVES.map(([, , code], i) => `${i === move ? '→' : ' '} ${code}`).join('\n');
}

/** The net is drawn as wide as its place, so that its numbers can be read on a phone too. */
const widthNow = (): number => Math.max(300, Math.min(760, byId('net').clientWidth));
const TALL = 560;

/** The net with its 49 parameters: values stand in the circles, lines are weights, or the blame of each of them. */
function netOf(s: State): string {
  const { weights, seen, move } = s;
  const backward = move === 3;
  const y = (unit: number): number => 34 + (unit * (TALL - 68)) / (HIDDEN - 1);
  const wide = widthNow();
  const edgeRoom = wide < 500 ? 42 : 90;
  const [xIn, xMid, xOut, middle] = [edgeRoom, wide / 2, wide - edgeRoom - 4, TALL / 2];
  const value = (name: string, i: number): string => (move < 0 ? '' : short(of(seen, name)[i] ?? NaN));
  const edge = (param: string, i: number, x1: number, y1: number, x2: number, y2: number): string => {
    const weight = of(weights, param)[i] ?? 0;
    const slope = of(seen, `grad(${param})`)[i] ?? 0;
    const shown = backward ? slope : weight;
    const all = backward ? of(seen, `grad(${param})`) : of(weights, param);
    const share = Math.abs(shown) / Math.max(1e-9, ...Array.from(all, Math.abs));
    const note = backward ? `d loss / d ${param}[${i}] = ${short(slope)}` : `${param}[${i}] = ${short(weight)}`;
    const kind = backward ? 'back' : weight < 0 ? 'minus' : 'plus';
    return `<g class="edge"><line x1="${x1}" y1="${y1}" x2="${x2}" y2="${y2}" class="wide"/><line x1="${x1}" y1="${y1}" x2="${x2}" y2="${y2}" class="${kind}" stroke-width="${0.6 + 4 * share}" stroke-opacity="${0.25 + 0.75 * share}"/><title>${note}</title></g>`;
  };
  const units = Array.from({ length: HIDDEN }, (_, i) => i);
  const silent = (i: number): boolean => move >= 0 && (of(seen, '1')[i] ?? 0) === 0;
  return `<div class="figure"><svg viewBox="0 0 ${wide} ${TALL}" width="${wide}" height="${TALL}" role="img" aria-label="the net with its 49 parameters" class="sketch dance">
    ${units.map((i) => edge('0.weight', i, xIn + 34, middle, xMid - 20, y(i))).join('')}
    ${units.map((i) => edge('2.weight', i, xMid + 20, y(i), xOut - 38, middle)).join('')}
    ${units.map((i) => `<circle cx="${xMid}" cy="${y(i)}" r="15" class="unit${silent(i) ? ' silent' : ''}"><title>unit ${i + 1}: ${value('0', i)} before relu, ${value('1', i)} after; bias ${short(of(weights, '0.bias')[i] ?? 0)}</title></circle><text x="${xMid}" y="${y(i) + 4}" text-anchor="middle" class="tiny">${move >= 0 ? String(Number((of(seen, '1')[i] ?? 0).toPrecision(2))) : ''}</text>`).join('')}
    <circle cx="${xIn}" cy="${middle}" r="34" class="end"/><text x="${xIn}" y="${middle + 5}" text-anchor="middle" class="strong">${value('x', 0)}</text><text x="${xIn}" y="${middle + 58}" text-anchor="middle" class="quiet">size</text>
    <circle cx="${xOut}" cy="${middle}" r="38" class="end"/><text x="${xOut}" y="${middle + 5}" text-anchor="middle" class="strong">${value('2', 0)}</text><text x="${xOut}" y="${middle + 62}" text-anchor="middle" class="quiet">price</text>${move >= 1 ? `<text x="${xOut}" y="${middle + 84}" text-anchor="middle" class="quiet">real ${short(s.prices[row(s)] ?? NaN)}</text>` : ''}
    <text x="${xMid}" y="${TALL - 2}" text-anchor="middle" class="quiet">${backward ? '← blame' : 'relu'}</text>
  </svg></div>`;
}

async function begin(): Promise<void> {
  const program = compile(TEXT);
  const model = await load(program.plan({ data, watch: WATCH, devices: 'cpu' }), { data, device: 'cpu' });
  const prices = Object.values(data.train).at(-1) as Float32Array;
  state = { model, prices, weights: await model.weights(), seen: undefined, move: -1 };
  draw(state);
}
begin().catch((e: unknown) => {
  status.textContent = (e as Error).message;
  status.classList.add('wrong');
});
