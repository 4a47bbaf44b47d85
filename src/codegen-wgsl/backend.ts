import { at } from '../base/errors.ts';
import type { Backend, PlanMemory, ScheduledProgram } from '../codegen/backend.ts';
import { Alike } from '../codegen/alike.ts';
import { bindBuffers } from '../codegen/bind.ts';
import { Interned, dispatchOf, nameOf, repeatOf } from '../codegen/dispatch.ts';
import type { Arena } from '../plan.ts';
import type { Dispatch, WebGpuSection, WgslKernel } from '../sections.ts';
import { loopsOf } from './loops.ts';
import { gpuTarget } from './targets.ts';
import { generateWgsl, type Shader } from './wgsl.ts';

/** Shaders for WebGPU; kernels with equal text are shared. */
export const WEBGPU: Backend = {
  name: 'webgpu',
  device: 'gpu',
  target: gpuTarget,
  emit(programs, memory) {
    const kernels = new Interned<WgslKernel>();
    const shaders = new Alike<Shader>();
    const dispatches = programs.map((p) => [p.name, dispatchesOf(p, memory, kernels, shaders)] as const);
    return {
      webgpu: {
        features: featuresOf(kernels.all, memory.arenas),
        kernels: kernels.all,
        programs: Object.fromEntries(dispatches),
        loops: memory.loops ? loopsOf(programs, memory) : {},
      },
    };
  },
};

function dispatchesOf(program: ScheduledProgram, { scalars }: PlanMemory, known: Interned<WgslKernel>, shaders: Alike<Shader>): Dispatch[] {
  const { software, collectives, bindings: most } = program.adapter;
  return program.batches.map((batch, i) => {
    const kernels = batch.map((k) => at(program.kernels.webgpu ?? [], k));
    const bound = bindBuffers(kernels, program.placed, most);
    const shader = shaders.of(kernels, bound, () => generateWgsl(kernels, { ...bound, scalars, hidesLoops: software, collectives }));
    const index = known.put(shader.code, () => ({
      name: nameOf(program.name, kernels),
      wgsl: shader.code,
      bindings: bound.bindings.map(({ access }) => ({ access })),
      subgroup: shader.subgroup,
      collectives: shader.collectives,
      matrices: shader.matrices,
      uniforms: shader.uniforms,
      places: shader.places,
      workgroups: shader.workgroups,
    }));
    return dispatchOf(program.name, kernels, index, bound.bindings, repeatOf(program.loops, i));
  });
}

/** The WebGPU features that kernels use. */
function featuresOf(kernels: readonly WgslKernel[], arenas: readonly Arena[]): WebGpuSection['features'] {
  return [
    ...(kernels.some((k) => k.subgroup > 1 || k.collectives) ? ['subgroups'] : []),
    ...(arenas.some((a) => a.dtype === 'f16') ? ['shader-f16'] : []),
    ...(kernels.some((k) => k.matrices) ? ['chromium-experimental-subgroup-matrix'] : []),
  ];
}
