// npm run fuzz -- --minutes N: random programs, each time others, through all that must hold of every program. What fails is kept in fuzz-corpus,
// with the smallest program that fails, and is tried first the next time.
import { existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { spawnSync } from 'node:child_process';
import { basename, join } from 'node:path';
import { Command } from 'commander';
import { TRIALS } from '../test/support/trials/all.ts';

const FOLDER = 'fuzz-corpus';
/** Programs of one process: what a native crash can take with it. */
const ROUND = 25;
const options = new Command('fuzz')
  .option('--minutes <n>', 'how long to try', '10')
  .option('--from <seed>', 'the first seed; by default one that was not tried before')
  .parse()
  .opts<{ minutes: string; from?: string }>();

mkdirSync(FOLDER, { recursive: true });
const state = join(FOLDER, 'next-seed');
const end = Date.now() + Number(options.minutes) * 60_000;
const counts = new Map(Object.keys(TRIALS).map((name) => [name, { tried: 0, failed: 0 }]));
// Programs run on the software driver of the npm package, as in tests.
const env = { VK_DRIVER_FILES: '/nonexistent', VK_ICD_FILENAMES: '/nonexistent', ...process.env, NNC_FUZZ: '1' };

/** Runs a part of the work in a process of its own; what it found. */
function round(name: string, args: readonly string[]): void {
  const { status, stdout, stderr } = spawnSync('npx', ['tsx', 'scripts/fuzz-round.ts', name, ...args], {
    env,
    encoding: 'utf8',
    maxBuffer: 1 << 28,
  });
  const count = counts.get(name) ?? { tried: 0, failed: 0 };
  count.tried += args[0] === 'seeds' ? Number(args[2]) : 1;
  if (status === 0) return;
  count.failed++;
  if (status === 1) process.stdout.write(stdout);
  else process.stdout.write(`${name} ${args.join(' ')} ended with ${status}\n${stderr.slice(-2000)}\n`);
}

for (const file of readdirSync(FOLDER).filter((f) => f.endsWith('.nn'))) {
  const [name = ''] = basename(file, '.nn').split('-');
  if (name in TRIALS) round(name, ['file', join(FOLDER, file)]);
}
for (let seed = Number(options.from ?? (existsSync(state) ? readFileSync(state, 'utf8') : 1000)); Date.now() < end; seed += ROUND) {
  for (const name of Object.keys(TRIALS)) round(name, ['seeds', String(seed), String(ROUND), FOLDER]);
  writeFileSync(state, String(seed + ROUND));
}
for (const [name, { about }] of Object.entries(TRIALS)) {
  const { tried = 0, failed = 0 } = counts.get(name) ?? {};
  process.stdout.write(`${name}: ${tried} tried, ${failed} failed (${about})\n`);
}
process.exitCode = [...counts.values()].some((c) => c.failed > 0) ? 1 : 0;
