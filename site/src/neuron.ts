import { compile } from 'nnc';
import { drawFit, picture } from 'nnc/pictures';
import { load, type Model } from 'nnc/runtime';
import { byId, h, perFrame, short } from 'nnc/page';
import { shell } from './shell.ts';
import './style.css';

/** One neuron, computed by nnc: its products, its sum and its output are the output of a program. */
shell('neuron/');

const ACTIVATIONS: Readonly<Record<string, { readonly text: string; readonly says: string }>> = {
  none: { text: 's', says: 'The sum goes out as it is.' },
  relu: { text: 'relu(s)', says: 'relu lets what is above 0 pass, and makes 0 of the rest. A very negative bias keeps it shut.' },
  sigmoid: { text: 'sigmoid(s)', says: 'sigmoid squishes every number between 0 and 1: far below 0 is no, far above is yes.' },
  tanh: { text: 'tanh(s)', says: 'tanh squishes every number between -1 and 1.' },
};

const programOf = (act: string): string => `input x: [2]
param w: [2]
param b: [1]
let p = x * w
let s = sum(p, dim=1, keepdim=true) + b
layer concat(p, s, ${act}, dim=1)`;

interface Slider {
  readonly input: HTMLInputElement;
  readonly shown: HTMLOutputElement;
}

const panel = byId('panel');
const sliders = new Map<string, Slider>();
const groups: readonly (readonly [
  string,
  string,
  readonly (readonly [name: string, label: string, low: number, high: number, start: number, step: number])[],
])[] = [
  [
    'Inputs',
    'data',
    [
      ['x1', 'food', 0, 10, 8, 0.1],
      ['x2', 'service', 0, 10, 9, 0.1],
    ],
  ],
  [
    'Weights and bias',
    'forward',
    [
      ['w1', 'weight of food', -2, 2, 0.1, 0.05],
      ['w2', 'weight of service', -2, 2, 0.2, 0.05],
      ['b', 'bias', -20, 20, 5, 0.5],
    ],
  ],
];
for (const [title, role, rows] of groups)
  panel.append(
    h('h2', { class: role }, title),
    ...rows.map(([name, label, min, max, value, step]) => {
      const input = h('input', { type: 'range', id: name, min, max, step, value });
      const shown = h('output', { for: name });
      sliders.set(name, { input, shown });
      input.addEventListener('input', () => update());
      return h('label', { class: 'slider' }, h('span', {}, label), input, shown);
    }),
  );
const activation = h('select', { id: 'activation' }, ...Object.keys(ACTIVATIONS).map((a) => h('option', { value: a }, a)));
const says = h('p', { class: 'status' });
const program = h('code');
panel.append(
  h('label', { class: 'field', style: 'margin-top:16px' }, 'activation', activation),
  says,
  h('h2', { style: 'margin-top:16px' }, 'The program'),
  h('pre', { tabindex: 0, 'aria-label': 'the program' }, program),
);
const value = (name: string): number => Number(sliders.get(name)?.input.value ?? 0);

const sketch = h('div', { class: 'figure', id: 'sketch' });
const curve = h('div', { class: 'figure', id: 'curve' });
const sentence = h('p', { class: 'answer', role: 'status', id: 'sentence' });
byId('picture').append(sketch, sentence, curve);

/** The models of an activation: one for the sliders, and one that draws the curve. */
interface Pair {
  readonly neuron: Model;
  readonly ends: Float32Array;
}
const models = new Map<string, Promise<Pair>>();
const [LOW, HIGH, N] = [-12, 12, 121];

async function modelsOf(name: string): Promise<Pair> {
  const plan = compile(programOf(ACTIVATIONS[name]?.text ?? 's')).plan();
  const neuron = await load(plan, { device: 'cpu' });
  await neuron.setWeights(weights(1, 0, 0));
  const x = Float32Array.from({ length: 2 * N }, (_, i) => (i % 2 ? 0 : place(i >> 1)));
  const { data } = await neuron.predict(x);
  return { neuron, ends: Float32Array.from({ length: N }, (_, i) => data[4 * i + 3] ?? 0) };
}
const place = (i: number): number => LOW + ((HIGH - LOW) * i) / (N - 1);
const weights = (w1: number, w2: number, b: number) => ({
  w: { shape: [2], data: Float32Array.of(w1, w2) },
  b: { shape: [1], data: Float32Array.of(b) },
});

const draw = perFrame((numbers: readonly [number, number, number, number, Float32Array]) => {
  const [p1, p2, sum, out, ends] = numbers;
  sketch.innerHTML = sketchOf(p1, p2, sum, out);
  const act = activation.value;
  sentence.textContent = `${short(value('x1'))} × ${short(value('w1'))} + ${short(value('x2'))} × ${short(value('w2'))} + ${short(value('b'))} = ${short(sum)}${act === 'none' ? '' : `, ${act} gives ${short(out)}`}`;
  const shown = Math.max(LOW, Math.min(HIGH, sum));
  const drawing = drawFit({
    points: [],
    marked: { x: shown, y: act === 'none' ? shown : out },
    curve: Array.from(ends, (y, i) => ({ x: place(i), y })),
    x: 'sum',
    y: 'output',
    width: Math.max(300, Math.min(660, byId('picture').clientWidth - 34)),
    height: 240,
  });
  curve.innerHTML = picture(drawing, `The activation ${act}, and where the neuron is on it`, 'auto');
});

async function update(): Promise<void> {
  for (const { input, shown } of sliders.values()) shown.textContent = short(Number(input.value));
  const name = activation.value;
  const { says: text = '' } = ACTIVATIONS[name] ?? {};
  says.textContent = text;
  program.textContent = `layer Linear(2, 1)${name === 'none' ? '' : ` -> ${name}`}\n# weight [${short(value('w1'))}, ${short(value('w2'))}], bias ${short(value('b'))}`;
  let pair = models.get(name);
  if (!pair) models.set(name, (pair = modelsOf(name)));
  const { neuron, ends } = await pair;
  await neuron.setWeights(weights(value('w1'), value('w2'), value('b')));
  const { data } = await neuron.predict([value('x1'), value('x2')]);
  const [p1 = 0, p2 = 0, sum = 0, out = 0] = data;
  draw([p1, p2, sum, out, ends]);
}

/** The neuron: inputs on the left, products on the wires, the sum in the middle, the output on the right. */
function sketchOf(p1: number, p2: number, sum: number, out: number): string {
  const act = activation.value;
  const wire = (y: number, w: number, p: number): string =>
    `<line x1="96" y1="${y}" x2="292" y2="130" class="${w < 0 ? 'minus' : 'plus'}" stroke-width="${1.5 + 4 * Math.min(1, Math.abs(w) / 2)}"${w < 0 ? ' stroke-dasharray="9 5"' : ''}/>
     <text x="194" y="${(y + 130) / 2 + (y < 130 ? -34 : 48)}" text-anchor="middle">× ${short(w)} = <tspan class="strong">${short(p)}</tspan></text>`;
  const input = (y: number, name: string, v: number): string =>
    `<circle cx="66" cy="${y}" r="30" class="end"/><text x="66" y="${y + 5}" text-anchor="middle" class="strong">${short(v)}</text><text x="66" y="${y + (y < 130 ? -40 : 52)}" text-anchor="middle" class="quiet">${name}</text>`;
  return `<svg viewBox="0 0 620 262" role="img" aria-label="the neuron with its numbers" class="sketch">
    ${wire(64, value('w1'), p1)}${wire(196, value('w2'), p2)}
    ${input(64, 'food', value('x1'))}${input(196, 'service', value('x2'))}
    <circle cx="330" cy="130" r="40" class="unit"/><text x="330" y="124" text-anchor="middle" class="strong">${short(sum)}</text><text x="330" y="148" text-anchor="middle" class="quiet">sum</text>
    <line x1="330" y1="30" x2="330" y2="90" class="${value('b') < 0 ? 'minus' : 'plus'}" stroke-width="2.5"/><text x="330" y="22" text-anchor="middle">bias ${short(value('b'))}</text>
    <line x1="370" y1="130" x2="520" y2="130" class="plus" stroke-width="2.5"/><text x="445" y="116" text-anchor="middle" class="quiet">${act === 'none' ? '' : act}</text>
    <circle cx="552" cy="130" r="38" class="end"/><text x="552" y="135" text-anchor="middle" class="strong">${Number(out.toPrecision(3))}</text><text x="552" y="190" text-anchor="middle" class="quiet">output</text>
  </svg>`;
}

activation.addEventListener('change', () => void update());
void update();
