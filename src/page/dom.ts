type Child = Node | string | undefined;
type Properties = Readonly<Record<string, string | number | boolean | ((event: never) => void) | undefined>>;

/** An element: `on...` properties listen, booleans are attributes that are there or not. */
export function h<K extends keyof HTMLElementTagNameMap>(
  name: K,
  properties: Properties = {},
  ...children: readonly Child[]
): HTMLElementTagNameMap[K] {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(properties)) {
    if (value === undefined || value === false) continue;
    if (typeof value === 'function') element.addEventListener(key.slice(2), value as (event: Event) => void);
    else element.setAttribute(key, value === true ? '' : String(value));
  }
  element.append(...children.filter((c) => c !== undefined));
  return element;
}

/** The element with an id, which the page has. */
export function byId<T extends HTMLElement>(id: string): T {
  const found = document.getElementById(id);
  if (!found) throw new Error(`the page has no #${id}`);
  return found as T;
}

/** At most one call per drawn frame, with the last value. */
export function perFrame<T>(draw: (value: T) => void): (value: T) => void {
  let waiting: { readonly value: T } | undefined;
  return (value) => {
    const first = waiting === undefined;
    waiting = { value };
    if (!first) return;
    requestAnimationFrame(() => {
      const last = waiting;
      waiting = undefined;
      if (last) draw(last.value);
    });
  };
}

/** A number with few digits. */
export function short(v: number): string {
  if (!Number.isFinite(v)) return String(v);
  const size = Math.abs(v);
  return size !== 0 && (size >= 1e6 || size < 1e-3) ? v.toExponential(2) : String(Number(v.toPrecision(4)));
}

/** Gives the reader a file. */
export function download(name: string, bytes: BlobPart): void {
  const link = h('a', { href: URL.createObjectURL(new Blob([bytes])), download: name });
  link.click();
  URL.revokeObjectURL(link.href);
}

/** A button that asks for a file; the same file can be chosen again after it was mended. */
export function fileButton(
  name: string,
  { label, accept }: { readonly label: string; readonly accept?: string },
  take: (file: File) => void,
): HTMLElement {
  const picker = h('input', { type: 'file', accept, hidden: true, 'aria-label': label });
  picker.addEventListener('change', () => {
    const [file] = picker.files ?? [];
    if (file) take(file);
    picker.value = '';
  });
  return h('span', {}, h('button', { type: 'button', onclick: () => picker.click() }, name), picker);
}

/** Does something as often as it is asked, one at a time: while it is being done, only the newest wish waits. */
export function newest(act: () => Promise<void>): () => Promise<void> {
  let doing: Promise<void> | undefined;
  let again = false;
  const loop = async (): Promise<void> => {
    do {
      again = false;
      await act();
    } while (again);
  };
  return () => {
    again = true;
    return (doing ??= loop().finally(() => (doing = undefined)));
  };
}
