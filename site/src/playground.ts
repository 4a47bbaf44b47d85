import { startWorker } from './client.ts';
import { askOf, Board, byId, Controls, download, h } from 'nnc/page';
import { editorIn, goTo, setText } from './editor.ts';
import { EXAMPLES } from './examples.ts';
import type { DataFile, Pass, Prepared } from './protocol.ts';
import { shell } from './shell.ts';
import './style.css';

/** Write a program, bring data, train, and ask. */
shell('playground/');

const worker = startWorker();
const board = new Board();
const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);
let file: DataFile | undefined;
let prepared: Prepared | undefined;

const chooser = h('select', { 'aria-label': 'examples', id: 'examples' }, ...EXAMPLES.map((e, i) => h('option', { value: i }, e.name)));
const controls = new Controls({
  ready: () => ready(),
  run: () => worker.run(undefined),
  pause: () => worker.pause(),
  step: () => worker.step(),
  reset: () => {
    prepared = undefined;
    return ready();
  },
  device: () => prepared?.device ?? '',
});
const say = (text: string, wrong = false): void => controls.say(text, wrong);
const { failed } = controls;
const shareButton = h('button', { type: 'button', id: 'share' }, 'Copy link');
const holder = h('div', { class: 'editor' });
byId('left').append(
  h('div', { class: 'row', style: 'margin-bottom:12px' }, chooser),
  holder,
  h('div', { class: 'row', style: 'margin-top:12px' }, ...controls.buttons, shareButton),
  controls.status,
);

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
  Ask: h('div', {}, h('p', { class: 'hint' }, 'Press Train first; then you can ask the model here.')),
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
    h('button', { type: 'button', id: 'save', onclick: () => void save().catch(failed) }, 'Save the weights'),
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

async function save(): Promise<void> {
  const bytes = await worker.weights();
  download('program.safetensors', bytes as Uint8Array<ArrayBuffer>);
}

/** The program changed: what was trained belongs to another one. */
function changed(): void {
  if (controls.training) void worker.pause();
  controls.begin();
  prepared = undefined;
  void worker.check(view.state.doc.toString()).then(({ net, problems, parameters }) => {
    const wrong = problems.find((p) => p.severity === 'error');
    if (net) byId('net').innerHTML = net;
    if (wrong) say(wrong.help === undefined ? wrong.label : `${wrong.label}. ${wrong.help}`, true);
    else if (!controls.training && !prepared) say(`${parameters.toLocaleString('en')} parameters`);
  });
}

/** Compiles and loads the program, unless that is done. */
async function ready(): Promise<void> {
  if (prepared) return;
  say('compiling');
  prepared = await worker.prepare(view.state.doc.toString(), file, {});
  stages = [];
  controls.begin();
  board.begin(prepared);
  panes['Ask']?.replaceChildren(askOf(prepared.scene, worker.asked));
  byId('wgsl').textContent = prepared.wgsl;
  byId('plan').textContent = prepared.plan;
  say([`ready on ${prepared.device}`, ...prepared.remarks].join('. '));
}

worker.onEvent = (event) => {
  if (event.type === 'failed') return failed(new Error(event.message));
  if (event.type === 'device') return say(`it goes on on ${event.name}: ${event.reason}`);
  board.add(event.frame);
  controls.frame(event.frame);
};

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
