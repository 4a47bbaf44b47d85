/** What someone who knows Python, PyTorch or Keras may have meant by a line that does not parse. */
export interface Line {
  /** The line up to the place of the error, and from there on. */
  readonly before: string;
  readonly rest: string;
}

interface Mistake {
  /** Matched with the rest of the line; `when` with what stands before. */
  readonly rest: RegExp;
  readonly when?: RegExp;
  /** Not inside brackets. */
  readonly outside?: boolean;
  /** What to write; gets the groups of `rest` and of `when`. */
  readonly help: string | ((rest: RegExpExecArray, before: RegExpExecArray | undefined) => string);
}

const ARROW = 'stages are connected with ->, as in: Linear(1, 16) -> relu';

/** Characters that the language does not use. */
const CHARACTERS: readonly Mistake[] = [
  { rest: /^'([^']*)'/, help: ([, text = '']) => `strings have double quotes: "${text}"` },
  { rest: /^[“”„«]([^“”»]*)[“”»]/, help: ([, text = '']) => `strings have straight quotes: "${text}"` },
  { rest: /^['‘’`“”«]/, help: 'strings have straight double quotes: "house.csv"' },
  { rest: /^[→⇒]|^[–—]>?/, help: 'an arrow is written ->, and a minus is the plain -' },
  { rest: /^[|]/, help: ARROW },
  { rest: /^[×·]/, help: 'a product is written x * y' },
  { rest: /^&/, help: 'write: where(a, b, false), or a * b' },
  { rest: /^\\/, help: 'a line goes on after an operator, a comma or ->, and inside brackets' },
];

/** Words at the start of a line that are statements elsewhere. */
const STATEMENTS: Readonly<Record<string, string>> = {
  def: 'a function is one line: fn f(x) = x^2; a layer of your own is a block: block Mlp(d) { Linear(d, d) -> relu }',
  class: 'a layer of your own is a block: block Mlp(d) { Linear(d, d) -> relu }',
  lambda: 'a function is one line: fn f(x) = x^2',
  for: 'the training loop is one line: train epochs=5; equal layers are repeated by: repeat 3 Block(8)',
  while: 'the training loop is one line: train epochs=5',
  if: 'a choice is a value: where(x > 0, x, 0)',
  return: 'the last line of a block is its result, without a word before it',
  from: 'layers need no import; import "file.nn" reads blocks from another file',
  optimizer: 'write optim, as in: optim adam lr=0.01',
  criterion: 'write loss, as in: loss mse',
  loss_fn: 'write loss, as in: loss mse',
  metrics: 'write metric, once for each: metric mae',
  model: 'write layer, as in: layer Linear(1, 16) -> relu -> Linear(16, 1)',
  net: 'write layer, as in: layer Linear(1, 16) -> relu -> Linear(16, 1)',
  network: 'write layer, as in: layer Linear(1, 16) -> relu -> Linear(16, 1)',
  layers: 'write layer, as in: layer Linear(1, 16) -> relu -> Linear(16, 1)',
  sequential: 'write layer, as in: layer Linear(1, 16) -> relu -> Linear(16, 1)',
  dataset: 'write data, as in: data "house.csv" x=sqft y=price',
  fit: 'write train, as in: train epochs=5 batch=32',
  compile: 'write loss and optim, as in: loss mse; optim adam lr=0.01',
  epochs: 'it is a setting of train: train epochs=5',
  steps: 'it is a setting of train: train steps=500',
  batch: 'it is a setting of train: train batch=32',
  batch_size: 'it is a setting of train: train batch=32',
  lr: 'it is a setting of optim: optim adam lr=0.01',
  learning_rate: 'it is a setting of optim: optim adam lr=0.01',
  seed: 'it is a setting of train: train seed=42',
  predict: 'write print predict(3.0), or run: nnc predict FILE',
  const: 'write let, as in: let width = 16',
  var: 'write let, as in: let width = 16',
  set: 'write let, as in: let width = 16',
};

/** Lines that start with something else than a statement. */
const STARTS: readonly Mistake[] = [
  { rest: /^\/\//, help: 'comments start with #' },
  { rest: /^(\w+)\s*=(?!=)/, help: ([, name = 'x']) => `values have names by let: let ${name} = ...` },
  { rest: /^\w+\.(backward|zero_grad|step)\(/, help: 'train does this in every step; gradients are shown by: print grad(y, x)' },
  { rest: /^\w+\.(to|cuda|cpu)\(/, help: 'nnc takes the fastest device; choose another with: nnc train FILE --device cpu' },
];

/** Something else was expected. */
const EXPECTED: readonly Mistake[] = [
  { when: /^\s*import\s+$/, rest: /^\w/, help: 'layers need no import; a file is imported by its name: import "blocks.nn"' },
  {
    when: /(?:^|;)\s*(loss|metric|optim|layer|data|train)\s*$/,
    rest: /^[=:]\s*(\w*)/,
    help: ([, value = ''], before) => `leave it out: ${before?.[1] ?? 'loss'} ${value}`,
  },
  {
    when: /(?:^|[\s(,])(\w+)\s*$/,
    rest: /^:\s*(-?[\d.][\w.-]*)/,
    help: ([, value = ''], before) => `settings have an equals sign: ${before?.[1] ?? 'lr'}=${value}`,
  },
  {
    when: /(\w+\s*=\s*\d+),\s*$/,
    rest: /^(\d+)/,
    help: ([, fraction = ''], before) => `numbers have a decimal point: ${before?.[1] ?? ''}.${fraction}`,
  },
  { when: /(?:^|;)\s*optim\s+(\w+)\s+$/, rest: /^([\d.]\S*)/, help: ([, v = ''], b) => `say what it is: optim ${b?.[1] ?? 'sgd'} lr=${v}` },
  { when: /(?:^|;)\s*train\s+$/, rest: /^(\d+)/, help: ([, n = '']) => `say of what: train epochs=${n}, or train steps=${n}` },
  {
    when: /(?:^|;)\s*metric\s+(\w+)\s*$/,
    rest: /^,?\s*(\w+)/,
    help: ([, other = ''], before) => `each metric has a line: metric ${before?.[1] ?? ''}; metric ${other}`,
  },
  { when: /(?:^|;)\s*(?:layer|let)\b.*$/, outside: true, rest: /^,/, help: ARROW },
  { when: /(?:^|;)\s*layer\b.*$/, rest: /^=>?/, help: ARROW },
  { when: /\*$/, rest: /^\*\s*(\w*)/, help: ([, n = '']) => `a power is written with ^, as in: x^${n || '2'}` },
  {
    when: /(?:x|y)\s*=\s*\[.*?(\w+)\s+$/,
    rest: /^(\w+)/,
    help: ([, second = ''], before) => `a comma is missing; or, if it is the name of one column, quotes: "${before?.[1] ?? ''} ${second}"`,
  },
  { when: /[[(][^\])]*[\w")\]]\s+$/, rest: /^[\w"([]/, help: 'a comma is missing' },
  { when: /(?:^|;)\s*print\b.*[\w")\]]\s+$/, rest: /^[\w"([]/, help: 'a comma is missing: print "a", b' },
];

const TABLES = { NN101: CHARACTERS, NN103: EXPECTED, NN105: EXPECTED } as const;

/** What was probably meant at the place of an error; undefined if that is not known. */
export function meant(code: string, line: Line): string | undefined {
  if (code !== 'NN104') return Object.hasOwn(TABLES, code) ? find(TABLES[code as keyof typeof TABLES], line) : undefined;
  const [, word = '', dot] = /^(\w+)(\.?)/.exec(line.rest) ?? [];
  return (dot ? undefined : statement(word.toLowerCase())) ?? find(STARTS, line);
}

const statement = (word: string): string | undefined => (Object.hasOwn(STATEMENTS, word) ? STATEMENTS[word] : undefined);

/** Whether a text ends inside brackets. */
function isInside(text: string): boolean {
  let depth = 0;
  for (const c of text) depth = '(['.includes(c) ? depth + 1 : ')]'.includes(c) ? Math.max(0, depth - 1) : depth;
  return depth > 0;
}

function find(table: readonly Mistake[], { before, rest }: Line): string | undefined {
  for (const m of table) {
    const after = m.rest.exec(rest);
    const ahead = m.when?.exec(before) ?? undefined;
    if (after && (!m.when || ahead) && !(m.outside && isInside(before))) return typeof m.help === 'string' ? m.help : m.help(after, ahead);
  }
  return undefined;
}
