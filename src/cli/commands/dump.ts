import { fail } from '../../base/errors.ts';
import { hint } from '../../base/suggest.ts';
import { compile } from '../../compile.ts';
import { printGraph } from '../../ir/graph/print.ts';
import type { Graph } from '../../ir/graph/types.ts';
import type { Devices } from '../../lower/backends.ts';
import { early, forwardText, late, treeText, whyText, type StageName } from '../../library/dumps.ts';
import { programText } from '../../data/utf8.ts';
import { readUserFile } from '../files.ts';
import { openProgram, openScript, type OpenProgram } from '../program.ts';
import { print } from '../terminal.ts';
import { compileFor } from './check.ts';

export interface DumpFlags {
  readonly stage: StageName;
  readonly after?: string;
  readonly why?: boolean;
  readonly line?: number;
  readonly program?: string;
  readonly data?: string;
  readonly opt: 0 | 1;
  readonly devices: Devices;
}

export async function dump(path: string, flags: DumpFlags): Promise<void> {
  if (flags.after !== undefined && flags.stage !== 'fused') fail('NN501', '--after goes with --stage fused');
  if (flags.why && flags.stage !== 'fused') fail('NN501', '--why goes with --stage fused');
  if (flags.line !== undefined && !flags.why) fail('NN501', '--line goes with --stage fused --why');
  if (flags.program !== undefined && (flags.stage !== 'fused' || flags.after !== undefined))
    fail('NN501', '--program goes with --stage fused');
  print((await textOf(path, flags)).trimEnd());
}

async function textOf(path: string, flags: DumpFlags): Promise<string> {
  if (flags.stage === 'ast') return treeText({ name: path, text: programText(path, await readUserFile(path)) });
  if (flags.stage === 'forward') {
    const { model, script } = await openScript(path);
    return forwardText(model, script);
  }
  return dumpText(await openProgram(path), flags);
}

/** The text of a compiler stage. */
export async function dumpText(program: OpenProgram, flags: DumpFlags): Promise<string> {
  const first = early(program, flags.stage);
  if (first !== undefined) return first;
  const compiled = await compileFor(program, flags, { devices: flags.devices });
  if (flags.after !== undefined) return after(program, flags.after, compiled.rows, flags);
  const { program: wanted, line } = flags;
  const programs = wanted === undefined ? compiled.programs : compiled.programs.filter((p) => p.name === wanted);
  if (programs.length === 0) {
    const names = compiled.programs.map((p) => p.name);
    fail('NN501', `there is no program '${wanted ?? ''}'`, { help: hint(wanted ?? '', names, 'programs') });
  }
  if (flags.why) return programs.map((p) => whyText(p, line)).join('\n');
  return late({ ...compiled, programs }, flags.stage);
}

function after(program: OpenProgram, pass: string, rows: number | undefined, { opt: level, devices }: DumpFlags): string {
  const seen = new Map<string, Graph>();
  compile(program.model, {
    rows,
    level,
    devices,
    observe: (name, p, graph) => {
      if (name === (rows === undefined ? 'predict' : 'train')) seen.set(p.name, graph);
    },
  });
  const graph = seen.get(pass) ?? fail('NN501', `there is no pass '${pass}'`, { help: hint(pass, [...seen.keys()], 'passes') });
  return printGraph(graph);
}
