/**
 * `import ... from 'nnc/vite'`: makes `import plan from './house.nn'` work in a page. For Vite, and for Rollup, which has the same plugin
 * interface.
 */
import { readFile, rename, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { pid } from 'node:process';
import { mustBeOptions } from '../base/calls.ts';
import { renderAll } from '../base/diagnostics.ts';
import { programText } from '../data/utf8.ts';
import { readData } from '../library/read-data.ts';
import { compile, type PlanOptions, type Program } from '../library/program.ts';
import { declarationsOf, moduleOf } from '../library/types.ts';

export interface PluginOptions extends Omit<PlanOptions, 'data'> {
  /** Writes `house.d.nn.ts` next to each `house.nn`, so that TypeScript knows the model's inputs and data. */
  readonly types?: boolean | undefined;
}

/** The plugin context, as far as it is used here. */
interface PluginContext {
  addWatchFile(path: string): void;
  error(message: { readonly message: string; readonly id: string; readonly loc?: Place }): never;
}

interface Place {
  readonly line: number;
  readonly column: number;
}

interface Plugin {
  readonly name: string;
  transform(this: PluginContext, text: string, id: string): Promise<{ readonly code: string; readonly map: null } | undefined>;
}

/**
 * Compiles each imported `.nn` file: the plan is the default export, the model's description is `model`. A program that names a file of
 * examples is compiled for their number, so that the page can train on them.
 */
export function nnc(options: PluginOptions = {}): Plugin {
  mustBeOptions('nnc', options);
  const { types = false, ...how } = options;
  return {
    name: 'nnc',
    async transform(text, id) {
      const [path = ''] = id.split('?');
      if (!path.endsWith('.nn')) return undefined;
      const folder = dirname(path);
      const files = await imported(text, path, this);
      const program = compile(text, { name: basename(path), files });
      if (program.diagnostics.some((d) => d.severity === 'error') || !program.model)
        return this.error({ message: renderAll(program.diagnostics), id: path });
      const file = program.model.data?.path;
      const fixed = how.rows !== undefined || how.capacity !== undefined;
      const data = file === undefined || fixed ? undefined : await examples(program, join(folder, file), file, this);
      const plan = program.plan({ ...how, data });
      if (types) await writeIfChanged(path.replace(/\.nn$/, '.d.nn.ts'), declarationsOf(program.model, plan.about));
      return { code: moduleOf(plan, program.model), map: null };
    },
  };
}

/** Written to a temporary file and renamed; left alone if nothing changed, so that watchers stay quiet. */
async function writeIfChanged(path: string, text: string): Promise<void> {
  if ((await readFile(path, 'utf8').catch(() => undefined)) === text) return;
  const temporary = `${path}.${pid}.part`;
  await writeFile(temporary, text);
  await rename(temporary, path);
}

async function examples(program: Program, path: string, name: string, context: PluginContext) {
  context.addWatchFile(path);
  return readData(program, new Uint8Array(await readFile(path)), { name });
}

/** The texts of all direct and indirect imports of a program. */
async function imported(text: string, path: string, context: PluginContext): Promise<Readonly<Record<string, string>>> {
  const found: Record<string, string> = {};
  const asked = new Set<string>();
  for (;;) {
    const missing: string[] = [];
    compile(text, {
      name: basename(path),
      files: (other) => {
        if (found[other] === undefined && !asked.has(other)) missing.push(other);
        return found[other];
      },
    });
    if (missing.length === 0) return found;
    for (const other of missing) {
      asked.add(other);
      const place = join(dirname(path), other);
      context.addWatchFile(place);
      // The compiler reports unreadable files at the import that names them.
      const content = await readFile(place).catch(() => undefined);
      if (content !== undefined) found[other] = programText(place, content);
    }
  }
}
