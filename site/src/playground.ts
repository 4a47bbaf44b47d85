import { Board } from './board.ts';
import { startWorker } from './client.ts';
import { byId, download, h } from './dom.ts';
import { editorIn, goTo, setText } from './editor.ts';
import { EXAMPLES } from './examples.ts';
import type { DataFile, Field, Pass, Prepared, Told } from './protocol.ts';
import { shell } from './shell.ts';
import './style.css';

/** Write a program, bring data, train, and ask. */
shell('playground/');

const worker = startWorker();
const board = new Board();
const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);
let file: DataFile | undefined;
let prepared: Prepared | undefined;
let training = false;

const chooser = h('select', { 'aria-label': 'examples', id: 'examples' }, ...EXAMPLES.map((e, i) => h('option', { value: i }, e.name)));
const trainButton = h('button', { class: 'main', type: 'button', id: 'train' }, 'Train');
const stepButton = h('button', { type: 'button', id: 'step' }, 'Step');
const resetButton = h('button', { type: 'button', id: 'reset' }, 'Reset');
const shareButton = h('button', { type: 'button', id: 'share' }, 'Copy link');
const status = h('p', { class: 'status', role: 'status', id: 'status' });
const holder = h('div', { class: 'editor' });
byId('left').append(
  h('div', { class: 'row', style: 'margin-bottom:12px' }, chooser),
  holder,
  h('div', { class: 'row', style: 'margin-top:12px' }, trainButton, stepButton, resetButton, shareButton),
  status,
);

function say(text: string, wrong = false): void {
  status.textContent = text;
  status.classList.toggle('wrong', wrong);
}
const failed = (e: unknown): void => {
  setTraining(false);
  say((e as Error).message, true);
};

const view = editorIn(
  holder,
  (text) => worker.check(text),
  () => changed(),
  (line) => light(line),
);

// Your data
const told = h(
  'p',
  { class: 'status', style: 'margin:0 0 8px' },
  'Drop a .csv, .json, .npy or .txt file here, choose one, or paste a table.',
);
const pasted = h('textarea', {
  rows: 4,
  'aria-label': 'paste a table',
  placeholder: 'city,sqm,price\nParis,80,410000\nLyon,95,320000',
  id: 'paste',
});
const useButton = h('button', { type: 'button', id: 'use' }, 'Write a program for it');
const picker = h('input', { type: 'file', hidden: true, onchange: () => void take(picker.files?.[0]) });
byId('data').append(
  h('h2', {}, 'Your data'),
  told,
  pasted,
  h(
    'div',
    { class: 'row', style: 'margin-top:8px' },
    useButton,
    h('button', { type: 'button', onclick: () => picker.click() }, 'Choose a file'),
    picker,
  ),
);

async function take(given: File | undefined): Promise<void> {
  if (!given) return;
  await useFile({ name: given.name, bytes: new Uint8Array(await given.arrayBuffer()) });
}

/** Takes a file of the reader, and writes a first program for it if it is a table. */
async function useFile(given: DataFile): Promise<void> {
  file = given;
  told.textContent = `${given.name}: ${given.bytes.length.toLocaleString('en')} bytes`;
  try {
    if (/\.(csv|tsv|json|jsonl)$/i.test(given.name)) {
      const { text, leftOut } = await worker.suggest(given);
      setText(view, text);
      for (const { column, why } of leftOut) told.append(`; without the column ${column}: ${why}`);
    }
    prepared = undefined;
    say('the program fits your data: press Train');
  } catch (e) {
    failed(e);
  }
}

useButton.addEventListener('click', () => {
  const text = pasted.value.trim();
  if (text === '') return say('paste a table into the field first: one line a row, the names of the columns on top', true);
  void useFile({ name: 'table.csv', bytes: bytesOf(`${text}\n`) });
});
const place = byId('data');
for (const [name, over] of [
  ['dragover', true],
  ['dragleave', false],
  ['drop', false],
] as const)
  place.addEventListener(name, (event) => {
    event.preventDefault();
    place.classList.toggle('over', over);
    if (name === 'drop') void take((event as DragEvent).dataTransfer?.files[0]);
  });

// Results
const form = h('form', { id: 'ask' });
const answer = h('p', { class: 'answer', role: 'status', id: 'answer' });
const shares = h('ul', { class: 'shares' });
const passes = h('select', { id: 'passes' });
const about = h('p', { class: 'status' });
const passText = h('pre', { class: 'pane', tabindex: 0, id: 'pass', 'aria-label': 'the graph after the pass' });
let stages: readonly Pass[] = [];

/** Where a node of the graph comes from: a line and a column of the program. */
const PLACE = /@ program\.nn:(\d+):(\d+)/;

/** Shows which nodes come from a line of the program. */
function light(line: number): void {
  for (const node of passText.querySelectorAll<HTMLElement>('.line')) node.classList.toggle('lit', node.dataset['line'] === String(line));
}

/** A click on a node goes to its place in the program. */
passText.addEventListener('click', (event) => {
  const { line, column } = (event.target as HTMLElement).dataset;
  if (line !== undefined) goTo(view, Number(line), Number(column));
});

/** A graph, with the lines marked that the pass before did not have. Numbers of nodes change by themselves. */
function showPass(i: number): void {
  const plain = (line: string): string => line.replace(/%\d+/g, '%');
  const before = new Set((stages[i - 1]?.text ?? '').split('\n').map(plain));
  const { text = '', about: what = '' } = stages[i] ?? {};
  about.textContent = `${what}. ${i > 0 ? 'Marked lines are new; a bar shows' : 'A bar shows'} what comes from the line with the cursor, and a click on a node goes to its place`;
  passText.replaceChildren(
    ...text.split('\n').map((line) => {
      const place = PLACE.exec(line);
      const isNew = i > 0 && !before.has(plain(line));
      return h(isNew ? 'mark' : 'span', { class: 'line', 'data-line': place?.[1], 'data-column': place?.[2] }, `${line}\n`);
    }),
  );
  light(view.state.doc.lineAt(view.state.selection.main.head).number);
}
passes.addEventListener('change', () => showPass(Number(passes.value)));

/** Asks for the passes when they are looked at: compiling once more takes a moment. */
async function loadPasses(): Promise<void> {
  await ready();
  if (stages.length > 0) return;
  stages = await worker.stages();
  passes.replaceChildren(...stages.map((s, i) => h('option', { value: i }, `${i}: ${s.name}`)));
  showPass(0);
}

const panes: Readonly<Record<string, HTMLElement>> = {
  Training: h('div', {}, board.element),
  Ask: h('div', {}, form, answer, shares),
  Net: h('div', { class: 'figure', id: 'net' }),
  Passes: h('div', {}, h('label', { class: 'field' }, 'after the pass', passes), about, passText),
  WGSL: h('pre', { class: 'pane', tabindex: 0, id: 'wgsl', 'aria-label': 'the code for the graphics card' }),
  Plan: h('pre', { class: 'pane', tabindex: 0, id: 'plan', 'aria-label': 'the plan' }),
};
const tabs = h('div', { class: 'tabs', role: 'tablist', 'aria-label': 'results' });
const buttons = Object.keys(panes).map((name) =>
  h(
    'button',
    {
      type: 'button',
      role: 'tab',
      id: `tab-${name}`,
      'aria-controls': `pane-${name}`,
      onclick: () => open(name),
      onkeydown: (e: KeyboardEvent) => arrow(e),
    },
    name,
  ),
);
tabs.append(...buttons);
byId('right').append(
  tabs,
  ...Object.entries(panes).map(([name, content]) =>
    h('div', { role: 'tabpanel', id: `pane-${name}`, 'aria-labelledby': `tab-${name}` }, content),
  ),
  h(
    'div',
    { class: 'row', style: 'margin-top:12px' },
    h('button', { type: 'button', id: 'save', onclick: () => void save() }, 'Save the weights'),
  ),
);

function open(name: string): void {
  if (name === 'Passes') loadPasses().catch(failed);
  for (const b of buttons) {
    const mine = b.textContent === name;
    b.setAttribute('aria-selected', String(mine));
    b.tabIndex = mine ? 0 : -1;
    byId(`pane-${b.textContent ?? ''}`).hidden = !mine;
  }
}

/** Arrow keys go from tab to tab. */
function arrow(event: KeyboardEvent): void {
  const by = event.key === 'ArrowRight' ? 1 : event.key === 'ArrowLeft' ? -1 : 0;
  if (by === 0) return;
  const at = buttons.findIndex((b) => b === event.target);
  const next = buttons[(at + by + buttons.length) % buttons.length];
  open(next?.textContent ?? '');
  next?.focus();
}
open('Training');

const inputs = new Map<string, HTMLInputElement | HTMLSelectElement>();
function ask(fields: readonly Field[]): void {
  inputs.clear();
  const rows = fields.slice(0, 40).map((f) => {
    const input = f.words
      ? h('select', {}, ...f.words.map((w) => h('option', { value: w }, w)))
      : h('input', { type: 'text', value: f.example, inputmode: 'decimal' });
    inputs.set(f.name, input);
    return h('label', { class: 'field' }, f.name, input);
  });
  form.replaceChildren(
    h('div', { class: 'controls' }, ...rows),
    h('button', { class: 'main', style: 'margin-top:16px', id: 'predict' }, 'Predict'),
  );
  answer.textContent = '';
  shares.replaceChildren();
}
form.addEventListener('submit', (event) => {
  event.preventDefault();
  const values = Object.fromEntries([...inputs].map(([name, input]) => [name, input.value]));
  worker.predict(values).then(showAnswer, (e: unknown) => {
    answer.textContent = (e as Error).message;
    shares.replaceChildren();
  });
});
function showAnswer({ head, shares: all }: Told): void {
  answer.textContent = all.length > 0 ? head : `${prepared?.target ?? ''}: ${head}`;
  shares.replaceChildren(
    ...all.map(([name, p]) =>
      h(
        'li',
        {},
        h('span', {}, name),
        h('meter', { min: 0, max: 1, value: p, 'aria-label': name }),
        h('span', {}, `${(100 * p).toFixed(1)}\u00a0%`),
      ),
    ),
  );
}

async function save(): Promise<void> {
  const bytes = await worker.weights();
  if (bytes.length === 0) return say('there are no weights yet: press Train', true);
  download('program.safetensors', bytes as Uint8Array<ArrayBuffer>);
}

function setTraining(on: boolean): void {
  training = on;
  trainButton.textContent = on ? 'Pause' : 'Train';
}

/** The program changed: what was trained belongs to another one. */
function changed(): void {
  if (training) void worker.pause();
  setTraining(false);
  prepared = undefined;
  void worker.check(view.state.doc.toString()).then(({ net, problems, parameters }) => {
    const wrong = problems.find((p) => p.severity === 'error');
    if (net) byId('net').innerHTML = net;
    if (wrong) say(wrong.help === undefined ? wrong.label : `${wrong.label}. ${wrong.help}`, true);
    else if (!training && !prepared) say(`${parameters.toLocaleString('en')} parameters`);
  });
}

/** Compiles and loads the program, unless that is done. */
async function ready(): Promise<void> {
  if (prepared) return;
  say('compiling');
  prepared = await worker.prepare(view.state.doc.toString(), file, {});
  stages = [];
  board.begin(prepared);
  ask(prepared.fields);
  byId('wgsl').textContent = prepared.wgsl;
  byId('plan').textContent = prepared.plan;
  say([`ready on ${prepared.device}`, ...prepared.remarks].join('. '));
}

worker.onEvent = (event) => {
  if (event.type === 'failed') return failed(new Error(event.message));
  board.add(event.frame);
  if (!event.frame.done || !training) return;
  setTraining(false);
  say('done: ask the model, or train on');
};
trainButton.addEventListener('click', () => {
  if (training) {
    setTraining(false);
    say('paused');
    return void worker.pause();
  }
  ready()
    .then(() => {
      say('training');
      setTraining(true);
      return worker.run(undefined);
    })
    .catch(failed);
});
stepButton.addEventListener('click', () => {
  setTraining(false);
  ready()
    .then(() => worker.step())
    .then(() => say('one step done'), failed);
});
resetButton.addEventListener('click', () => {
  setTraining(false);
  prepared = undefined;
  ready().catch(failed);
});

// Programs in the address
shareButton.addEventListener('click', () => {
  const code = btoa(String.fromCharCode(...bytesOf(view.state.doc.toString())));
  history.replaceState(undefined, '', `#${encodeURIComponent(code)}`);
  navigator.clipboard.writeText(location.href).then(
    () => say(file ? 'the link is copied; it holds the program, and not your data' : 'the link is copied'),
    () => say('the link is in the address bar'),
  );
});

function choose(i: number): void {
  const example = EXAMPLES[i];
  if (!example) return;
  file = example.file && { name: example.file.name, bytes: bytesOf(example.file.text) };
  told.textContent = example.file
    ? `${example.file.name}, as the example has it. Bring your own instead:`
    : 'This program draws its own examples. Bring your own instead:';
  setText(view, example.text);
}
chooser.addEventListener('change', () => choose(Number(chooser.value)));

/** The program of `nnc play FILE`, of the address, or the first example. */
async function begin(): Promise<void> {
  choose(0);
  if (location.hash.length > 1) {
    try {
      const bytes = Uint8Array.from(atob(decodeURIComponent(location.hash.slice(1))), (c) => c.charCodeAt(0));
      return setText(view, new TextDecoder().decode(bytes));
    } catch {
      return say('the address holds no program that can be read', true);
    }
  }
  if (!new URLSearchParams(location.search).has('file')) return;
  const given = (await (await fetch('../given.json')).json()) as {
    readonly text: string;
    readonly data?: { readonly name: string; readonly base64: string };
  };
  if (given.data) file = { name: given.data.name, bytes: Uint8Array.from(atob(given.data.base64), (c) => c.charCodeAt(0)) };
  setText(view, given.text);
}
void begin().catch(failed);
