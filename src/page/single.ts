import type { BuiltPage, Packed } from './built.ts';

/** The files of a built page that are the same for every program. */
export interface PageParts {
  readonly html: string;
  readonly style: string;
  readonly script: string;
  readonly worker: string;
}

/** A page as one file that opens from a disk: everything is inside, and its policy allows nothing else. */
export async function singlePage({ info, plan, data, weights }: BuiltPage, { html, style, script, worker }: PageParts): Promise<string> {
  // The kernels in JavaScript are for places that forbid WebAssembly, and this page allows it.
  const { js: _js, ...backends } = plan.backends;
  const packed: Packed = {
    info,
    plan: { ...plan, backends },
    worker,
    ...(data && { data: base64(data) }),
    ...(weights && { weights: base64(weights) }),
  };
  // No text can end its element early.
  const code = script.replaceAll('</script', '<\\/script').replaceAll('<!--', '<\\!--');
  const json = JSON.stringify(packed).replaceAll('<', '\\u003c');
  const [own, sheet] = await Promise.all([hashOf(code), hashOf(style)]);
  const policy = `default-src 'none'; script-src ${own} blob: 'wasm-unsafe-eval'; worker-src blob:; style-src ${sheet}; img-src data: blob:`;
  const put = (text: string, from: RegExp | string, to: string): string => text.replace(from, () => to);
  let page = put(html, /content="default-src[^"]*"/, `content="${policy}"`);
  page = put(page, '<link rel="stylesheet" href="page.css" />', `<style>${style}</style>`);
  page = put(page, '<!-- ahead -->', `<script type="application/json" id="packed">${json}</script>`);
  return put(page, '<script type="module" src="page.js"></script>', `<script type="module">${code}</script>`);
}

/** A source of a content security policy: the text with this hash. */
async function hashOf(text: string): Promise<string> {
  const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(text));
  return `'sha256-${base64(new Uint8Array(digest))}'`;
}

/** Bytes at a time: more arguments than that, no call takes. */
const PIECE = 0x8000;

function base64(bytes: Uint8Array): string {
  let text = '';
  for (let i = 0; i < bytes.length; i += PIECE) text += String.fromCharCode(...bytes.subarray(i, i + PIECE));
  return btoa(text);
}
