import text from '../../examples/addition.nn?raw';
import { startWorker } from './client.ts';
import { Board, byId, Controls, h } from 'nnc/page';
import { AttentionMap } from './attention-map.ts';
import { shell } from './shell.ts';
import './style.css';

/** A small GPT that learns to add two numbers below 100, and answers what is typed. */
shell('gpt/');

const worker = startWorker();
const board = new Board();
byId('program').textContent = text.trimEnd();

const [PLUS, EQUALS, CLASSES] = [10, 11, 12];
/** The places of the sum's digits: what follows each of them is guessed. */
const DIGITS = [5, 6, 7];

let device = '';
const buttons = new Controls({
  run: () => worker.run(undefined),
  pause: () => worker.pause(),
  step: () => worker.step(),
  reset: () => prepare(),
  device: () => device,
});
const [first, second] = ['27', '31'].map((value, i) =>
  h('input', {
    type: 'text',
    inputmode: 'numeric',
    maxlength: 2,
    size: 3,
    value,
    id: i === 0 ? 'first' : 'second',
    'aria-label': i === 0 ? 'first number' : 'second number',
  }),
) as [HTMLInputElement, HTMLInputElement];
const answer = h('p', { class: 'answer', role: 'status', id: 'answer' });
const form = h('form', { class: 'row', id: 'ask' }, first, '+', second, h('button', { class: 'main', id: 'predict' }, '= ?'));
const map = new AttentionMap(worker, text, buttons.failed);
byId('panel').append(h('h2', {}, 'Ask it'), form, answer);
byId('board').append(h('div', { class: 'row' }, ...buttons.buttons), buttons.status, board.element, map.element);

async function prepare(): Promise<void> {
  const prepared = await worker.prepare(text, undefined, {});
  device = prepared.device;
  buttons.begin();
  board.begin(prepared);
  buttons.say(`ready on ${device}: ${prepared.reason}. Training takes a minute or two`);
}

worker.onEvent = (event) => {
  if (event.type === 'failed') return buttons.broke(new Error(event.message));
  if (event.type === 'device') return buttons.say(`the device was lost; it continues on ${event.name}: ${event.reason}`);
  board.add(event.frame);
  buttons.frame(event.frame);
  // When the held-out sums are looked at, so is this one.
  if (event.frame.held) void map.show().catch(buttons.failed);
};

/** The likeliest token at a place. */
function best(scores: Float32Array, place: number): number {
  const row = scores.subarray(place * CLASSES, (place + 1) * CLASSES);
  return row.indexOf(Math.max(...row));
}

const signOf = (token: number): string => (token < 10 ? String(token) : token === PLUS ? '+' : '=');

/** Lets the net write the sum digit by digit: each guess is read before the next one. */
async function sumOf(a: number, b: number): Promise<string> {
  const tokens = [Math.floor(a / 10), a % 10, PLUS, Math.floor(b / 10), b % 10, EQUALS, 0, 0];
  const digits: number[] = [];
  for (const place of DIGITS) {
    const token = best(await worker.scores(tokens), place);
    digits.push(token);
    if (place < 7) tokens[place + 1] = Math.min(token, 9);
  }
  await map.of(tokens, tokens.map(signOf));
  return digits.reverse().map(signOf).join('');
}

form.addEventListener('submit', (event) => {
  event.preventDefault();
  const numbers = [first, second].map((f) => f.value.trim());
  if (!numbers.every((n) => /^\d{1,2}$/.test(n))) {
    answer.textContent = 'give two numbers from 0 to 99';
    return;
  }
  const [a = 0, b = 0] = numbers.map(Number);
  sumOf(a, b).then((said) => {
    const right = Number(said) === a + b;
    answer.textContent = `${a} + ${b} = ${said.replace(/^0(?=\d\d)/, '')}${right ? ', which is right' : `, which is wrong: it is ${a + b}. Train it longer`}`;
  }, buttons.failed);
});
buttons.say('getting ready');
void buttons.during(prepare);
