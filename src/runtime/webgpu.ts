/// <reference types="@webgpu/types" />
import { messageOf } from '../base/errors.ts';
import { BYTES, READBACK_SLOTS, UNIFORM_BYTES, planBytes, traceWords, type Plan } from '../plan.ts';
import { inTurn, timesOf, type WebGpuSection } from '../sections.ts';
import { copiesOf, limitsFor, requestDevice } from './device-limits.ts';
import { DeviceError, DeviceLost } from './errors.ts';
import { MAP_READ_MODE, USAGE } from './flags.ts';
import { GpuPrograms, sectionOf } from './gpu-programs.ts';
import { asleepUntil } from './sleeping.ts';
import { countRuns, type Counters, type DeviceInfo, type Sleep, type Session, type StepUniforms, type Words } from './session.ts';

/** Milliseconds that one submit may take: browsers lose devices that run longer, native drivers are more patient. */
export const BUDGET_MS = { browser: 50, native: 200 } as const;

export interface GpuOptions {
  /** The WebGPU implementation, for messages: `Dawn`, `browser`. */
  readonly via: string;
  readonly reason: string;
  readonly budget: number;
  readonly sleep?: Sleep | undefined;
  /** Throws unless the device does what the plan relies on. */
  readonly prove?: ((gpu: GPUDevice, section: WebGpuSection) => Promise<void>) | undefined;
  /** The device belongs to someone else: its errors may be theirs, and they destroy it. */
  readonly shared?: boolean | undefined;
  /** The number of nets that train at once, each with its own copy of everything but the data; 1 by default. */
  readonly nets?: number | undefined;
}

/** Loads a plan on a WebGPU adapter and creates all buffers, pipelines and bind groups that it will ever need. */
export async function createGpuSession(plan: Plan, adapter: GPUAdapter, options: GpuOptions): Promise<Session> {
  const device = await requestDevice(plan, adapter, options.nets ?? 1);
  return opened(new GpuSession(plan, device, describe(adapter.info, options), options));
}

/** Loads a plan on someone else's device, which is not destroyed. */
export async function shareGpuDevice(plan: Plan, device: GPUDevice, options: GpuOptions): Promise<Session> {
  const missing = sectionOf(plan).features.filter((f) => !device.features.has(f));
  if (missing.length > 0)
    throw new DeviceError(
      `the plan needs ${missing.join(' and ')}, which the device was made without`,
      'NN603',
      'ask for it in requiredFeatures',
    );
  limitsFor(plan, device.limits, 1);
  return opened(new GpuSession(plan, device, describe(device.adapterInfo, options), { ...options, shared: true }));
}

async function opened(session: GpuSession): Promise<Session> {
  try {
    await session.prepare();
  } catch (e) {
    session.destroy();
    throw e;
  }
  return session;
}

function describe(info: GPUAdapterInfo | undefined, { via, reason }: GpuOptions): DeviceInfo {
  const name = info?.description || info?.device || info?.vendor || 'WebGPU adapter';
  return { kind: 'gpu', name: `${name} (${via})`, reason };
}

/** How long to wait for a device to report its loss after a map was rejected. */
const LAST_WORD_MS = 500;

/** Steps of the first chunk of a loop program; its steps are usually cheap. */
const FIRST_LOOP = 64;

class GpuSession implements Session {
  readonly plan: Plan;
  readonly device: DeviceInfo;
  readonly budget: number;
  readonly sleep: Sleep | undefined;
  readonly nets: number;
  readonly counters: Counters = { dispatches: 0, submits: 0, buffers: 0, bindGroups: 0, bytes: 0 };
  private readonly gpu: GPUDevice;
  private readonly prove: GpuOptions['prove'];
  private readonly arenas = new Map<string, GPUBuffer>();
  private programs: GpuPrograms | undefined;
  readonly pace: { chunk: number };
  private uniforms: GPUBuffer | undefined;
  private places: GPUBuffer | undefined;
  private readonly readback: GPUBuffer[] = [];
  private nextReadback = 0;
  private failure: DeviceError | undefined;
  private destroyed = false;
  private readonly shared: boolean;
  readonly lost: Promise<unknown>;

  constructor(plan: Plan, gpu: GPUDevice, device: DeviceInfo, { budget, sleep, prove, nets = 1, shared = false }: GpuOptions) {
    this.shared = shared;
    this.prove = prove;
    this.nets = nets;
    this.sleep = sleep;
    this.plan = plan;
    this.gpu = gpu;
    this.device = device;
    this.budget = budget;
    this.pace = { chunk: Object.keys(sectionOf(plan).loops).length ? Math.min(FIRST_LOOP, plan.chunk) : 1 };
    this.lost = gpu.lost.then((info) => {
      // A device loss causes all later errors, so it is reported first.
      if (!this.destroyed) this.failure = new DeviceLost(info.message || info.reason);
    });
    if (!shared) gpu.addEventListener('uncapturederror', this.onError);
  }

  private readonly onError = (event: GPUUncapturedErrorEvent): void => {
    const { error } = event;
    // Its class is no global in Node. What was computed since is not to be trusted, so it goes on from the last snapshot, on a fresh device.
    const memory = error.constructor.name === 'GPUOutOfMemoryError';
    this.failure ??= memory ? new DeviceLost(`out of memory: ${error.message}`) : new DeviceError(`the device reports: ${error.message}`);
  };

  private buffer(label: string, size: number, usage: number): GPUBuffer {
    this.counters.buffers++;
    this.counters.bytes += size;
    return this.gpu.createBuffer({ label, size, usage });
  }

  async prepare(): Promise<void> {
    const { plan, gpu } = this;
    gpu.pushErrorScope('out-of-memory');
    gpu.pushErrorScope('validation');
    for (const a of plan.arenas)
      this.arenas.set(
        a.name,
        this.buffer(a.name, a.words * copiesOf(plan, a.name, this.nets) * BYTES, USAGE.STORAGE | USAGE.COPY_DST | USAGE.COPY_SRC),
      );
    this.uniforms = this.buffer('uniforms', planBytes(plan).uniforms * this.nets, USAGE.UNIFORM | USAGE.STORAGE | USAGE.COPY_DST);
    const trace = this.traceBytes();
    for (let i = 0; trace > 0 && i < READBACK_SLOTS; i++)
      this.readback.push(this.buffer(`readback ${i}`, trace, USAGE.MAP_READ | USAGE.COPY_DST));
    const buffers = { arena: (name: string) => this.arena(name), uniforms: this.uniforms, places: this.placeNumbers() };
    this.programs = new GpuPrograms(gpu, plan, buffers, this.counters, this.nets);
    // Some drivers take long to compile, so what training does not run is compiled when it is first used. Steps must not wait: two chunks
    // of them are in flight, and their order and times count.
    const names = Object.keys(sectionOf(plan).programs);
    const training = names.filter((name) => name === 'train' || name === 'tail');
    const first = training.length ? training : names;
    await asleepUntil(Promise.all([this.programs.prepare(first), this.prove?.(gpu, sectionOf(plan))]), this.sleep);
    const [invalid, memory] = [await gpu.popErrorScope(), await gpu.popErrorScope()];
    if (memory)
      throw new DeviceError(
        `the device has not enough memory for ${this.counters.bytes} bytes: ${memory.message}`,
        'NN603',
        'use a smaller batch, or --device cpu',
      );
    if (invalid) throw new Error(`the plan '${plan.name}' is not valid WebGPU: ${invalid.message}`);
  }

  private traceBytes(): number {
    return traceWords(this.plan) * BYTES * this.nets;
  }

  private arena(name: string): GPUBuffer {
    const found = this.arenas.get(name);
    if (!found) throw new Error(`the plan has no arena '${name}'`);
    return found;
  }

  private check(): void {
    if (this.failure) throw this.failure;
  }

  write(arena: string, offset: number, data: Words): void {
    this.check();
    this.gpu.queue.writeBuffer(this.arena(arena), offset * BYTES, data as Float32Array<ArrayBuffer>);
  }

  async read(arena: string, offset: number, length: number): Promise<Words> {
    this.check();
    const dtype = this.plan.arenas.find((a) => a.name === arena)?.dtype;
    if (length === 0) return dtype === 'i32' ? new Int32Array(0) : new Float32Array(0);
    const staging = this.gpu.createBuffer({ label: `read ${arena}`, size: length * BYTES, usage: USAGE.MAP_READ | USAGE.COPY_DST });
    const encoder = this.gpu.createCommandEncoder();
    encoder.copyBufferToBuffer(this.arena(arena), offset * BYTES, staging, 0, length * BYTES);
    this.gpu.queue.submit([encoder.finish()]);
    const bytes = await this.take(staging);
    staging.destroy();
    return dtype === 'i32' ? new Int32Array(bytes) : new Float32Array(bytes);
  }

  /** Maps a buffer and copies it out. */
  private async take(buffer: GPUBuffer): Promise<ArrayBuffer> {
    try {
      await asleepUntil(buffer.mapAsync(MAP_READ_MODE), this.sleep);
    } catch (e) {
      // A lost device rejects every map. The loss has the more helpful message, but may arrive a moment later.
      await Promise.race([this.lost, new Promise((resolve) => setTimeout(resolve, LAST_WORD_MS))]);
      this.check();
      throw new DeviceError(`the device does not answer: ${messageOf(e)}`);
    }
    const bytes = buffer.getMappedRange().slice(0);
    buffer.unmap();
    this.check();
    return bytes;
  }

  /** The numbers of a loop's places, each where a dynamic offset may point. */
  private placeNumbers(): GPUBuffer | undefined {
    const { places } = planBytes(this.plan);
    if (places === 0) return undefined;
    const numbers = new Uint32Array(places / BYTES);
    for (let i = 0; i * UNIFORM_BYTES < places; i++) numbers[(i * UNIFORM_BYTES) / BYTES] = i;
    this.places = this.buffer('places', places, USAGE.UNIFORM | USAGE.COPY_DST);
    this.gpu.queue.writeBuffer(this.places, 0, numbers);
    return this.places;
  }

  async run(programs: readonly string[], uniforms: StepUniforms): Promise<Float32Array> {
    this.check();
    const prepared = this.prepared;
    const missing = programs.filter((name) => !prepared.isPrepared(name));
    if (missing.length) {
      await asleepUntil(prepared.prepare(missing), this.sleep);
      this.check();
    }
    const trace = this.submit(programs, uniforms);
    return trace ? new Float32Array(await this.take(trace)) : new Float32Array(0);
  }

  private get prepared(): GpuPrograms {
    if (!this.programs) throw new Error('the session is not prepared');
    return this.programs;
  }

  /** Encodes and submits programs; the buffer that their trace is copied to, if there is one. */
  private submit(programs: readonly string[], uniforms: StepUniforms): GPUBuffer | undefined {
    const { gpu, plan, prepared } = this;
    countRuns(programs, uniforms);
    gpu.queue.writeBuffer(this.uniforms as GPUBuffer, 0, uniforms.buffer);
    const encoder = gpu.createCommandEncoder({ label: plan.name });
    const pass = encoder.beginComputePass();
    let current: GPUComputePipeline | undefined;
    programs.forEach((name, slot) => {
      const loop = prepared.loops.get(name);
      if (loop) {
        // The first step's dispatch runs all steps of the loop.
        if (slot > 0 && programs[slot - 1] === name) return;
        pass.setPipeline(loop.pipeline);
        current = loop.pipeline;
        pass.setBindGroup(0, loop.group);
        pass.setBindGroup(1, prepared.loopUniforms, [slot * UNIFORM_BYTES]);
        pass.dispatchWorkgroups(this.nets);
        this.counters.dispatches++;
        return;
      }
      let bound = false;
      inTurn(prepared.program(name), ({ pipeline, group, uniforms, places, workgroups }, place) => {
        if (pipeline !== current) pass.setPipeline(pipeline);
        current = pipeline;
        pass.setBindGroup(0, group);
        if ((uniforms || places) && !bound) {
          pass.setBindGroup(1, prepared.uniformGroup, [slot * UNIFORM_BYTES]);
          bound = true;
        }
        if (places) pass.setBindGroup(2, prepared.placeGroup as GPUBindGroup, [place * UNIFORM_BYTES]);
        pass.dispatchWorkgroups(...workgroups);
        this.counters.dispatches++;
      });
    });
    pass.end();
    const staging = this.readback[this.nextReadback];
    this.nextReadback = (this.nextReadback + 1) % Math.max(1, this.readback.length);
    if (staging) encoder.copyBufferToBuffer(this.arena('trace'), 0, staging, 0, this.traceBytes());
    gpu.queue.submit([encoder.finish()]);
    this.counters.submits++;
    return staging;
  }

  /** Runs every dispatch in its own pass, timed by timestamps if the device has them, else by waiting for each. */
  async profile(name: string, uniforms: StepUniforms): Promise<readonly number[]> {
    this.check();
    const { gpu, prepared } = this;
    gpu.queue.writeBuffer(this.uniforms as GPUBuffer, 0, uniforms.buffer);
    const program = await prepared.encoded(name);
    const stamps = gpu.features.has('timestamp-query') ? gpu.createQuerySet({ type: 'timestamp', count: 2 }) : undefined;
    const seconds: number[] = [];
    for (const step of program) {
      const encoder = gpu.createCommandEncoder();
      const pass = encoder.beginComputePass(
        stamps ? { timestampWrites: { querySet: stamps, beginningOfPassWriteIndex: 0, endOfPassWriteIndex: 1 } } : {},
      );
      pass.setPipeline(step.pipeline);
      pass.setBindGroup(0, step.group);
      if (step.uniforms || step.places) pass.setBindGroup(1, prepared.uniformGroup, [0]);
      if (step.places) pass.setBindGroup(2, prepared.placeGroup as GPUBindGroup, [0]);
      pass.dispatchWorkgroups(...step.workgroups);
      pass.end();
      const resolved = gpu.createBuffer({ label: 'timestamps', size: 16, usage: USAGE.COPY_SRC | USAGE.QUERY_RESOLVE });
      const staging = gpu.createBuffer({ label: 'timestamps read', size: 16, usage: USAGE.MAP_READ | USAGE.COPY_DST });
      if (stamps) {
        encoder.resolveQuerySet(stamps, 0, 2, resolved, 0);
        encoder.copyBufferToBuffer(resolved, 0, staging, 0, 16);
      }
      const begin = performance.now();
      gpu.queue.submit([encoder.finish()]);
      const [from = 0n, to = 0n] = new BigUint64Array(await this.take(staging));
      // Of a loop, the first place stands for all.
      seconds.push((stamps ? Number(to - from) / 1e9 : (performance.now() - begin) / 1000) * timesOf(step));
      resolved.destroy();
      staging.destroy();
    }
    stamps?.destroy();
    return seconds;
  }

  destroy(): void {
    this.destroyed = true;
    for (const b of [...this.arenas.values(), ...this.readback]) b.destroy();
    this.uniforms?.destroy();
    this.places?.destroy();
    if (this.shared) return;
    // Whoever listens to a device keeps it alive, with its threads.
    this.gpu.removeEventListener('uncapturederror', this.onError);
    this.gpu.destroy();
  }
}
