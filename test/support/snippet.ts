import { renderAll } from '../../src/base/diagnostics.ts';
import { check } from '../../src/compile.ts';
import { KEYWORDS } from '../../src/parser/tokens.ts';

/** Values that the examples of tables and messages speak of. */
const VALUES = `param x: [2, 4, 6] = ones
param y: [2, 4, 6] = ones
param image: [2, 3, 8, 8] = ones
param volume: [2, 3, 4, 4, 4] = ones
param w: [5, 6] = ones
param b: [5] = ones
param cube: [5, 6, 6] = ones
let tokens = int([[0, 1, 2], [2, 4, 1]])
let slope = 0.1
let values, places = MaxPool3d(volume, 2, return_indices=true)`;

const errors = (text: string): string => renderAll(check({ name: 'example.nn', text }).diagnostics.filter((d) => d.severity === 'error'));

/** A model around a line; the line takes the place of its own like. */
function around(line: string, loss: string): string {
  const [kind = ''] = /^\w+/.exec(line) ?? [];
  const before = kind === 'layer' ? [] : ['layer Linear(6, 4)'];
  const after = kind === 'loss' ? [] : [`loss ${loss}`];
  const first = kind === 'param' || kind === 'input' || kind === 'layer';
  return (first ? [line, ...before, ...after] : [...before, ...after, line]).join('\n');
}

/**
 * What is wrong with an example: nothing if it is a statement that fits a program, a value, or a stage that something can flow
 * into. Examples may use the values above.
 */
export function wrongWith(example: string): string {
  const [kind = ''] = /^\w+/.exec(example) ?? [];
  if (Object.hasOwn(KEYWORDS, kind) && kind !== 'let' && kind !== 'print') {
    const found = ['mse', 'cross_entropy'].map((loss) => errors(around(example, loss)));
    return found.includes('') ? '' : (found[0] ?? '');
  }
  if (kind === 'let' || kind === 'print') return errors(`${VALUES}\n${example}\nprint x`);
  const trials = [example, ...['x', 'image', 'volume', 'w'].map((v) => `${v} -> ${example}`)];
  const found = trials.map((value) => errors(`${VALUES}\nlet result = ${value}\nprint result`));
  // With a batch of any size, too.
  return found.includes('') || errors(around(`layer ${example}`, 'mse')) === '' ? '' : found.join('\n');
}
