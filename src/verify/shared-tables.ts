import type { Expr } from '../ir/kernel/types.ts';
import type { Names } from './affine.ts';
import { placesOf } from './owners.ts';

/** Where a kernel puts or takes an element of a table that the lanes of a workgroup share. */
export interface TableAccess {
  readonly table: string;
  readonly index: Expr;
  readonly puts: boolean;
  readonly conditions: readonly Expr[];
  readonly loops: readonly string[];
  readonly phase: number;
}

interface Lanes {
  readonly lanes: number;
  readonly names: Names;
  readonly extent: (loop: string) => number;
}

/** What is wrong with the use of a shared table: an index outside of it, or two lanes that meet at an element between two barriers. */
export function tableProblems(size: number, accesses: readonly TableAccess[], { lanes, names, extent }: Lanes): string[] {
  const problems = new Set<string>();
  const owners = new Map<number, Map<number, number>>();
  for (const access of [...accesses].sort((a, b) => Number(b.puts) - Number(a.puts))) {
    const { table, index, conditions, puts, phase } = access;
    const used = new Set([index, ...conditions].flatMap((e) => [...variablesIn(e, names)]));
    const places = placesOf(
      { buffer: NOWHERE, index, width: 1, loops: access.loops.filter((l) => used.has(l)), conditions },
      { threads: [['lane', lanes]], extent, names, uniforms: new Map() },
    );
    if (!places) {
      problems.add(`${table}: it cannot be told which lane is where`);
      continue;
    }
    const owner = owners.get(phase) ?? new Map<number, number>();
    owners.set(phase, owner);
    for (const [lane, place] of places) {
      if (!(place >= 0 && place < size)) problems.add(`${table}: lane ${lane} is at ${place} of ${size}`);
      const other = owner.get(place);
      if (other !== undefined && other !== lane)
        problems.add(`${table}: lanes ${other} and ${lane} meet at ${place} with no barrier between`);
      if (puts) owner.set(place, lane);
    }
  }
  return [...problems].slice(0, 1);
}

const NOWHERE = { name: '', type: 'f32', size: 0, access: 'read', tensor: '', offset: 0 } as const;

function variablesIn(e: Expr, names: Names, into = new Set<string>()): Set<string> {
  if (e.kind === 'ref') {
    const known = names.lets.get(e.name);
    if (known) variablesIn(known, names, into);
    else into.add(e.name);
  } else if (e.kind === 'call') for (const a of e.args) variablesIn(a, names, into);
  else if (e.kind === 'load' || e.kind === 'item') variablesIn(e.index, names, into);
  return into;
}
