import { autocompletion, type CompletionContext, type CompletionResult } from '@codemirror/autocomplete';
import { defaultKeymap, history, historyKeymap } from '@codemirror/commands';
import { HighlightStyle, StreamLanguage, syntaxHighlighting } from '@codemirror/language';
import { linter, type Diagnostic } from '@codemirror/lint';
import { EditorState } from '@codemirror/state';
import { EditorView, keymap, lineNumbers } from '@codemirror/view';
import { tags } from '@lezer/highlight';
import type { Checked } from './protocol.ts';

const STATEMENTS = [
  'data',
  'input',
  'target',
  'layer',
  'let',
  'param',
  'block',
  'fn',
  'loss',
  'metric',
  'optim',
  'train',
  'precision',
  'print',
  'import',
];
const WORDS = [
  ...STATEMENTS,
  ...['Linear', 'Conv2d', 'MaxPool2d', 'BatchNorm2d', 'LayerNorm', 'Dropout', 'Embedding', 'LSTM', 'GRU', 'MultiheadAttention'],
  ...['relu', 'gelu', 'tanh', 'sigmoid', 'silu', 'softmax', 'flatten', 'mse', 'l1', 'huber', 'cross_entropy', 'bce_with_logits'],
  ...[
    'adam',
    'adamw',
    'sgd',
    'rmsprop',
    'muon',
    'accuracy',
    'mae',
    'r2',
    'normalize',
    'split',
    'epochs',
    'steps',
    'batch',
    'shuffle',
    'seed',
  ],
];

const language = StreamLanguage.define<undefined>({
  token(stream) {
    if (stream.match(/^#.*/)) return 'comment';
    if (stream.match(/^"(?:[^"\\]|\\.)*"?/)) return 'string';
    if (stream.match(/^\d+(?:\.\d+)?(?:e[-+]?\d+)?/i)) return 'number';
    if (stream.match(/^->/)) return 'operator';
    const word = stream.match(/^[A-Za-z_]\w*/) as RegExpMatchArray | null;
    if (word) return STATEMENTS.includes(word[0]) ? 'keyword' : /^[A-Z]/.test(word[0]) ? 'typeName' : 'variableName';
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

const complete = (context: CompletionContext): CompletionResult | null => {
  const word = context.matchBefore(/\w+/);
  if (!word || (word.from === word.to && !context.explicit)) return null;
  return { from: word.from, options: WORDS.map((label) => ({ label, type: STATEMENTS.includes(label) ? 'keyword' : 'function' })) };
};

/** An editor whose problems are those that the compiler finds. */
export function editorIn(
  parent: HTMLElement,
  check: (text: string) => Promise<Checked>,
  onChange: () => void,
  onLine: (line: number) => void,
): EditorView {
  const lint = linter(
    async (view): Promise<Diagnostic[]> => {
      const text = view.state.doc.toString();
      const { problems } = await check(text);
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
        autocompletion({ override: [complete] }),
        lint,
        EditorView.lineWrapping,
        EditorView.contentAttributes.of({ 'aria-label': 'the program' }),
        EditorView.updateListener.of((u) => {
          if (u.docChanged) onChange();
          else if (u.selectionSet) onLine(u.state.doc.lineAt(u.state.selection.main.head).number);
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
