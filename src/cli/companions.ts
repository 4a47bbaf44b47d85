import { resolve, dirname, relative } from 'node:path';
import { fail } from '../base/errors.ts';
import { hint } from '../base/suggest.ts';
import type { Companions } from '../data/needs.ts';
import type { Model } from '../sema/model.ts';
import { beside } from './files.ts';

/** What `--files y=ytest.npy` names, as it was typed. */
let typed: readonly string[] = [];
export function nameFiles(pairs: readonly string[]): void {
  typed = pairs;
}

/** The paths of a program's own data files. */
export interface OwnFiles {
  readonly data: string | undefined;
  readonly test: string | undefined;
}

const same = (a: string, b: string | undefined): boolean => b !== undefined && resolve(a) === resolve(b);

/** A file belongs to the program's own data if it is looked for in the same place. */
const ownerOf =
  (path: string, { data }: OwnFiles) =>
  (file: string) =>
    data !== undefined && !same(path, data) && same(beside(path, file), beside(data, file)) ? data : undefined;

/** The files beside the program's held-out examples. */
export const companionsOfTest = ({ data }: Model, path: string, own: OwnFiles): Companions => ({
  named: data?.testFiles ?? new Map(),
  owner: ownerOf(path, own),
  write: (name) => `name it in the data line: test="${data?.test ?? ''}" test_${name}="FILE"; FILE is beside ${path}`,
});

/** The files beside those that the call names with `--data`: named by `--files`, or by the program if it is its own file. */
export function companionsOfCall(model: Model, path: string, own: OwnFiles): Companions {
  const named = new Map(same(path, own.test) && !same(path, own.data) ? model.data?.testFiles : []);
  for (const [name, file] of filesTyped(model)) named.set(name, relative(dirname(path), file));
  return { named, owner: ownerOf(path, own), write: (name) => `name it: --data ${path} --files ${name}=FILE` };
}

function filesTyped({ inputs, targets }: Model): (readonly [string, string])[] {
  const [only, ...others] = targets;
  const single = only && others.length === 0 ? only.shown : undefined;
  const names = [...inputs.slice(1).map((i) => i.name), ...(single === undefined ? targets.map((t) => t.shown) : ['y'])];
  return typed.map((pair) => {
    const [, left = '', file = ''] =
      /^([^=]+)=(.+)$/.exec(pair) ?? fail('NN501', `--files ${pair} names no file`, { help: 'write: --files y=ytest.npy' });
    const name = left === single ? 'y' : left;
    if (!names.includes(name))
      fail('NN501', `'${name}' is no target or further input of the program`, { help: hint(name, names, 'it has') });
    return [name, file] as const;
  });
}

/** Refuses files that would not be read. */
export function refuseFiles(): void {
  if (typed.length > 0) fail('NN501', '--files names files beside that of --data', { help: 'add --data FILE' });
}
