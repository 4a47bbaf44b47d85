import { appendFileSync, readFileSync, readdirSync } from 'node:fs';
import { Command } from 'commander';
import { hash } from '../../src/base/hash.ts';
import { ACCEPTED } from './accepted.ts';
import { mutantsOf, type Mutant } from './points.ts';
import { ROOMS, type Room } from './rooms.ts';
import { Trials } from './run.ts';

/**
 * Changes one place of the source after another, and runs the tests of its room: a test must fail. What survives is a place where a test
 * is missing, or a change without a meaning (`accepted.ts`).
 */
const files = readdirSync('src', { recursive: true, encoding: 'utf8' }).map((f) => `src/${f.replaceAll('\\', '/')}`);
const texts = new Map(
  files
    .filter((f) => f.endsWith('.ts'))
    .sort()
    .map((f) => [f, readFileSync(f, 'utf8')]),
);

const filesOf = (room: Room): string[] => [...texts.keys()].filter((f) => room.files.some((p) => f.startsWith(p)));
const mutants = (room: Room): Mutant[] => filesOf(room).flatMap((f) => mutantsOf(f, texts.get(f) ?? ''));
const isAccepted = (m: Mutant): boolean =>
  ACCEPTED.some((a) => a.file === m.file && a.context === m.context && a.was === m.was && a.now === m.now);

/** Numbers in [0, 1) from a seed (mulberry32). */
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
  .description('changes the source place by place and sees whether the tests notice')
  .option('--rooms <names>', `only these, by the start of their names: ${ROOMS.map((r) => r.name).join(', ')}`)
  .option('--sample <n>', 'mutants of each room; all for all', '20')
  .option('--seed <n>', 'of the sample; by default it comes from the text of the source')
  .option('--log <file>', 'adds a line of JSON for each mutant')
  .option('--slice', 'does not run the tests without a change first, which the gate has done')
  .parse()
  .opts<{ rooms?: string; sample: string; seed?: string; log?: string; slice?: true }>();

const wanted = options.rooms?.split(',');
const seed = options.seed === undefined ? Number.parseInt(hash([...texts.values()].join('')).slice(0, 8), 16) : Number(options.seed);
const say = (line: string): void => void process.stdout.write(`${line}\n`);
let [tried, killed] = [0, 0];
for (const room of ROOMS) {
  if (wanted && !wanted.some((w) => room.name.startsWith(w))) continue;
  const all = mutants(room).filter((m) => !isAccepted(m));
  const chosen = sample(all, options.sample === 'all' ? all.length : Number(options.sample), seed);
  const trials = await Trials.open(room.devices);
  const clean = options.slice ? undefined : await trials.try(undefined, room.tests);
  if (clean?.killedBy !== undefined) throw new Error(`${clean.killedBy} fails without any change`);
  let dead = 0;
  for (const m of chosen) {
    const { killedBy, seconds } = await trials.try(m, room.tests);
    if (killedBy !== undefined) dead++;
    else say(`  survives: ${m.file}:${m.line}: ${m.was} -> ${m.now}\n    ${m.context}`);
    if (options.log !== undefined) appendFileSync(options.log, `${JSON.stringify({ room: room.name, ...m, killedBy, seconds })}\n`);
  }
  await trials.close();
  say(`${room.name}: ${dead} of ${chosen.length} killed, of ${all.length} mutants in ${filesOf(room).length} files`);
  tried += chosen.length;
  killed += dead;
}
// The tests that failed did what they should.
process.exitCode = 0;
say(`${killed} of ${tried} mutants killed (${((100 * killed) / Math.max(1, tried)).toFixed(1)} %), seed ${seed}`);
