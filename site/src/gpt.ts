import text from '../../examples/addition.nn?raw';
import { Board } from './board.ts';
import { startWorker } from './client.ts';
import { byId, h } from './dom.ts';
import { shell } from './shell.ts';
import './style.css';

/** A small GPT that learns to add two numbers below 100, and answers what is typed. */
shell('gpt/');

const worker = startWorker();
const board = new Board();
byId('board').append(board.element);
byId('program').textContent = text.trimEnd();

const [PLUS, EQUALS, CLASSES] = [10, 11, 12];
/** The places of the sum's digits: what follows each of them is guessed. */
const DIGITS = [5, 6, 7];

const trainButton = h('button', { class: 'main', type: 'button', id: 'train' }, 'Train');
const resetButton = h('button', { type: 'button', id: 'reset' }, 'Reset');
const status = h('p', { class: 'status', role: 'status', id: 'status' }, 'getting ready');
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
byId('panel').append(h('div', { class: 'row' }, trainButton, resetButton), status, h('h2', {}, 'Ask it'), form, answer);

function say(message: string, wrong = false): void {
  status.textContent = message;
  status.classList.toggle('wrong', wrong);
}
const failed = (e: unknown): void => {
  setTraining(false);
  say((e as Error).message, true);
};
let training = false;
function setTraining(on: boolean): void {
  training = on;
  trainButton.textContent = on ? 'Pause' : 'Train';
}

async function prepare(): Promise<void> {
  const prepared = await worker.prepare(text, undefined, {});
  board.begin(prepared);
  say(`ready on ${prepared.device}`);
}

worker.onEvent = (event) => {
  if (event.type === 'failed') return failed(new Error(event.message));
  board.add(event.frame);
  if (!event.frame.done || !training) return;
  setTraining(false);
  say('done: it has seen every sum of its lessons 30 times');
};
trainButton.addEventListener('click', () => {
  if (training) {
    setTraining(false);
    say('paused');
    return void worker.pause();
  }
  say('training: this takes a minute or two');
  setTraining(true);
  worker.run(undefined).catch(failed);
});
resetButton.addEventListener('click', () => {
  setTraining(false);
  prepare().catch(failed);
});

/** The likeliest token at a place. */
function best(scores: Float32Array, place: number): number {
  const row = scores.subarray(place * CLASSES, (place + 1) * CLASSES);
  return row.indexOf(Math.max(...row));
}

/** Lets the net write the sum digit by digit: each guess is read before the next one. */
async function sumOf(a: number, b: number): Promise<string> {
  const tokens = [Math.floor(a / 10), a % 10, PLUS, Math.floor(b / 10), b % 10, EQUALS, 0, 0];
  const digits: number[] = [];
  for (const place of DIGITS) {
    const token = best(await worker.scores(tokens), place);
    digits.push(token);
    if (place < 7) tokens[place + 1] = Math.min(token, 9);
  }
  return digits
    .reverse()
    .map((d) => (d < 10 ? String(d) : d === PLUS ? '+' : '='))
    .join('');
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
  }, failed);
});
prepare().catch(failed);
