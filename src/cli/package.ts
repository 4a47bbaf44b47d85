import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

// The files of the built command line are at the same depth as this one.
const near = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

/** A hash of the compiler, written by `npm run build`; missing when running from source. */
export const BUILD_ID = near('../build-id');

/** The runner and the page for `nnc build`. */
export const STANDALONE = near('../standalone');

/** The site for `nnc play`. */
export const SITE = near('../site');

/** The version of the installed package. */
export function version(): string {
  return (JSON.parse(readFileSync(near('../../package.json'), 'utf8')) as { version: string }).version;
}

/** The examples that the package brings. */
export const EXAMPLES = near('../../examples/');
