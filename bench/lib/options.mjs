import { parseArgs } from 'node:util';
import { DEFAULT_PROGRAMS, PROGRAMS } from './programs.mjs';
import { workloadsOf } from './workloads.mjs';

export const USAGE = `node bench/run.mjs [options]

  --workloads A,B,...                 what to measure (A,B,B_sampled,C,D,E,F,examples); large is for GPUs
  --peers nnc,jax-js,...              who is measured: ${Object.keys(PROGRAMS).join(', ')}
  --rounds N                          everyone in turn, N times (3)
  --quick                             fewer and shorter windows
  --adapter system|swiftshader        the GPU driver of the system, or the software driver that nnc brings (system)
  --write                             write docs/performance.md from the results
  --from FILE                         measure nothing, take the results of an earlier run`;

/** The command line; throws what is wrong with it. */
export function readOptions(args) {
  const { values } = parseArgs({
    args,
    options: {
      workloads: { type: 'string', default: 'A,B,B_sampled,C,D,E,F,examples' },
      peers: { type: 'string', default: DEFAULT_PROGRAMS.join() },
      rounds: { type: 'string', default: '3' },
      quick: { type: 'boolean', default: false },
      adapter: { type: 'string', default: 'system' },
      write: { type: 'boolean', default: false },
      from: { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  });
  const programs = values.peers.split(',');
  for (const program of programs) if (!Object.hasOwn(PROGRAMS, program)) throw new Error(`there is no peer ${program}`);
  const rounds = Number(values.rounds);
  if (!Number.isInteger(rounds) || rounds < 1) throw new Error('--rounds takes a whole number of at least 1');
  if (!['system', 'swiftshader'].includes(values.adapter)) throw new Error('--adapter is system or swiftshader');
  return { ...values, rounds, programs, workloads: workloadsOf(values.workloads.split(',')) };
}
