import Papa from 'papaparse';
import { fail } from '../base/errors.ts';
import { hint } from '../base/suggest.ts';
import type { About, Values } from '../runtime/api.ts';

/**
 * The inputs of `--input`: examples separated by `;`, and the values of an example by `,`. Values are those of the data's columns, in order
 * or by name (`sqft=3.0, city=Paris`), or else the numbers of each input.
 */
export function parseInput(text: string, inputs: About['inputs']): Values {
  const columns = inputs.every((i) => i.columns?.length) ? inputs.flatMap((i) => i.columns ?? []) : undefined;
  const examples = text.split(';').map((e) => e.trim());
  return columns
    ? byColumns(
        examples,
        columns.map((c) => c.name),
      )
    : byNumbers(examples, inputs);
}

function byColumns(examples: readonly string[], names: readonly string[]): Values {
  const found = Object.fromEntries(names.map((n): [string, (string | null)[]] => [n, []]));
  for (const example of examples) {
    const cells = cellsOf(example);
    const pairs = cells.map((cell) => /^([^=]+)=(.*)$/.exec(cell));
    const named = pairs.every((p) => p) || pairs.some((p) => p && names.includes(p[1]?.trim() ?? ''));
    if (!named && cells.length !== names.length)
      fail(
        'NN501',
        `the model takes ${names.length} value${names.length === 1 ? '' : 's'} for each example, and '${example}' has ${cells.length}`,
        {
          help: `they are ${names.join(', ')}; name those that you give: --input "${names[0] ?? 'x'}=..."`,
        },
      );
    const given = new Map<string, string>();
    cells.forEach((cell, i) => {
      const [, name = '', value = ''] = named ? (pairs[i] ?? []) : ['', names[i] ?? '', cell];
      if (!names.includes(name.trim()))
        fail('NN501', `'${name === '' ? cell : name.trim()}' is no column of the model`, { help: hint(name.trim(), names, 'it takes') });
      given.set(name.trim(), value.trim());
    });
    for (const n of names) found[n]?.push(given.get(n) ?? null);
  }
  return found;
}

const cellsOf = (example: string): string[] => ((Papa.parse(example, { delimiter: ',' }).data as string[][])[0] ?? []).map((c) => c.trim());

function byNumbers(examples: readonly string[], inputs: About['inputs']): Values {
  const widths = inputs.map((i) => i.shape.reduce((a, b) => a * b, 1));
  const width = widths.reduce((a, b) => a + b, 0);
  const values = widths.map((): number[] => []);
  for (const example of examples) {
    const numbers = example.split(/\s*,\s*|\s+/);
    if (numbers.length !== width)
      fail('NN501', `the model takes ${width} number${width === 1 ? '' : 's'} for each example, and '${example}' has ${numbers.length}`, {
        help: 'separate numbers by commas and examples by semicolons',
      });
    let place = 0;
    widths.forEach((n, k) => {
      for (const number of numbers.slice(place, place + n)) {
        if (number === '' || !Number.isFinite(Math.fround(Number(number))))
          fail('NN501', number === '' ? 'a number is missing between two commas' : `'${number}' is not a number that float32 holds`);
        values[k]?.push(Number(number));
      }
      place += n;
    });
  }
  return Object.fromEntries(inputs.map((input, i) => [input.name, values[i] ?? []]));
}
