import type { DiagnosticSink } from '../base/diagnostics.ts';
import type * as A from '../parser/ast.ts';
import type { TargetInfo } from './model.ts';

/** A model that compiles and still cannot learn well, by its last stage and its loss. */
interface Pair {
  readonly losses: readonly string[];
  readonly last: readonly string[];
  readonly label: (loss: string, last: string) => string;
  readonly help: (loss: string, last: string) => string;
}

/** Layers whose results may be any number. */
const UNBOUNDED = ['Linear', 'Bilinear', 'Conv1d', 'Conv2d', 'Conv3d', 'ConvTranspose1d', 'ConvTranspose2d', 'ConvTranspose3d'];

const PAIRS: readonly Pair[] = [
  {
    losses: ['cross_entropy'],
    last: ['softmax', 'sigmoid', 'relu'],
    label: (loss, last) => `${loss} takes logits and has a softmax inside, so ${last} before it holds the model back`,
    help: (_loss, last) => `end the model with its Linear: take -> ${last} away`,
  },
  {
    losses: ['bce_with_logits', 'multilabel_soft_margin'],
    last: ['sigmoid', 'softmax', 'relu'],
    label: (loss, last) => `${loss} takes logits and has a sigmoid inside, so ${last} before it holds the model back`,
    help: (_loss, last) => `take -> ${last} away${last === 'sigmoid' ? ', or write: loss bce' : ''}`,
  },
  {
    losses: ['bce'],
    last: UNBOUNDED,
    label: (loss, last) => `${loss} takes probabilities, and ${last} gives any number`,
    help: () => 'write: loss bce_with_logits, or end the model with -> sigmoid',
  },
  {
    losses: ['nll'],
    last: UNBOUNDED,
    label: (loss, last) => `${loss} takes logarithms of probabilities, and ${last} gives any number`,
    help: () => 'write: loss cross_entropy, or end the model with -> log_softmax',
  },
];

/** The name of the last stage of a chain, if it is a layer or function. */
function lastOf(e: A.Expr): string | undefined {
  if (e.kind === 'name') return e.name;
  if (e.kind === 'call') return e.callee.text;
  if (e.kind === 'label') return lastOf(e.stage);
  const last = e.kind === 'pipe' ? e.stages.at(-1) : undefined;
  return last && lastOf(last);
}

/** Warns of programs that compile and cannot work as they stand. */
export function warnOfMismatches({ statements }: A.Program, sink: DiagnosticSink): void {
  const layer = statements.filter((s) => s.kind === 'layer').at(-1);
  const last = layer && lastOf(layer.chain);
  if (layer?.chain.kind === 'binary' && layer.chain.operator === '>' && lastOf(layer.chain.right) !== undefined)
    sink.warn('NN220', layer.span, '> compares two values, and gives 0 or 1', 'stages are connected with ->, as in: Linear(1, 16) -> relu');
  for (const s of statements) {
    if (s.kind === 'loss' && last !== undefined) {
      const loss = s.value.kind === 'name' ? s.value.name : s.value.kind === 'call' ? s.value.callee.text : '';
      const pair = PAIRS.find((p) => p.losses.includes(loss) && p.last.includes(last));
      if (pair) sink.warn('NN220', s.span, pair.label(loss, last), pair.help(loss, last));
    } else if (s.kind === 'optim') {
      const lr = s.settings.find((a) => a.name?.text === 'lr' && !a.of);
      if (lr?.value.kind === 'number' && lr.value.value === 0)
        sink.warn('NN220', lr.span, 'with lr=0 the parameters stay as they are', 'write, for example: lr=0.01');
    } else if (s.kind === 'data') warnOfTargetAmongInputs(s, sink);
  }
}

/** With a single class its probability is always 1, so the loss is 0 from the start. */
export function warnOfOneClass({ statements }: A.Program, targets: readonly TargetInfo[], sink: DiagnosticSink): void {
  const loss = statements.find((s) => s.kind === 'loss');
  if (loss && targets.some((t) => t.classes === 1))
    sink.warn(
      'NN220',
      loss.span,
      'there is one class, so this loss is always 0',
      'give the model an output for each class, or write: loss bce_with_logits',
    );
}

function warnOfTargetAmongInputs(s: A.DataStatement, sink: DiagnosticSink): void {
  const words = (e: A.Expr): string[] =>
    e.kind === 'name' ? [e.name] : e.kind === 'string' ? [e.value] : e.kind === 'list' ? e.items.flatMap(words) : [];
  const columnsOf = (name: string): string[] => s.settings.flatMap((a) => (a.name?.text === name ? words(a.value) : []));
  const inputs = new Set(columnsOf('x'));
  for (const column of columnsOf('y'))
    if (inputs.has(column))
      sink.warn(
        'NN220',
        s.span,
        `the column '${column}' is the target and an input, so there is nothing to learn`,
        'take it out of x=[...]',
      );
}
