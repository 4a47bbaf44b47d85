// npm run fuzz -- --minutes N: random programs, gradients, steps, kernels and wrong programs, each time others. What fails stays in fuzz-corpus.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Command } from 'commander';
import { randomProgram } from '../test/support/random-program.ts';

/** The tests that draw programs from seeds, and how many of them a round tries. */
const TARGETS = [
  { test: 'sema/programs', tries: 40, about: 'kernels on every device against the reference' },
  { test: 'gradcheck/random', tries: 40, about: 'gradients against differences and forward mode, right and broken rules' },
  { test: 'sema/steps', tries: 200, about: 'whole steps against differences of the forward graph' },
  { test: 'sema/verify', tries: 20, about: 'nnc verify on right and broken kernels' },
  { test: 'sema/misuse', tries: 30, about: 'wrong calls and damaged programs: an error, never a bug' },
] as const;

const FOLDER = 'fuzz-corpus';
const options = new Command('fuzz')
  .option('--minutes <n>', 'how long to try', '10')
  .option('--from <seed>', 'the first seed; by default one that was not tried before')
  .parse()
  .opts<{ minutes: string; from?: string }>();

mkdirSync(FOLDER, { recursive: true });
const state = join(FOLDER, 'next-seed');
let seed = Number(options.from ?? (existsSync(state) ? readFileSync(state, 'utf8') : 1000));
const end = Date.now() + Number(options.minutes) * 60_000;
const counts = new Map<string, { tried: number; failed: number }>(TARGETS.map((t) => [t.test, { tried: 0, failed: 0 }]));

for (let i = 0; Date.now() < end; i++) {
  const target = TARGETS[i % TARGETS.length] ?? TARGETS[0];
  const env = { ...process.env, NNC_FUZZ: String(target.tries), NNC_FROM: String(seed) };
  const { status, stdout } = spawnSync('npx', ['vitest', 'run', `test/${target.test}.test.ts`], {
    env,
    encoding: 'utf8',
    maxBuffer: 1 << 28,
  });
  const count = counts.get(target.test) ?? { tried: 0, failed: 0 };
  count.tried += target.tries;
  if (status !== 0) {
    count.failed++;
    const found = /seed (\d+)/.exec(stdout)?.[1] ?? String(seed);
    const name = join(FOLDER, `${target.test.replace('/', '-')}-${found}`);
    writeFileSync(`${name}.txt`, stdout);
    writeFileSync(`${name}.nn`, randomProgram(Number(found)));
    process.stdout.write(`failed: ${target.test} from seed ${seed}; see ${name}.txt\n`);
  }
  // The other targets try the same seeds.
  if (i % TARGETS.length === TARGETS.length - 1) writeFileSync(state, String((seed += 200)));
}
for (const { test, about } of TARGETS) {
  const { tried = 0, failed = 0 } = counts.get(test) ?? {};
  process.stdout.write(`${test}: ${tried} tried, ${failed} failed (${about})\n`);
}
process.exitCode = [...counts.values()].some((c) => c.failed > 0) ? 1 : 0;
