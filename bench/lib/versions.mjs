import { readFileSync } from 'node:fs';

/** The version of a package of this folder, from its own package.json: not every package exports it. */
export function versionOf(name) {
  return JSON.parse(readFileSync(new URL(`../node_modules/${name}/package.json`, import.meta.url), 'utf8')).version;
}
