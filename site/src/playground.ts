import { askOf, Board, byId, Controls, download, fileButton, h } from 'nnc/page';
import { startWorker } from './client.ts';
import { editorIn, goTo, setText } from './editor.ts';
import { EXAMPLES } from './examples.ts';
import { Linked } from './linked.ts';
import { ownDataIn } from './own-data.ts';
import type { Checked, DataFile, Pass, Prepared } from './protocol.ts';
import { shell } from './shell.ts';
import { tabsIn } from './tabs.ts';
import { ValuesPane } from './values-pane.ts';
import './style.css';

/** Write a program, bring data, train, ask, and look into the compiler. */
shell('playground/');

const worker = startWorker();
const board = new Board();
const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);
let file: DataFile | undefined;
let prepared: Prepared | undefined;
let checked: Checked | undefined;

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

const chooser = h('select', { 'aria-label': 'examples', id: 'examples' }, ...EXAMPLES.map((e, i) => h('option', { value: i }, e.name)));
const holder = h('div', { class: 'editor' });
byId('left').append(
  h('div', { class: 'row below' }, chooser),
  holder,
  h(
    'div',
    { class: 'row spaced' },
    ...controls.buttons,
    h('button', { type: 'button', id: 'tidy', onclick: () => void tidy().catch(failed) }, 'Tidy'),
    h('button', { type: 'button', id: 'share', onclick: () => share() }, 'Copy link'),
  ),
  controls.status,
);

const view = editorIn(holder, {
  check: async (text) => (checked = await worker.check(text)),
  words: () => worker.words(),
  stages: () => checked?.stages ?? [],
  onChange: () => changed(),
  onLine: (line) => light(line),
});

// Your data
const data = ownDataIn(
  byId('data'),
  (given) => void useFile(given).catch(failed),
  (text) => say(text, true),
);

/** What is said of a program that was just written, instead of its size. */
let fits: string | undefined;

/** Takes a file of the reader, and writes a first program for it if it is a table. */
async function useFile(given: DataFile): Promise<void> {
  let news = `${given.name}: ${given.bytes.length.toLocaleString('en')} bytes`;
  if (/\.(csv|tsv|json|jsonl)$/i.test(given.name)) {
    const { text, leftOut, remarks } = await worker.suggest(given);
    file = given;
    fits = 'the program fits your data: press Train';
    setText(view, text);
    for (const { column, why } of leftOut) news += `; without the column ${column}: ${why}`;
    for (const remark of remarks) news += `; ${remark}`;
    say(fits);
  } else {
    file = given;
    say(`the program now reads ${given.name}: press Train, or change its data line`);
  }
  data.tell(news);
  prepared = undefined;
}

// Results
const go = (line: number, column: number): void => goTo(view, line, column);
const question = h('div', {}, h('p', { class: 'hint' }, 'Press Train first; then you can ask the model here.'));
const waiting = h('p', { class: 'hint' }, 'Press Train. The picture and the loss appear here.');
const net = h('div', { class: 'figure', id: 'net' });
const values = new ValuesPane(worker, failed);
const passes = h('select', { id: 'passes' });
const about = h('p', { class: 'status' });
const passText = new Linked('pass', 'the graph after the pass', go);
const dumps = {
  AST: { says: 'The program as the compiler reads it.', stage: 'ast', text: new Linked('ast', 'the parsed program', go) },
  Kernels: { says: 'The loops that run, one after another.', stage: 'kernels', text: new Linked('kernels', 'the kernels', go) },
  WGSL: { says: 'The code for the graphics card.', stage: 'wgsl', text: new Linked('wgsl', 'the code for the graphics card', go) },
  Memory: {
    says: 'Where each tensor lies. Tensors that are not needed at the same time share a place.',
    stage: 'memory',
    text: new Linked('memory', 'what lies where in memory', go),
  },
  Plan: { says: 'All that a device needs to run the program.', stage: 'plan', text: new Linked('plan', 'the plan', go) },
} as const;
let stages: readonly Pass[] = [];
/** Dumps that belong to the program as it is. */
const shown = new Set<string>();

const lineNow = (): number => view.state.doc.lineAt(view.state.selection.main.head).number;
/** Shows which parts of the compiler's texts come from a line of the program. */
function light(line: number): void {
  for (const { text } of [{ text: passText }, ...Object.values(dumps)]) text.light(line);
}

/** A graph, with the lines marked that the pass before did not have. Numbers of nodes change by themselves. */
function showPass(i: number): void {
  const plain = (line: string): string => line.replace(/%\d+/g, '%');
  const before = new Set((stages[i - 1]?.text ?? '').split('\n').map(plain));
  const { text = '', about: what = '' } = stages[i] ?? {};
  about.textContent = `${what}. ${i > 0 ? 'Marked lines are new; a bar shows' : 'A bar shows'} what comes from the line with the cursor, and a click on a node goes to its place`;
  passText.show(text, (line) => i > 0 && !before.has(plain(line)));
  light(lineNow());
}
passes.addEventListener('change', () => showPass(Number(passes.value)));

/** Asks for the passes when they are looked at: compiling once more takes a moment. */
async function openPasses(): Promise<void> {
  await ready();
  if (stages.length > 0) return;
  stages = await worker.stages();
  passes.replaceChildren(...stages.map((s, i) => h('option', { value: i }, `${i}: ${s.name}`)));
  showPass(0);
}

const openDump = async (name: keyof typeof dumps): Promise<void> => {
  await ready();
  if (shown.has(name)) return;
  const { stage, text } = dumps[name];
  text.show(await worker.dump(stage));
  shown.add(name);
  light(lineNow());
};

const open = tabsIn(
  byId('right'),
  'results',
  {
    Training: { content: h('div', {}, waiting, board.element) },
    Ask: { content: question },
    Net: { content: net },
    Values: {
      content: values.element,
      open: async () => {
        await ready();
        await values.look();
      },
    },
    Passes: { content: h('div', {}, h('label', { class: 'field' }, 'after the pass', passes), about, passText.element), open: openPasses },
    ...Object.fromEntries(
      (Object.keys(dumps) as (keyof typeof dumps)[]).map((name) => [
        name,
        { content: h('div', {}, h('p', { class: 'hint' }, dumps[name].says), dumps[name].text.element), open: () => openDump(name) },
      ]),
    ),
  },
  failed,
);
byId('right').append(
  h(
    'div',
    { class: 'row spaced' },
    h('button', { type: 'button', id: 'page', onclick: () => void savePage().catch(failed) }, 'Save as a page'),
    h('button', { type: 'button', id: 'save', onclick: () => void save().catch(failed) }, 'Save weights'),
    fileButton('Load weights', { label: 'a file of weights', accept: '.safetensors' }, (given) => void takeWeights(given).catch(failed)),
  ),
);
open('Training');

async function save(): Promise<void> {
  const bytes = await worker.weights();
  download('program.safetensors', bytes as Uint8Array<ArrayBuffer>);
}

/** The page that trains, as a file that opens anywhere. */
async function savePage(): Promise<void> {
  await ready();
  say('making the page');
  const html = await worker.page(new URL('../parts/', location.href).href);
  download('program.html', html);
  say(`program.html: ${(html.length / 1000).toFixed(0)} kB. It opens in any browser, with your weights in it`);
}

async function takeWeights(given: File): Promise<void> {
  await ready();
  await worker.setWeights(new Uint8Array(await given.arrayBuffer()), given.name);
  say(`the weights are those of ${given.name}`);
}

async function tidy(): Promise<void> {
  setText(view, await worker.format(view.state.doc.toString()));
}

/** The program changed: what was trained belongs to another one. */
function changed(): void {
  if (controls.training) void worker.pause();
  controls.begin();
  prepared = undefined;
  void worker.check(view.state.doc.toString()).then(({ net: drawn, problems, parameters }) => {
    const wrong = problems.find((p) => p.severity === 'error');
    if (drawn) net.innerHTML = drawn;
    if (wrong) say(wrong.help === undefined ? wrong.label : `${wrong.label}. ${wrong.help}`, true);
    else if (!controls.training && !prepared) say(fits ?? `${parameters.toLocaleString('en')} parameters`);
    fits = undefined;
  });
}

let making: Promise<void> | undefined;
/** Compiles and loads the program, unless that is done. */
async function ready(): Promise<void> {
  if (!prepared) await (making ??= make().finally(() => (making = undefined)));
}

async function make(): Promise<void> {
  say('compiling');
  const [text, given] = [view.state.doc.toString(), file];
  const made = await worker.prepare(text, given, { looks: true });
  if (text !== view.state.doc.toString() || given !== file) throw new Error('the program changed while it was compiled: press Train again');
  prepared = made;
  stages = [];
  shown.clear();
  controls.begin();
  board.begin(made);
  waiting.hidden = true;
  values.offer(made.watchable);
  question.replaceChildren(askOf(made.scene, worker.asked));
  say([`ready on ${made.device}: ${made.reason}`, ...made.remarks].join('. '));
}

worker.onEvent = (event) => {
  if (event.type === 'failed') return controls.broke(new Error(event.message));
  if (event.type === 'device') return say(`the device was lost; it continues on ${event.name}: ${event.reason}`);
  board.add(event.frame);
  controls.frame(event.frame);
  void values.again().catch(failed);
};

// Programs in the address
function share(): void {
  const code = btoa(String.fromCharCode(...bytesOf(view.state.doc.toString())));
  history.replaceState(undefined, '', `#${encodeURIComponent(code)}`);
  navigator.clipboard.writeText(location.href).then(
    () => say(file ? 'the link is copied; it holds the program, and not your data' : 'the link is copied'),
    () => say('the link is in the address bar'),
  );
}

async function choose(i: number): Promise<void> {
  const example = EXAMPLES[i];
  if (!example) return;
  const text = await example.file?.text();
  // Another one may have been chosen meanwhile.
  if (Number(chooser.value) !== i) return;
  file = example.file && { name: example.file.name, bytes: bytesOf(text ?? '') };
  data.tell(
    example.file
      ? `${example.file.name}, as the example has it. Bring your own instead:`
      : 'This program draws its own examples. Bring your own instead:',
  );
  setText(view, example.text);
}
chooser.addEventListener('change', () => void choose(Number(chooser.value)).catch(failed));

/** The program of `nnc play FILE`, of the address, or the first example. */
async function begin(): Promise<void> {
  if (location.hash.length > 1) {
    // A link holds a program, and no data.
    data.tell('This program came with the link, without its data. Bring yours:');
    try {
      const bytes = Uint8Array.from(atob(decodeURIComponent(location.hash.slice(1))), (c) => c.charCodeAt(0));
      return setText(view, new TextDecoder().decode(bytes));
    } catch {
      return say('the address holds no program that can be read', true);
    }
  }
  if (!new URLSearchParams(location.search).has('file')) return choose(0);
  const given = (await (await fetch('../given.json')).json()) as {
    readonly text: string;
    readonly data?: { readonly name: string; readonly base64: string };
  };
  if (given.data) file = { name: given.data.name, bytes: Uint8Array.from(atob(given.data.base64), (c) => c.charCodeAt(0)) };
  setText(view, given.text);
}
void begin().catch(failed);
