import { OURS } from './programs.mjs';
import { median, spread } from './statistics.mjs';
import { difference, problemOf } from './validate.mjs';
import { WORKLOADS } from './workloads.mjs';

/**
 * Results as rows, by workload: one for each program, with its time over all rounds, the ratios of ours to it, and what a
 * step asks of the device. A ratio compares the two medians of one round, which a busy machine slowed alike, and is the
 * median of the rounds.
 */
export function summarize({ workloads, programs, measurements }) {
  const roundsOf = (workload, program) => measurements.filter((m) => m.workload === workload && m.program === program);
  return workloads.map((workload) => ({
    workload,
    about: WORKLOADS[workload].about,
    rows: programs
      .filter((program) => roundsOf(workload, program).length > 0)
      .map((program) => {
        const rounds = roundsOf(workload, program);
        const ratios = OURS.filter((ours) => programs.includes(ours)).map((ours) => [
          ours,
          ours === program ? undefined : ratioOf(workload, roundsOf(workload, ours), rounds),
        ]);
        return { program, ...rowOf(workload, rounds), ratios: Object.fromEntries(ratios) };
      }),
  }));
}

function rowOf(workload, rounds) {
  const results = rounds.map((m) => m.result);
  const problem = results.map((r) => problemOf(workload, r)).find((p) => p !== undefined);
  const good = results.filter((r) => r.windows !== undefined);
  const last = good.at(-1);
  if (!last) return { problem };
  const each = (read) => good.map(read).filter((v) => v !== undefined);
  const middle = (read) => (each(read).length ? median(each(read)) : undefined);
  const all = spread(good.flatMap((r) => r.windows));
  const { rate, work } = WORKLOADS[workload];
  const time = { ...all, median: median(good.map((r) => median(r.windows))) };
  return {
    problem,
    version: last.version,
    time,
    rate: rate && { unit: rate, median: work / time.median / 1e6 },
    firstStep: middle((r) => r.firstStep),
    cpu: middle((r) => r.cpu),
    hostShare: last.device && middle((r) => r.hostShare),
    device: last.device,
    rssBytes: middle((r) => r.rssBytes),
    losses: last.losses,
  };
}

/** Our time divided by theirs, or `{ reason }` where the two do not compute the same. */
function ratioOf(workload, ours, theirs) {
  const pairs = theirs.flatMap((t) => ours.filter((o) => o.round === t.round).map((o) => [o.result, t.result]));
  const reason = pairs.map(([o, t]) => difference(workload, o, t)).find((why) => why !== undefined);
  if (pairs.length === 0 || reason !== undefined) return { reason };
  return spread(pairs.map(([o, t]) => median(o.windows) / median(t.windows)));
}
