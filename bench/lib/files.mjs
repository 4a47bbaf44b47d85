import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';

const at = (path) => fileURLToPath(new URL(`../${path}`, import.meta.url));
export const RESULTS = at('results/');
export const COLD_RESULTS = `${RESULTS}cold.json`;
export const COMPILE_RESULTS = `${RESULTS}compile.json`;
export const POPULATION_RESULTS = `${RESULTS}population.json`;
export const PAGE = at('../docs/performance.md');

/** Writes a text as the repository's formatter wants it, so that generated files pass the same check as written ones. */
export async function writeFormatted(path, text) {
  const prettier = await import('prettier').catch(() => undefined);
  const formatted = prettier ? await prettier.format(text, { ...(await prettier.resolveConfig(path)), filepath: path }) : text;
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, formatted);
}

export const writeJson = (path, value) => writeFormatted(path, JSON.stringify(value, null, 2));
