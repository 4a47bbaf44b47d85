// One process of `npm run fuzz`: NAME seeds FROM N FOLDER, or NAME file PROGRAM. Exits with 1 where something failed, and says what.
import { readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { TRIALS } from '../test/support/trials/all.ts';
import { failureAmong, failureOf } from '../test/support/trials/tried.ts';

const [name = '', kind, first = '', n = '1', folder = '.'] = process.argv.slice(2);
const trial = TRIALS[name];
if (!trial) throw new Error(`no trial is called '${name}'`);
/** A kept program is called NAME-SEED.nn: the seed draws its numbers. */
const seedOf = (path: string): number => Number(/-(\d+)\.nn$/.exec(basename(path))?.[1] ?? 0);

if (kind === 'file') {
  const wrong = await failureOf(trial, readFileSync(first, 'utf8'), seedOf(first));
  if (wrong !== undefined) {
    process.stdout.write(`${first} still fails: ${wrong}\n`);
    process.exitCode = 1;
  }
} else {
  for (let seed = Number(first); seed < Number(first) + Number(n); seed++) {
    const failure = await failureAmong(trial, seed, 1);
    if (!failure) continue;
    const path = join(folder, `${name}-${seed}`);
    writeFileSync(`${path}.nn`, failure.smallest);
    writeFileSync(`${path}.txt`, `${failure.wrong}\n\n${failure.program}`);
    process.stdout.write(`${name} fails for seed ${seed}: ${failure.wrong.split('\n')[0] ?? ''}\n${failure.smallest}`);
    process.exitCode = 1;
  }
}
