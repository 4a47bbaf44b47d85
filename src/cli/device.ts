import { fail } from '../base/errors.ts';
import type { MatrixUnit } from '../ir/kernel/types.ts';
import { ANY_ADAPTER, type Adapter, type Devices } from '../lower/targets.ts';
import type { Plan } from '../plan.ts';
import { compileKernels, createCpuSession } from '../runtime/cpu.ts';
import { DeviceError } from '../runtime/errors.ts';
import type { Session } from '../runtime/session.ts';
import { createWasmSession, hasWasm } from '../runtime/wasm.ts';
import { BUDGET_MS, createGpuSession } from '../runtime/webgpu.ts';
import type { Model } from '../sema/model.ts';
import { choose } from './choose.ts';
import { findAdapter, releaseGpu, type FoundAdapter } from './gpu.ts';
import { checkHalves } from './halves.ts';
import { nodeHelpers } from './helpers.ts';
import { ALLOW_MATRICES, MATRIX_FEATURE, checkMatrices, unitsOf } from './matrices.ts';
import { checkCollectives, checkSubgroups } from './subgroups.ts';
import { note } from './terminal.ts';
import { readTunings } from './tunings.ts';

export type DeviceChoice = 'auto' | 'gpu' | 'cpu';

const asleep = new Int32Array(new SharedArrayBuffer(4));

/** Lets everything that is due happen, then blocks this thread, and so Dawn's polling, which would take a core of its own. */
export async function nap(ms: number): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve));
  Atomics.wait(asleep, 0, 0, ms);
}

/** Loads a plan on the processor: as WebAssembly on all of its cores, or as plain JavaScript. */
export function openCpuSession(plan: Plan, reason: string): Session {
  if (plan.wasm && hasWasm()) return createWasmSession(plan, plan.wasm, { reason, helpers: nodeHelpers() });
  return createCpuSession(plan, compileKernels(plan), reason);
}

export interface DeviceOptions {
  readonly deterministic?: boolean | undefined;
  /** Products are computed by matrix units; an error where there are none. */
  readonly subgroupMatrix?: boolean | undefined;
}

/** Where plans are to run. */
export interface Device {
  /** What their kernels should be made for. */
  readonly adapter: Adapter;
  /** The GPU, if one is there. */
  readonly found?: FoundAdapter;
  /** Which devices plans have to be for. */
  readonly devices: Devices;
  /** Loads a plan, for as many nets as train at once; the session says where and why. */
  readonly open: (plan: Plan, nets?: number) => Promise<Session>;
}

/**
 * Finds what the user asked for: a GPU, the processor, or with `auto` whichever should be faster for a plan. Kernels are those
 * that were measured to be the fastest; with `deterministic`, those that nnc would choose anywhere.
 */
export async function findDevice(choice: DeviceChoice, options: DeviceOptions = {}): Promise<Device> {
  const { deterministic, subgroupMatrix = false } = options;
  if (subgroupMatrix && choice === 'cpu')
    fail('NN501', '--subgroup-matrix is for GPUs, and --device cpu is none', { help: 'leave one of them away' });
  if (choice === 'cpu')
    return { adapter: ANY_ADAPTER, devices: 'cpu', open: (plan) => Promise.resolve(openCpuSession(plan, 'asked for with --device cpu')) };
  const search = { dawn: subgroupMatrix ? [ALLOW_MATRICES] : [] };
  const { found, attempts } = await findAdapter(search);
  if (!found) {
    const tried = attempts.map((a) => `${a.what}: ${a.outcome}`).join('; ');
    if (choice === 'gpu' || subgroupMatrix)
      throw new DeviceError(
        `no WebGPU adapter was found (${tried})`,
        'NN601',
        'run nnc doctor to see what is missing, or use --device cpu',
      );
    return {
      adapter: ANY_ADAPTER,
      devices: 'cpu',
      open: (plan) => Promise.resolve(openCpuSession(plan, `no WebGPU adapter was found (${tried})`)),
    };
  }
  const units = subgroupMatrix ? unitsOf(found.adapter) : [];
  if (subgroupMatrix && units.length === 0)
    throw new DeviceError(
      `${found.adapter.info.description || found.adapter.info.device || 'the adapter'} offers no subgroup matrices that nnc can use`,
      'NN601',
      'leave --subgroup-matrix away',
    );
  // An adapter gives one device; the next needs to be found anew.
  let fresh: FoundAdapter | undefined = found;
  return {
    adapter: { ...profileOf(found), tuned: deterministic ? undefined : await readTunings(found.adapter), units },
    found,
    devices: choice === 'gpu' || subgroupMatrix ? 'gpu' : 'all',
    async open(plan, nets) {
      const { cpu, reason } =
        choice === 'auto' && !subgroupMatrix && nets === undefined ? choose(plan, found) : { cpu: false, reason: found.reason };
      if (cpu) return openCpuSession(plan, reason);
      if (subgroupMatrix && !plan.kernels.some((k) => k.matrices))
        note('--subgroup-matrix: no product of this program is made of whole matrices of a kind that the GPU multiplies');
      const { adapter } = fresh ?? (await findAdapter(search)).found ?? found;
      fresh = undefined;
      return createGpuSession(plan, adapter, {
        via: found.via,
        reason,
        budget: BUDGET_MS.native,
        nap,
        prove: (gpu, p) => prove(gpu, p, units),
        nets,
      });
    },
  };
}

/** Which devices the plans of a model are for: numbers of two bytes are for GPUs alone, and a software one is hardly the faster device. */
export function devicesFor({ precision }: Pick<Model, 'precision'>, { adapter, devices }: Device): Devices {
  return precision === 'f16' && adapter.half && !adapter.software && devices === 'all' ? 'gpu' : devices;
}

/** Says where a program asks for numbers of two bytes and gets them rounded alone. */
export function notePrecision({ precision }: Pick<Model, 'precision'>, { adapter }: Device, { device }: Session): void {
  if (precision === 'f32' || adapter.half || device.kind === 'cpu') return;
  note(`precision f16: ${device.name} has no shader-f16, so that numbers are rounded as it says and take four bytes`);
}

/** What devices have shown in this process. */
const shown = new Map<string, Promise<void>>();

/**
 * Has the device show what a plan counts on: a driver that does otherwise would give wrong results without a word. Once is enough of
 * each adapter.
 */
export async function prove(gpu: GPUDevice, { features, kernels }: Plan, units: readonly MatrixUnit[] = []): Promise<void> {
  const { vendor, architecture, device, description } = gpu.adapterInfo;
  const once = (what: string, check: () => Promise<void>): Promise<void> => {
    const key = [vendor, architecture, device, description, what].join('/');
    const proof = shown.get(key) ?? check();
    shown.set(key, proof);
    return proof;
  };
  const subgroup = Math.max(...kernels.map((k) => k.subgroup));
  const half = features.includes('shader-f16');
  const usable = units.filter((u) => u.type === 'f32' || half);
  await Promise.all([
    subgroup > 1 && once(`subgroups of ${subgroup}`, () => checkSubgroups(gpu, subgroup)),
    kernels.some((k) => k.joins) && once('collectives', () => checkCollectives(gpu)),
    half && once('halves', () => checkHalves(gpu)),
    features.includes(MATRIX_FEATURE) && once(`matrices ${usable.length}`, () => checkMatrices(gpu, usable)),
  ]);
}

/** What kernels should be made for on an adapter. */
export function profileOf({ adapter, software }: FoundAdapter): Adapter {
  const { subgroupMinSize = 1, subgroupMaxSize = 1 } = adapter.info;
  return {
    software,
    bindings: Math.min(MOST_BINDINGS, adapter.limits.maxStorageBuffersPerShaderStage),
    collectives: adapter.features.has('subgroups'),
    half: adapter.features.has('shader-f16'),
    // Of drivers on processors it is known how threads are numbered within subgroups.
    subgroup: software && adapter.features.has('subgroups') && subgroupMinSize === subgroupMaxSize ? subgroupMinSize : 1,
  };
}

/** More would not make fewer dispatches. */
const MOST_BINDINGS = 16;

/** Loads one plan on a device. */
export async function openSession(plan: Plan, choice: DeviceChoice): Promise<Session> {
  return (await findDevice(choice)).open(plan);
}

export { releaseGpu };
