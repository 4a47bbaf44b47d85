import { messageOf } from '../base/errors.ts';
import type { Model, Prediction } from '../runtime/api.ts';
import { probabilities } from '../runtime/probabilities.ts';

/** Where the form of a page is. */
export interface FormPlaces {
  readonly fields: HTMLElement;
  readonly form: HTMLElement;
  readonly output: HTMLElement;
  readonly shares: HTMLElement;
}

interface FormInfo {
  readonly inputs: readonly { readonly name: string; readonly width: number }[];
  readonly example: readonly (readonly number[])[];
}

/** One field of the form, and its values for the model. */
interface Field {
  readonly name: string;
  readonly control: HTMLInputElement | HTMLSelectElement;
  readonly width: number;
}

/** Numbers that an answer shows, and classes. */
const SHOWN = 40;
const CLASSES = 6;

/** A field for each column of the data, with its words to choose from; for inputs without columns, one for all their numbers. */
export function formOf(model: Model, info: FormInfo, { fields, form, output, shares }: FormPlaces): void {
  const columns = model.about.inputs.every((i) => i.columns) ? model.about.inputs.flatMap((i) => i.columns ?? []) : [];
  const all: Field[] = columns.length
    ? columns.map((c) => ({ name: c.name, width: 1, control: c.words ? choiceOf(c.words) : inputOf('') }))
    : info.inputs.map(({ name, width }, i) => ({
        name,
        width,
        control: inputOf((info.example[i] ?? []).slice(0, width).map(short).join(', ')),
      }));
  if (columns.length) seedFields(all, info);
  fields.replaceChildren(
    ...all.map(({ name, control, width }) => {
      const label = document.createElement('label');
      label.append(width > 1 ? `${name} (${width} numbers)` : name, control);
      label.classList.toggle('wide', width > 1);
      return label;
    }),
  );
  const [first] = all;
  if (first) first.control.id = 'input';
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    shares.replaceChildren();
    const wrong = columns.length ? undefined : problemOf(all);
    if (wrong !== undefined) return void (output.textContent = wrong);
    model
      .predict(Object.fromEntries(all.map(({ name, control }) => [name, valuesOf(control.value, columns.length > 0)])))
      .then((said) => answer(model, said, output, shares))
      .catch((e: unknown) => (output.textContent = messageOf(e)));
  });
}

/** The first example stands in the fields, where each column is one number. */
function seedFields(all: readonly Field[], { example }: FormInfo): void {
  const values = example.flat();
  if (values.length === all.length) all.forEach(({ control }, i) => (control.value = short(values[i] ?? 0)));
}

const short = (v: number): string => String(Number(v.toPrecision(5)));

function inputOf(value: string): HTMLInputElement {
  const input = document.createElement('input');
  [input.value, input.autocomplete] = [value, 'off'];
  return input;
}

function choiceOf(words: readonly string[]): HTMLSelectElement {
  const select = document.createElement('select');
  select.append(...words.map((w) => new Option(w, w)));
  return select;
}

const partsOf = (text: string): string[] => text.split(/[\s,;]+/).filter((t) => t !== '');

function problemOf(all: readonly Field[]): string | undefined {
  for (const { control, width, name } of all) {
    const parts = partsOf(control.value);
    if (parts.length !== width || parts.some((p) => !Number.isFinite(Number(p))))
      return `give ${width} number${width === 1 ? '' : 's'}${all.length > 1 ? ` for ${name}` : ''}`;
  }
  return undefined;
}

/** The values of a field: of a column one, which may be missing. */
function valuesOf(text: string, isColumn: boolean): (number | string | null)[] {
  if (isColumn) return [text.trim() === '' ? null : text.trim()];
  return partsOf(text).map(Number);
}

/** The likeliest class and how sure the model is, or numbers by name. */
function answer(model: Model, said: Prediction, output: HTMLElement, list: HTMLElement): void {
  const target = model.about.targets[0];
  const shares = probabilities(said);
  if (!shares || shares.length > 1000) {
    const all = Array.from(said.data.subarray(0, SHOWN), (v) => Number(v.toPrecision(6)));
    const more = said.data.length > SHOWN ? ` ... and ${said.data.length - SHOWN} more` : '';
    const unit = target?.columns?.length === 1 && said.data.length === 1 ? `${target.columns[0] ?? ''}: ` : '';
    output.textContent = `${unit}${all.join(', ')}${more}`;
    return;
  }
  const all = shares.length === 1 ? [1 - (shares[0] ?? 0), shares[0] ?? 0] : [...shares];
  const named = all.map((p, i) => ({ name: (said.names ?? target?.classes)?.[i] ?? String(i), p })).sort((a, b) => b.p - a.p);
  output.textContent = named[0]?.name ?? '';
  list.replaceChildren(
    ...named.slice(0, CLASSES).map(({ name, p }) => {
      const [item, label, meter, percent] = [
        document.createElement('li'),
        document.createElement('span'),
        document.createElement('meter'),
        document.createElement('span'),
      ];
      [label.textContent, percent.textContent] = [name, `${(100 * p).toFixed(1)}\u00a0%`];
      [meter.min, meter.max, meter.value] = [0, 1, p];
      meter.setAttribute('aria-label', name);
      item.append(label, meter, percent);
      return item;
    }),
  );
}
