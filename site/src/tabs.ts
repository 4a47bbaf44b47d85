import { byId, h } from 'nnc/page';

/** A pane of results; `open` is called when it comes to the front. */
export interface Pane {
  readonly content: HTMLElement;
  readonly open?: () => Promise<void>;
}

/** Panes behind tabs. Arrow keys go from tab to tab. */
export function tabsIn(
  place: HTMLElement,
  label: string,
  panes: Readonly<Record<string, Pane>>,
  failed: (e: unknown) => void,
): (name: string) => void {
  const buttons = Object.keys(panes).map((name) =>
    h(
      'button',
      {
        type: 'button',
        role: 'tab',
        id: `tab-${name}`,
        'aria-controls': `pane-${name}`,
        onclick: () => open(name),
        onkeydown: (e: KeyboardEvent) => arrow(e),
      },
      name,
    ),
  );
  const arrow = (event: KeyboardEvent): void => {
    const by = event.key === 'ArrowRight' ? 1 : event.key === 'ArrowLeft' ? -1 : 0;
    if (by === 0) return;
    const at = buttons.findIndex((b) => b === event.target);
    const next = buttons[(at + by + buttons.length) % buttons.length];
    open(next?.textContent ?? '');
    next?.focus();
  };
  const open = (name: string): void => {
    for (const b of buttons) {
      const mine = b.textContent === name;
      b.setAttribute('aria-selected', String(mine));
      b.tabIndex = mine ? 0 : -1;
      byId(`pane-${b.textContent ?? ''}`).hidden = !mine;
    }
    panes[name]?.open?.().catch(failed);
  };
  place.append(
    h('div', { class: 'tabs', role: 'tablist', 'aria-label': label }, ...buttons),
    ...Object.entries(panes).map(([name, { content }]) =>
      h('div', { role: 'tabpanel', id: `pane-${name}`, 'aria-labelledby': `tab-${name}` }, content),
    ),
  );
  return open;
}
