import { fail } from '../../base/errors.ts';
import { hint } from '../../base/suggest.ts';
import { DiagnosticSink } from '../../base/diagnostics.ts';
import { compile } from '../../compile.ts';
import { printGraph } from '../../ir/graph/print.ts';
import type { Graph } from '../../ir/graph/types.ts';
import type { Kernel } from '../../ir/kernel/types.ts';
import { printKernel } from '../../ir/kernel/print.ts';
import type { Lowered } from '../../lower/program.ts';
import { parse } from '../../parser/parse.ts';
import { printAst } from '../../parser/print.ts';
import { dce } from '../../passes/graph/cleanup.ts';
import { lifetimes } from '../../passes/memory/layout.ts';
import { gradientPipeline, runPasses } from '../../passes/pipeline.ts';
import type { Plan } from '../../plan.ts';
import { openProgram, type OpenProgram } from '../program.ts';
import { columns, print } from '../terminal.ts';
import { compileFor } from './check.ts';

export const STAGES = ['ast', 'forward', 'grad', 'fused', 'kernels', 'memory', 'wgsl', 'plan'] as const;
export type Stage = (typeof STAGES)[number];

export interface DumpFlags {
  readonly stage: Stage;
  readonly after?: string;
  readonly why?: boolean;
  readonly data?: string;
  readonly opt: 0 | 1;
}

export async function dump(path: string, flags: DumpFlags): Promise<void> {
  if (flags.after !== undefined && flags.stage !== 'fused') fail('NN501', '--after goes with --stage fused');
  if (flags.why && flags.stage !== 'fused') fail('NN501', '--why goes with --stage fused');
  const program = await openProgram(path);
  print((await dumpText(program, flags)).trimEnd());
}

/** The text of a compiler stage. */
export async function dumpText(program: OpenProgram, flags: DumpFlags): Promise<string> {
  const { model, source } = program;
  if (flags.stage === 'ast') return printAst(parse(source, new DiagnosticSink()).program);
  if (flags.stage === 'forward') return printGraph(dce(model.training ?? model.predict));
  if (flags.stage === 'grad') {
    const training =
      model.training ??
      fail('NN207', 'the program has no loss, so there is nothing to differentiate', { help: 'add a line such as: loss mse' });
    return printGraph(runPasses(training, gradientPipeline(model.params.map((p) => p.name))));
  }
  const { plan, programs, rows } = await compileFor(program, flags);
  if (flags.after !== undefined) return after(program, flags.after, rows, flags.opt);
  if (flags.why) return programs.map(whyText).join('\n');
  if (flags.stage === 'fused') return programs.map(fusedText).join('\n');
  if (flags.stage === 'kernels') return programs.map((p) => `# program ${p.name}\n${gpuKernels(p).map(printKernel).join('\n')}`).join('\n');
  if (flags.stage === 'memory') return memoryText(plan, programs);
  if (flags.stage === 'wgsl') return wgslText(plan);
  return JSON.stringify(plan, null, 1);
}

/** Every kernel with what its dispatches store, then the loop programs. */
export function wgslText(plan: Plan): string {
  const { webgpu } = plan.backends;
  const uses = Object.values(webgpu?.programs ?? {}).flat();
  const kernels = (webgpu?.kernels ?? []).map((k, i) => {
    const lines = uses.filter((d) => d.kernel === i).flatMap((d) => [`// ${d.name}`, ...d.about.map((a) => `//   ${a}`)]);
    return `// ---- ${k.name}: ${k.workgroups.join(' x ')} workgroups\n${lines.join('\n')}\n${k.wgsl}`;
  });
  const loops = Object.entries(webgpu?.loops ?? {}).map(([name, l]) => `// ---- program ${name} as a loop of one workgroup\n${l.wgsl}`);
  return [...kernels, ...loops].join('\n');
}

function after(program: OpenProgram, pass: string, rows: number | undefined, level: 0 | 1): string {
  const seen = new Map<string, Graph>();
  compile(program.model, {
    rows,
    level,
    observe: (name, p, graph) => {
      if (name === (rows === undefined ? 'predict' : 'train')) seen.set(p.name, graph);
    },
  });
  const graph = seen.get(pass) ?? fail('NN501', `there is no pass '${pass}'`, { help: hint(pass, [...seen.keys()], 'passes') });
  return printGraph(graph);
}

const gpuKernels = (p: Lowered): readonly Kernel[] => p.kernels.webgpu ?? [];

/** The scheduler's decisions, and which kernels share a dispatch. */
function whyText(p: Lowered): string {
  const dispatches = p.batches.map((b, i) => `dispatch ${i}: ${b.map((k) => gpuKernels(p)[k]?.name ?? '').join(' + ')}`);
  return [`# program ${p.name}`, ...p.schedule.why, ...dispatches, ''].join('\n');
}

/** The graph as it is scheduled, with the kernels as comments. */
function fusedText(p: Lowered): string {
  const groups = p.schedule.groups.map((g, i) => {
    const stores = g.stores.map((s) => `%${s.node} -> ${s.tensor}${s.offset ? `+${s.offset}` : ''}`).join(', ');
    const inlined = g.inlined.length ? ` with ${g.inlined.map((id) => `%${id}`).join(' ')} inside` : '';
    return `# kernel ${i}: ${stores}${inlined}`;
  });
  return `# program ${p.name}\n${groups.join('\n')}\n${printGraph(p.schedule.graph)}`;
}

function memoryText(plan: Plan, programs: readonly Lowered[]): string {
  const lines = [columns([['arena', 'type', 'words'], ...plan.arenas.map((a) => [a.name, a.dtype, String(a.words)])])];
  for (const p of programs) {
    const kept = new Set(Object.values(p.schedule.outputs).map((o) => o.tensor));
    const life = new Map(
      lifetimes(
        p.batches.map((b) => b.flatMap((i) => gpuKernels(p)[i] ?? [])),
        p.schedule.tensors,
        kept,
      ).map((l) => [l.tensor.name, `${l.from}-${l.to}`]),
    );
    const rows = [...p.placed].map(([name, { arena, offset }]) => [
      name,
      arena,
      String(offset),
      String(p.schedule.tensors.get(name)?.size ?? 0),
      life.get(name) ?? 'always',
    ]);
    lines.push('', `program ${p.name}`, columns([['tensor', 'arena', 'offset', 'size', 'kernels'], ...rows]));
  }
  return lines.join('\n');
}
