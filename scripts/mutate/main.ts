import { execFileSync } from 'node:child_process';
import { appendFileSync, readFileSync } from 'node:fs';
import { Command } from 'commander';
import { mutantsOf, type Mutant } from './points.ts';
import { ROOMS, type Room } from './rooms.ts';
import { Trials } from './run.ts';

const tracked = execFileSync('git', ['ls-files', 'src'], { encoding: 'utf8' }).trim().split('\n');
const mutants = (room: Room): Mutant[] =>
  tracked.filter((f) => f.endsWith('.ts') && room.files.some((p) => f.startsWith(p))).flatMap((f) => mutantsOf(f, readFileSync(f, 'utf8')));

/** Numbers in [0, 1) from a seed. */
function* uniform(seed: number): Generator<number, never> {
  for (let s = seed >>> 0; ;) {
    s = (s + 0x6d2b79f5) >>> 0;
    let t = Math.imul(s ^ (s >>> 15), s | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    yield ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  }
}

function sample<T>(all: readonly T[], n: number, seed: number): T[] {
  const rest = [...all];
  const random = uniform(seed);
  return Array.from({ length: Math.min(n, rest.length) }, () => rest.splice(Math.floor(random.next().value * rest.length), 1)).flat();
}

const options = new Command('mutate')
  .option('--rooms <names>', 'only these, by the start of their names, with commas between')
  .option('--sample <n>', 'mutants of each room', '20')
  .option('--seed <n>', 'of the sample', '1')
  .option('--log <file>', 'a line of JSON for each mutant is added to it')
  .parse()
  .opts<{ rooms?: string; sample: string; seed: string; log?: string }>();

const wanted = options.rooms?.split(',');
for (const room of ROOMS) {
  if (wanted && !wanted.some((w) => room.name.startsWith(w))) continue;
  const all = mutants(room);
  const chosen = sample(all, Number(options.sample), Number(options.seed));
  const trials = await Trials.open(room.devices);
  const clean = await trials.try(undefined, room.tests);
  if (clean.killedBy !== undefined) throw new Error(`${clean.killedBy} fails without any change`);
  process.stdout.write(`${room.name}: ${chosen.length} of ${all.length} mutants; the tests alone take ${clean.seconds.toFixed(1)} s\n`);
  let killed = 0;
  for (const m of chosen) {
    const { killedBy, seconds } = await trials.try(m, room.tests);
    if (killedBy !== undefined) killed++;
    else process.stdout.write(`  survives: ${m.file}:${m.line}: ${m.was} -> ${m.now}\n    ${m.context}\n`);
    if (options.log !== undefined) appendFileSync(options.log, `${JSON.stringify({ room: room.name, ...m, killedBy, seconds })}\n`);
  }
  process.stdout.write(`  ${killed} of ${chosen.length} killed\n`);
  await trials.close();
}
