/// <reference types="@webgpu/types" />
import { messageOf } from '../base/errors.ts';
import { BYTES, UNIFORM_BYTES, type Plan } from '../plan.ts';
import type { Repeat, WebGpuSection, WgslKernel } from '../sections.ts';
import { DeviceError } from './errors.ts';
import type { Counters } from './session.ts';

const STAGE_COMPUTE = 4;

/** A dispatch that is ready to be encoded. */
export interface Encoded {
  readonly pipeline: GPUComputePipeline;
  readonly group: GPUBindGroup;
  readonly uniforms: boolean;
  readonly places: boolean;
  readonly loop?: Repeat;
  readonly workgroups: readonly [number, number];
}

/** A program that runs all its steps in one dispatch. */
export interface LoopProgram {
  readonly pipeline: GPUComputePipeline;
  readonly group: GPUBindGroup;
}

/** The GPU section of a plan; throws if the plan was made for other devices. */
export function sectionOf({ backends }: Plan): WebGpuSection {
  if (backends.webgpu) return backends.webgpu;
  throw new DeviceError('this plan was made for the CPU', 'NN601', 'make it with devices: "gpu" or "all"');
}

/** The buffers of a plan. */
interface Memory {
  readonly arena: (name: string) => GPUBuffer;
  readonly uniforms: GPUBuffer;
  /** The numbers 0, 1, ..., each in its own uniforms; nothing if the plan has no loops. */
  readonly places: GPUBuffer | undefined;
}

type Access = { readonly access: 'read' | 'read_write' };

/** The pipelines and bind groups of a plan on a device, created when they are first needed. */
export class GpuPrograms {
  readonly loops = new Map<string, LoopProgram>();
  /** The uniforms of one step, by a dynamic offset. */
  readonly uniformGroup: GPUBindGroup;
  /** The uniforms of all steps from an offset on. */
  readonly loopUniforms: GPUBindGroup;
  private readonly programs = new Map<string, readonly Encoded[]>();
  private readonly pipelines = new Map<number, Promise<GPUComputePipeline>>();
  private readonly gpu: GPUDevice;
  private readonly section: WebGpuSection;
  private readonly arena: (name: string) => GPUBuffer;
  private readonly counters: Counters;
  private readonly uniformLayout: GPUBindGroupLayout;
  private readonly loopUniformLayout: GPUBindGroupLayout;
  private readonly placeLayout: GPUBindGroupLayout;
  /** The number of a loop's place, by a dynamic offset; nothing if the plan has no loops. */
  readonly placeGroup: GPUBindGroup | undefined;

  constructor(gpu: GPUDevice, plan: Plan, { arena, uniforms, places }: Memory, counters: Counters, nets: number) {
    this.gpu = gpu;
    this.section = sectionOf(plan);
    this.arena = arena;
    this.counters = counters;
    const uniformLayout = (type: 'uniform' | 'read-only-storage'): GPUBindGroupLayout =>
      gpu.createBindGroupLayout({ entries: [{ binding: 0, visibility: STAGE_COMPUTE, buffer: { type, hasDynamicOffset: true } }] });
    const uniformGroup = (layout: GPUBindGroupLayout, size: number): GPUBindGroup =>
      gpu.createBindGroup({ label: 'uniforms', layout, entries: [{ binding: 0, resource: { buffer: uniforms, size } }] });
    this.uniformLayout = uniformLayout('uniform');
    this.placeLayout = uniformLayout('uniform');
    this.placeGroup =
      places &&
      gpu.createBindGroup({ label: 'places', layout: this.placeLayout, entries: [{ binding: 0, resource: { buffer: places, size: 16 } }] });
    this.loopUniformLayout = uniformLayout('read-only-storage');
    this.uniformGroup = uniformGroup(this.uniformLayout, UNIFORM_BYTES);
    this.loopUniforms = uniformGroup(this.loopUniformLayout, plan.chunk * UNIFORM_BYTES * nets);
  }

  /** Creates all that runs of these programs use, unless it exists. Programs that run as a loop need no kernels of their own. */
  async prepare(names: readonly string[]): Promise<void> {
    await Promise.all([...new Set(names)].map((name) => (this.section.loops[name] ? this.loop(name) : this.encoded(name))));
  }

  /** Whether runs of a program have to wait for {@link prepare}. */
  isPrepared(name: string): boolean {
    return this.loops.has(name) || this.programs.has(name);
  }

  private async loop(name: string): Promise<void> {
    const loop = this.section.loops[name];
    if (!loop || this.loops.has(name)) return;
    const label = `loop ${name}`;
    const layout = this.layout(label, loop.bindings);
    const pipeline = await this.compile(label, loop.wgsl, [layout, this.loopUniformLayout]);
    const group = this.group(
      label,
      layout,
      loop.bindings.map((b) => ({ buffer: this.arena(b.arena) })),
    );
    this.loops.set(name, { pipeline, group });
  }

  /** The dispatches of a prepared program. */
  program(name: string): readonly Encoded[] {
    const found = this.programs.get(name);
    if (!found) throw new Error(`the plan has no program '${name}'`);
    return found;
  }

  /** The dispatches of any program, created on first use. */
  async encoded(name: string): Promise<readonly Encoded[]> {
    const known = this.programs.get(name);
    if (known) return known;
    const made = await Promise.all(
      (this.section.programs[name] ?? []).map(async (d): Promise<Encoded> => {
        const kernel = this.section.kernels[d.kernel];
        if (!kernel) throw new Error(`the plan has no kernel ${d.kernel}`);
        const layout = this.layout(kernel.name, kernel.bindings);
        const resources = d.ranges.map((w) => ({ buffer: this.arena(w.arena), offset: w.start * BYTES, size: w.words * BYTES }));
        const group = this.group(d.name, layout, resources);
        const { uniforms, places, workgroups } = kernel;
        return {
          pipeline: await this.pipeline(d.kernel, kernel, layout),
          group,
          uniforms,
          places,
          workgroups,
          ...(d.loop && { loop: d.loop }),
        };
      }),
    );
    this.programs.set(name, made);
    return made;
  }

  private pipeline(index: number, kernel: WgslKernel, layout: GPUBindGroupLayout): Promise<GPUComputePipeline> {
    const known = this.pipelines.get(index);
    if (known) return known;
    // The groups in between must exist, used or not.
    const groups = kernel.places
      ? [layout, this.uniformLayout, this.placeLayout]
      : kernel.uniforms
        ? [layout, this.uniformLayout]
        : [layout];
    const made = this.compile(kernel.name, kernel.wgsl, groups);
    this.pipelines.set(index, made);
    return made;
  }

  private group(label: string, layout: GPUBindGroupLayout, resources: readonly GPUBufferBinding[]): GPUBindGroup {
    this.counters.bindGroups++;
    return this.gpu.createBindGroup({ label, layout, entries: resources.map((resource, binding) => ({ binding, resource })) });
  }

  private layout(label: string, bindings: readonly Access[]): GPUBindGroupLayout {
    const entries = bindings.map((b, binding) => ({
      binding,
      visibility: STAGE_COMPUTE,
      buffer: { type: b.access === 'read' ? ('read-only-storage' as const) : ('storage' as const) },
    }));
    return this.gpu.createBindGroupLayout({ label, entries });
  }

  private async compile(label: string, code: string, bindGroupLayouts: GPUBindGroupLayout[]): Promise<GPUComputePipeline> {
    const { gpu } = this;
    const module = gpu.createShaderModule({ label, code });
    try {
      const layout = gpu.createPipelineLayout({ bindGroupLayouts });
      return await gpu.createComputePipelineAsync({ label, layout, compute: { module, entryPoint: 'main' } });
    } catch (e) {
      throw new Error(`kernel ${label} does not compile: ${messageOf(e)}\n${code}`);
    }
  }
}
