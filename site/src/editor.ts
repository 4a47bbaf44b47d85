import { autocompletion, type CompletionContext, type CompletionResult } from '@codemirror/autocomplete';
import { defaultKeymap, history, historyKeymap } from '@codemirror/commands';
import { HighlightStyle, StreamLanguage, syntaxHighlighting } from '@codemirror/language';
import { linter, type Diagnostic } from '@codemirror/lint';
import { EditorState } from '@codemirror/state';
import { EditorView, hoverTooltip, keymap, lineNumbers, type Tooltip } from '@codemirror/view';
import { tags } from '@lezer/highlight';
import type { Word, WordKind } from 'nnc';
import { h } from 'nnc/page';
import type { Checked, Stage } from './protocol.ts';

const STATEMENTS = /^(?:data|input|target|layer|let|param|block|fn|loss|metric|optim|train|precision|print|import)\b/;

const language = StreamLanguage.define<undefined>({
  token(stream) {
    if (stream.match(/^#.*/)) return 'comment';
    if (stream.match(/^"(?:[^"\\]|\\.)*"?/)) return 'string';
    if (stream.match(/^\d+(?:\.\d+)?(?:e[-+]?\d+)?/i)) return 'number';
    if (stream.match(/^->/)) return 'operator';
    const word = stream.match(/^[A-Za-z_]\w*/) as RegExpMatchArray | null;
    if (word) return STATEMENTS.test(word[0]) ? 'keyword' : /^[A-Z]/.test(word[0]) ? 'typeName' : 'variableName';
    stream.next();
    return null;
  },
});

const colours = HighlightStyle.define([
  { tag: tags.keyword, color: 'var(--forward)', fontWeight: '600' },
  { tag: tags.typeName, color: 'var(--backward)' },
  { tag: tags.string, color: 'var(--data)' },
  { tag: tags.number, color: 'var(--data)' },
  { tag: tags.operator, color: 'var(--forward)' },
  { tag: tags.comment, color: 'var(--soft)', fontStyle: 'italic' },
]);

/** What an editor asks of the page around it. */
export interface EditorHost {
  readonly check: (text: string) => Promise<Checked>;
  /** All words of the language; asked for once. */
  readonly words: () => Promise<readonly Word[]>;
  /** The stages of the program as it was checked last. */
  readonly stages: () => readonly Stage[];
  readonly onChange: () => void;
  readonly onLine: (line: number) => void;
}

/** Which words make sense in a statement; elsewhere layers and functions do. */
const SENSE: Readonly<Record<string, readonly WordKind[]>> = {
  loss: ['loss'],
  metric: ['metric', 'loss'],
  optim: ['optimizer', 'schedule'],
  layer: ['layer', 'initialiser'],
};
/** Settings of statements that have no tables of words. */
const SETTINGS: Readonly<Record<string, readonly string[]>> = {
  data: ['normalize', 'normalize_target', 'split', 'missing', 'hold', 'test', 'tokens', 'context', 'stride', 'seed', 'n'],
  train: ['epochs', 'steps', 'batch', 'shuffle', 'seed', 'early_stop', 'accumulate', 'ema'],
  precision: ['f32', 'f16'],
};

/** What can stand at the cursor, by the statement that it is in. */
function completionFrom(words: () => Promise<readonly Word[]>) {
  return async (context: CompletionContext): Promise<CompletionResult | null> => {
    const word = context.matchBefore(/\w+/);
    if (!word || (word.from === word.to && !context.explicit)) return null;
    const line = context.state.doc.lineAt(word.from);
    const before = line.text.slice(0, word.from - line.from);
    const [statement = ''] = /^\s*(\w+)/.exec(before) ?? [];
    const name = statement.trim();
    const all = await words();
    const kinds: readonly WordKind[] = before.trim() === '' ? ['statement'] : (SENSE[name] ?? ['layer']);
    const settings = SETTINGS[name];
    const options = settings
      ? settings.map((label) => ({ label, type: 'property' }))
      : all
          .filter((w) => kinds.includes(w.kind))
          .map((w) => ({ label: w.name, detail: w.torch ?? '', info: w.doc, type: w.kind === 'statement' ? 'keyword' : 'function' }));
    return { from: word.from, options };
  };
}

/** What the compiler knows about the word under the pointer: what it is, its shape here, PyTorch's name, its derivative. */
function hoverFrom({ words, stages }: EditorHost) {
  return async (view: EditorView, at: number): Promise<Tooltip | null> => {
    const line = view.state.doc.lineAt(at);
    const here = [...line.text.matchAll(/[A-Za-z_]\w*/g)].find((m) => line.from + m.index <= at && at <= line.from + m.index + m[0].length);
    if (!here) return null;
    const [name] = here;
    const all = await words();
    const [statement = ''] = /^\s*\w+/.exec(line.text) ?? [];
    const found = all.filter((w) => w.name === name);
    const word = found.find((w) => (SENSE[statement.trim()] ?? []).includes(w.kind)) ?? found[0];
    const stage = stages().find((s) => s.line === line.number && s.column === here.index + 1);
    if (!word && !stage) return null;
    const rows: [string, string][] = [
      ...(word?.shape ? ([['shapes', word.shape]] as [string, string][]) : []),
      ...(stage ? ([['out of it', `[${stage.output}]`]] as [string, string][]) : []),
      ...(stage && stage.parameters > 0 ? ([['weights', stage.parameters.toLocaleString('en')]] as [string, string][]) : []),
      ...(word?.torch ? ([['PyTorch', word.torch]] as [string, string][]) : []),
      ...(word?.derivative ? ([['derivative', word.derivative]] as [string, string][]) : []),
    ];
    return {
      pos: line.from + here.index,
      end: line.from + here.index + name.length,
      above: true,
      create: () => ({
        dom: h(
          'div',
          { class: 'hover' },
          h('code', {}, stage?.text ?? word?.call ?? name),
          word ? h('p', {}, word.doc) : undefined,
          h('dl', {}, ...rows.flatMap(([key, value]) => [h('dt', {}, key), h('dd', {}, value)])),
        ),
      }),
    };
  };
}

/** An editor whose problems are those that the compiler finds. */
export function editorIn(parent: HTMLElement, host: EditorHost): EditorView {
  let asked: Promise<readonly Word[]> | undefined;
  const words = (): Promise<readonly Word[]> =>
    (asked ??= host.words().catch((e: unknown) => {
      asked = undefined;
      throw e;
    }));
  const lint = linter(
    async (view): Promise<Diagnostic[]> => {
      const text = view.state.doc.toString();
      const { problems } = await host.check(text);
      const end = text.length;
      return problems.map(({ from = 0, to = end, severity, label, help }) => ({
        from: Math.min(from, end),
        to: Math.min(Math.max(to, from), end),
        severity,
        message: help === undefined ? label : `${label}\n${help}`,
      }));
    },
    { delay: 250 },
  );
  return new EditorView({
    parent,
    state: EditorState.create({
      extensions: [
        lineNumbers(),
        history(),
        keymap.of([...defaultKeymap, ...historyKeymap]),
        language,
        syntaxHighlighting(colours),
        autocompletion({ override: [completionFrom(words)] }),
        hoverTooltip(hoverFrom({ ...host, words })),
        lint,
        EditorView.lineWrapping,
        EditorView.contentAttributes.of({ 'aria-label': 'the program' }),
        EditorView.updateListener.of((u) => {
          if (u.docChanged) host.onChange();
          else if (u.selectionSet) host.onLine(u.state.doc.lineAt(u.state.selection.main.head).number);
        }),
      ],
    }),
  });
}

export function setText(view: EditorView, text: string): void {
  view.dispatch({ changes: { from: 0, to: view.state.doc.length, insert: text } });
}

/** Puts the cursor on a place of the program, as messages and graphs name it. */
export function goTo(view: EditorView, line: number, column: number): void {
  if (line > view.state.doc.lines) return;
  const { from, to } = view.state.doc.line(line);
  const at = Math.min(to, from + column - 1);
  view.dispatch({ selection: { anchor: at }, scrollIntoView: true });
  view.focus();
}
