import { escape } from '../pictures/svg.ts';
import type { Source } from '../base/source.ts';
import { REPORT_STYLE } from './report-style.ts';

/** A page for those who do not believe a sentence: every number that was compared, with its bound, its line and its kernel. */
export interface ProofPage {
  readonly kind: string;
  readonly title: string;
  /** What the page shows as a whole. */
  readonly facts: readonly (readonly [string, string])[];
  readonly parts: readonly ProofPart[];
  readonly source: Source;
}

export interface ProofPart {
  readonly title: string;
  readonly text: string;
  /** The head first. A cell that is a place of the source shows its line as well. */
  readonly rows: readonly (readonly string[])[];
  /** Texts that open on demand: kernels by their names. */
  readonly texts?: readonly (readonly [string, string])[];
}

const STYLE = `main{max-width:1180px}
td:first-child{width:auto}
tr.wrong td{color:#c02626;font-weight:600}
td code{font:13px ui-monospace,SFMono-Regular,Menlo,Consolas,monospace}
details{margin:8px 0 0}summary{cursor:pointer;color:var(--accent)}
ol{margin:0;padding-left:44px;font:14px/1.6 ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;white-space:pre;overflow-x:auto}
ol li::marker{color:var(--soft)}
tr:target td,li:target{background:color-mix(in srgb,var(--accent) 18%,transparent)}`;

export function proofPage({ kind, title, facts, parts, source }: ProofPage): string {
  const tiles = facts.map(([name, value]) => `<div><dt>${escape(name)}</dt><dd>${escape(value)}</dd></div>`).join('');
  const lines = source.text
    .trimEnd()
    .split('\n')
    .map((line, i) => `<li id="L${i + 1}">${escape(line)}</li>`);
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escape(title)}: ${escape(kind)}</title>
<style>
${REPORT_STYLE}
${STYLE}
</style>
<main>
<header><p class="kind">${escape(kind)}</p><h1>${escape(title)}</h1></header>
<dl class="tiles">${tiles}</dl>
${parts.map((p) => part(p, source)).join('\n')}
<section><h2>The program</h2><ol>${lines.join('')}</ol></section>
</main>
</html>
`;
}

function part({ title, text, rows, texts = [] }: ProofPart, source: Source): string {
  const [head = [], ...body] = rows;
  const cells = (row: readonly string[], tag: 'th' | 'td'): string => row.map((c) => `<${tag}>${cell(c, source)}</${tag}>`).join('');
  const table = body.map((r) => `<tr${r.includes(WRONG) ? ' class="wrong"' : ''}>${cells(r, 'td')}</tr>`).join('');
  const kernels = texts.map(
    ([name, code]) => `<details><summary>${escape(name)}</summary><pre><code>${escape(code)}</code></pre></details>`,
  );
  return `<section><h2>${escape(title)}</h2><p>${escape(text)}</p><table><thead><tr>${cells(head, 'th')}</tr></thead><tbody>${table}</tbody></table>${kernels.join('')}</section>`;
}

/** The cell of a row that failed. */
export const WRONG = 'wrong';

/** A place of the program leads to its line. */
function cell(text: string, source: Source): string {
  const [, before = '', line] =
    text.startsWith(source.name) || text.includes(`(${source.name}`) ? (/^(.*?):(\d+):\d+\)?$/.exec(text) ?? []) : [];
  return line === undefined
    ? escape(text)
    : `<a href="#L${line}">${escape(before.replace(`(${source.name}`, `(line ${line})`).replace(source.name, `line ${line}`))}</a>`;
}
