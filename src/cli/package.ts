import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

// The built command line is one file, cli/main.js, as deep as this one is.
const near = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

/** A hash of the built compiler, which `npm run build` leaves there; a compiler that runs from its sources has none. */
export const BUILD_ID = near('../build-id');

/** The runner and the page that `nnc build` carries. */
export const STANDALONE = near('../standalone');

/** The version of the installed package. */
export function version(): string {
  return (JSON.parse(readFileSync(near('../../package.json'), 'utf8')) as { version: string }).version;
}
