import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { readFile, readdir, rm, stat, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { UserError } from '../base/errors.ts';
import { aboutOf, compile } from '../compile.ts';
import type { CompileOptions } from '../planning/options.ts';
import type { Plan } from '../plan.ts';
import { cacheFolder } from '../node/cache.ts';
import { writeFileSafely } from './files.ts';
import { BUILD_ID } from './package.ts';
import type { OpenProgram } from './program.ts';

/** Compilations that take this many milliseconds are cached. */
const WORTHWHILE = 250;
/** The number of plans to keep, by last use. */
const MOST_PLANS = 32;

/** Compiles a program, or reuses the plan of an earlier run with the same text, options and compiler. */
export async function planFor(program: OpenProgram, { names, ...options }: CompileOptions): Promise<Plan> {
  // Names of columns and classes change no computation, so plans are kept without them.
  return { ...(await plainPlan(program, options)), about: aboutOf(program.model, names) };
}

async function plainPlan(program: OpenProgram, options: CompileOptions): Promise<Plan> {
  if (!existsSync(BUILD_ID)) return compile(program.model, options).plan;
  const { adapter, statistics, ...others } = options;
  const key = JSON.stringify([
    readFileSync(BUILD_ID, 'utf8'),
    program.sources,
    others,
    adapter && { ...adapter, tuned: [...(adapter.tuned ?? [])] },
    [...(statistics ?? [])],
  ]);
  const folder = await cacheFolder('plans');
  if (folder === undefined) return compile(program.model, options).plan;
  const path = join(folder, `${digest(key).slice(0, 32)}.json`);
  const known = await kept(path);
  if (known) return known;
  const begin = performance.now();
  const { plan } = compile(program.model, options);
  if (performance.now() - begin >= WORTHWHILE) {
    const text = JSON.stringify(plan);
    const written = await writeFileSafely(path, `${digest(text)}\n${text}`).then(() => true, notKept);
    if (written) await dropOldest(folder);
  }
  return plan;
}

/** If a plan cannot be saved, it is compiled again next time. */
function notKept(e: unknown): false {
  if (e instanceof UserError) return false;
  throw e;
}

const digest = (text: string): string => createHash('sha256').update(text).digest('hex');

/** Reads a plan; undefined if there is none, or if the file is not as it was written: then it is replaced. */
async function kept(path: string): Promise<Plan | undefined> {
  const text = await readFile(path, 'utf8').catch(() => '');
  const line = text.indexOf('\n');
  if (line < 0 || text.slice(0, line) !== digest(text.slice(line + 1))) return undefined;
  const now = new Date();
  // The time of the last use; a cache that may only be read keeps its own.
  await utimes(path, now, now).catch(() => undefined);
  return JSON.parse(text.slice(line + 1)) as Plan;
}

async function dropOldest(folder: string): Promise<void> {
  const files = await Promise.all(
    (await readdir(folder))
      .filter((f) => f.endsWith('.json'))
      // Another process may have deleted it meanwhile.
      .map(async (f) => ({ path: join(folder, f), used: (await stat(join(folder, f)).catch(() => undefined))?.mtimeMs ?? 0 })),
  );
  const old = files.sort((a, b) => b.used - a.used).slice(MOST_PLANS);
  await Promise.all(old.map(({ path }) => rm(path, { force: true })));
}
