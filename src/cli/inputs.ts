import { fail } from '../base/errors.ts';
import { hint } from '../base/suggest.ts';
import type { About, Values } from '../runtime/api.ts';
import { tokenizerOf } from '../runtime/tokens.ts';

/**
 * The inputs of `--input`: examples separated by `;`, and the values of an example by `,`. Values are those of the data's columns, in order
 * or by name (`sqft=3.0, city=Paris`), or else the numbers of each input. Names and values in double quotes
 * may hold any of these signs: `city="A; B"`.
 */
export function parseInput(text: string, about: About): Values {
  const { inputs } = about;
  if (about.vocabulary && !/^[\d\s,;]*$/.test(text)) return byTokens(text, about);
  const columns = inputs.every((i) => i.columns?.length) ? inputs.flatMap((i) => i.columns ?? []) : undefined;
  const examples = pieces(text, ';');
  return columns
    ? byColumns(
        examples,
        columns.map((c) => c.name),
      )
    : byNumbers(examples, inputs);
}

/** How many examples are typed, if they are no text. */
export const examplesIn = (text: string): number => pieces(text, ';').length;

/** A text is one example. */
function byTokens(text: string, about: About): Values {
  const [input] = about.inputs;
  const tokens = tokenizerOf(about).encode(text);
  const width = (input?.shape ?? []).reduce((a, b) => a * b, 1);
  const kind = about.vocabulary?.tokens === 'chars' ? 'character' : about.vocabulary?.tokens === 'bytes' ? 'byte' : 'token';
  if (tokens.length !== width)
    fail('NN501', `the model takes a text of ${width} ${kind}s, and '${text}' has ${tokens.length}`, {
      help: 'nnc generate goes on from a text of any length: --prompt "..."',
    });
  return { [input?.name ?? 'x']: tokens };
}

function byColumns(examples: readonly string[], names: readonly string[]): Values {
  const found = Object.fromEntries(names.map((n): [string, (string | null)[]] => [n, []]));
  for (const example of examples) {
    const cells = pieces(example, ',').map(plain);
    const pairs = cells.map(pairOf);
    const named = pairs.every((p) => p) || pairs.some((p) => p && names.includes(p.name));
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
      const { name, value } = named ? (pairs[i] ?? { name: '', value: '' }) : { name: names[i] ?? '', value: cell };
      if (!names.includes(name))
        fail('NN501', `'${name === '' ? cell : name}' is no column of the model`, { help: hint(name, names, 'it takes') });
      given.set(name, value);
    });
    for (const n of names) found[n]?.push(given.get(n) ?? null);
  }
  return found;
}

/** A name or a value in double quotes, in which `""` is one of them. */
const QUOTED = /^"(?:[^"]|"")*"/;

/** Cuts a text at a separator that is not within quotes. Quotes begin where a name or a value does. */
function pieces(text: string, separator: string): string[] {
  const found: string[] = [];
  let [from, begins] = [0, true];
  for (let i = 0; i < text.length; i++) {
    const c = text[i] ?? '';
    if (c === '"' && begins) {
      const quoted =
        QUOTED.exec(text.slice(i))?.[0] ??
        fail('NN501', `a quote begins at ${text.slice(i, i + 12)} and does not end`, {
          help: 'a quote within quotes is written twice: ""',
        });
      i += quoted.length - 1;
      begins = false;
    } else if (c === separator) {
      found.push(text.slice(from, i).trim());
      from = i + 1;
    }
    if (c.trim() !== '') begins = [',', ';', '='].includes(c);
  }
  return [...found, text.slice(from).trim()];
}

/** Takes the quotes around a name, a value, or both away. */
const plain = (text: string): string => (QUOTED.exec(text)?.[0] === text ? text.slice(1, -1).replaceAll('""', '"') : text);

function pairOf(cell: string): { readonly name: string; readonly value: string } | undefined {
  const [, name, value] = /^("(?:[^"]|"")*"|[^=]+?)\s*=\s*(.*)$/s.exec(cell) ?? [];
  return name === undefined || value === undefined ? undefined : { name: plain(name.trim()), value: plain(value.trim()) };
}

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
