import { execFileSync } from 'node:child_process';
import { resolve } from 'node:path';
import { createVitest, type Vitest } from 'vitest/node';
import type { Mutant } from './points.ts';

export interface Verdict {
  /** The first test that failed, by its file; undefined if none did. */
  readonly killedBy: string | undefined;
  readonly seconds: number;
}

/** Milliseconds that one file of tests may take; all of them take less. */
const ENDLESS = 90_000;

/** Ends the processes in which tests run. */
function endWorkers(): void {
  const all = execFileSync('ps', ['-eo', 'pid=,ppid=,args='], { encoding: 'utf8' }).trim().split('\n');
  for (const line of all) {
    const [, pid, parent, args = ''] = /^\s*(\d+)\s+(\d+)\s+(.*)$/.exec(line) ?? [];
    if (Number(parent) === process.pid && /vitest|forks/.test(args)) process.kill(Number(pid), 'SIGKILL');
  }
}

/** A test runner whose source has the current mutant in it. */
async function start(current: { readonly mutant: Mutant | undefined }): Promise<Vitest> {
  const plugin = {
    name: 'nnc:mutant',
    enforce: 'pre' as const,
    transform(code: string, id: string): string | undefined {
      const m = current.mutant;
      if (!m || id !== resolve(m.file)) return undefined;
      if (code.slice(m.start, m.end) !== m.was) throw new Error(`${m.file} is not the file that was looked at`);
      return code.slice(0, m.start) + m.now + code.slice(m.end);
    },
  };
  const options = {
    config: false as const,
    include: ['test/**/*.test.ts'],
    watch: true,
    pool: 'forks' as const,
    isolate: false,
    maxWorkers: 2,
    bail: 1,
    reporters: [{}],
    testTimeout: 60_000,
  };
  const vitest = await createVitest('test', options, { plugins: [plugin], server: { watch: null } });
  await vitest.standalone();
  return vitest;
}

/** Tests that run again and again in one process, each time with one place of one source file changed in memory: no file is written. */
export class Trials {
  #vitest: Vitest;
  readonly #current: { mutant: Mutant | undefined };

  private constructor(vitest: Vitest, current: { mutant: Mutant | undefined }) {
    this.#vitest = vitest;
    this.#current = current;
  }

  static async open(devices: string): Promise<Trials> {
    process.env['NNC_TEST_DEVICES'] = devices;
    const current: { mutant: Mutant | undefined } = { mutant: undefined };
    return new Trials(await start(current), current);
  }

  /** Runs the tests until one fails. */
  async try(mutant: Mutant | undefined, tests: readonly string[]): Promise<Verdict> {
    const begun = performance.now();
    this.#current.mutant = mutant;
    if (mutant) this.#vitest.invalidateFile(resolve(mutant.file));
    let killedBy: string | undefined;
    for (const test of tests) {
      const specifications = await this.#vitest.globTestSpecifications([`test/${test}`]);
      if (specifications.length === 0) continue;
      const result = await this.#within(mutant ? ENDLESS : 10 * ENDLESS, this.#vitest.runTestSpecifications(specifications, false));
      if (!result) {
        killedBy = 'a test that never ended';
        break;
      }
      const { testModules, unhandledErrors } = result;
      const failed = testModules.find((m) => !m.ok());
      if (failed || unhandledErrors.length > 0) {
        killedBy = failed ? failed.moduleId.replace(/.*\/test\//, '') : 'an error outside of tests';
        break;
      }
    }
    if (mutant) this.#vitest.invalidateFile(resolve(mutant.file));
    this.#current.mutant = undefined;
    return { killedBy, seconds: (performance.now() - begun) / 1000 };
  }

  /** A change may make a loop endless, which only ends with its process; then the runner is another one. */
  async #within<T>(ms: number, run: Promise<T>): Promise<T | undefined> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<undefined>((done) => (timer = setTimeout(() => done(undefined), ms)));
    const result = await Promise.race([run, late]);
    clearTimeout(timer);
    if (result !== undefined) return result;
    endWorkers();
    run.catch(() => undefined);
    this.#current.mutant = undefined;
    this.#vitest = await start(this.#current);
    return undefined;
  }

  close(): Promise<void> {
    return this.#vitest.close();
  }
}
