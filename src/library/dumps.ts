import { mustBe } from '../base/calls.ts';
import { mustBeCall } from './calls.ts';
import { columns } from '../base/show.ts';
import { DiagnosticSink, userError } from '../base/diagnostics.ts';
import { fail } from '../base/errors.ts';
import type { Source } from '../base/source.ts';
import { printGraph } from '../ir/graph/print.ts';
import type { Kernel } from '../ir/kernel/types.ts';
import { printKernel } from '../ir/kernel/print.ts';
import { repeatedIn, type Lowered } from '../lower/program.ts';
import { parse } from '../parser/parse.ts';
import { printAst } from '../parser/print.ts';
import { dce } from '../passes/graph/cleanup.ts';
import { lifetimes } from '../passes/memory/layout.ts';
import { gradientPipeline, runPasses } from '../passes/pipeline.ts';
import type { Plan } from '../plan.ts';
import type { Compiled } from '../planning/options.ts';
import type { Model, Script } from '../sema/model.ts';
import type { PlanOptions, Program } from './program.ts';

interface Checked {
  readonly model: Model;
  readonly source: Source;
}

/** The tree of a program, which needs grammar alone: it is there for programs that mean nothing yet. */
export function treeText(source: Source): string {
  const sink = new DiagnosticSink();
  const { program } = parse(source, sink);
  if (sink.all.length > 0) throw userError(sink.all);
  return printAst(program);
}

/** The graph before differentiation: of the model, or without one of the lines that print. */
export function forwardText(model: Model | undefined, script: Script | undefined): string {
  const graph = model?.training ?? model?.predict ?? script?.graph;
  return graph ? printGraph(dce(graph)) : '';
}

/** Stages that need no sizes. */
const EARLY = {
  ast: ({ source }: Checked) => treeText(source),
  forward: ({ model }: Checked) => forwardText(model, undefined),
  grad: ({ model }: Checked) => {
    const training =
      model.training ??
      fail('NN207', 'the program has no loss, so there is nothing to differentiate', { help: 'add a line such as: loss mse' });
    return printGraph(runPasses(training, gradientPipeline(model.params.map((p) => p.name))));
  },
} as const;

/** Stages of a program that was compiled for some number of examples. */
const LATE = {
  fused: ({ programs }: Compiled) => programs.map(fusedText).join('\n'),
  kernels: ({ programs }: Compiled) => programs.map((p) => `# program ${p.name}\n${kernelsOf(p).map(printKernel).join('\n')}`).join('\n'),
  memory: ({ plan, programs }: Compiled) => memoryText(plan, programs),
  wgsl: ({ plan }: Compiled) => wgslText(plan),
  plan: ({ plan }: Compiled) => JSON.stringify(plan, null, 1),
} as const;

export type StageName = keyof typeof EARLY | keyof typeof LATE;
/** What the compiler makes of a program, one after the other. */
export const STAGES = [...Object.keys(EARLY), ...Object.keys(LATE)] as readonly StageName[];

/** A stage of the compiler as text; many lines name the place in the program that they come from. Throws as `program.plan` does. */
export function dumpOf(program: Program, stage: StageName, options: PlanOptions = {}): string {
  mustBeCall('dumpOf', program, options);
  mustBe(STAGES.includes(stage), `a stage is ${STAGES.join(', ')}`, stage);
  return early({ model: program.checkedModel, source: program.source }, stage) ?? late(program.compiled(options), stage);
}

/** The text of an early stage; undefined for the others. */
export const early = (checked: Checked, stage: StageName): string | undefined =>
  stage in EARLY ? EARLY[stage as keyof typeof EARLY](checked) : undefined;

/** The text of a stage that needs the compiled program. */
export const late = (compiled: Compiled, stage: StageName): string => LATE[stage as keyof typeof LATE](compiled);

/** Every kernel with what its dispatches store, then the loop programs. */
export function wgslText(plan: Plan): string {
  const { webgpu } = plan.backends;
  if (!webgpu) return fail('NN501', 'plans for the processor have no WGSL', { help: 'the stage kernels shows what becomes WebAssembly' });
  const uses = Object.values(webgpu.programs).flat();
  const kernels = webgpu.kernels.map((k, i) => {
    const lines = uses.filter((d) => d.kernel === i).flatMap((d) => [`// ${d.name}`, ...d.about.map((a) => `//   ${a}`)]);
    return `// ---- ${k.name}: ${k.workgroups.join(' x ')} workgroups\n${lines.join('\n')}\n${k.wgsl}`;
  });
  const loops = Object.entries(webgpu.loops).map(([name, l]) => `// ---- program ${name} as a loop of one workgroup\n${l.wgsl}`);
  return [...kernels, ...loops].join('\n');
}

/** The kernels for GPUs; of plans for the processor alone those that become WebAssembly. */
const kernelsOf = (p: Lowered): readonly Kernel[] => p.kernels.webgpu ?? p.kernels.wasm ?? [];

/** The graph as it is scheduled, with the kernels as comments. */
function fusedText(p: Lowered): string {
  const groups = p.schedule.groups.map((g, i) => {
    const stores = g.stores.map((s) => `%${s.node} -> ${s.tensor}${s.offset ? `+${s.offset}` : ''}`).join(', ');
    const inlined = g.inlined.length ? ` with ${g.inlined.map((id) => `%${id}`).join(' ')} inside` : '';
    const loop = g.loop === undefined ? '' : `, in a loop over ${p.schedule.loops[g.loop]?.length ?? 0} places`;
    return `# kernel ${i}: ${stores}${inlined}${loop}`;
  });
  return `# program ${p.name}\n${groups.join('\n')}\n${printGraph(p.schedule.source)}`;
}

function memoryText(plan: Plan, programs: readonly Lowered[]): string {
  const lines = [columns([['arena', 'type', 'words'], ...plan.arenas.map((a) => [a.name, a.dtype, String(a.words)])])];
  for (const p of programs) {
    const kept = new Set(Object.values(p.schedule.outputs).map((o) => o.tensor));
    const life = new Map(
      lifetimes(
        p.batches.map((b) => b.flatMap((i) => kernelsOf(p)[i] ?? [])),
        p.schedule.tensors,
        kept,
        repeatedIn(p.schedule, p.loops),
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

/** The scheduler's decisions, and which kernels share a dispatch; or only what is about a line of the program. */
export function whyText(p: Lowered, line?: number): string {
  if (line !== undefined) {
    const nodes = p.schedule.graph.nodes.filter((n) => n.loc?.split(':').at(-2) === String(line)).map((n) => `%${n.id}`);
    const about = p.schedule.why.filter((text) =>
      nodes.some((id) => new RegExp(`${id}\\b`).test(text.replace(/ (is|stay|become) .*/, ''))),
    );
    return [`# program ${p.name}, line ${line}`, ...about, ''].join('\n');
  }
  const dispatches = p.batches.map((b, i) => {
    const loop = p.loops.find(({ first, count }) => first <= i && i < first + count);
    return `dispatch ${i}: ${b.map((k) => kernelsOf(p)[k]?.name ?? '').join(' + ')}${loop ? `, ${loop.times} times in a loop` : ''}`;
  });
  return [`# program ${p.name}`, ...p.schedule.why, ...dispatches, ''].join('\n');
}
