import { fail } from '../base/errors.ts';
import { ANY_ADAPTER, type Adapter } from '../codegen/backend.ts';
import type { Devices } from '../lower/backends.ts';
import { choose } from '../node/choose.ts';
import { findAdapter, type FoundAdapter } from '../node/gpu.ts';
import { sleep } from '../node/sleep.ts';
import { openCpuSession } from '../node/processor.ts';
import { profileOf } from '../node/profile.ts';
import type { Plan } from '../plan.ts';
import { DeviceError } from '../runtime/errors.ts';
import type { Session } from '../runtime/session.ts';
import { BUDGET_MS, createGpuSession } from '../runtime/webgpu.ts';
import type { Model } from '../sema/model.ts';
import { ALLOW_MATRICES, unitsOf } from '../verify/matrices.ts';
import { prove } from '../verify/prove.ts';
import { note } from './terminal.ts';
import { readTunings } from './tunings.ts';

export type DeviceChoice = 'auto' | 'gpu' | 'cpu';

export interface DeviceOptions {
  readonly deterministic?: boolean | undefined;
  /** Compute products with matrix units; an error if there are none. */
  readonly subgroupMatrix?: boolean | undefined;
}

/** Where plans run. */
export interface Device {
  /** The properties that their kernels are generated for. */
  readonly adapter: Adapter;
  /** The GPU, if there is one. */
  readonly found?: FoundAdapter;
  /** The devices that plans must support. */
  readonly devices: Devices;
  /** Loads a plan, for a number of nets that train at once; the session says where and why. */
  readonly open: (plan: Plan, nets?: number) => Promise<Session>;
}

/**
 * Finds the requested device: a GPU, the processor, or with `auto` whichever should be faster for a plan. Kernels are tuned by earlier
 * measurements; with `deterministic` they are nnc's defaults.
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
  // An adapter gives only one device; for the next one, an adapter is requested again.
  let fresh: FoundAdapter | undefined = found;
  return {
    adapter: { ...profileOf(found), tuned: deterministic ? undefined : await readTunings(found.adapter), units },
    found,
    devices: choice === 'gpu' || subgroupMatrix ? 'gpu' : 'all',
    async open(plan, nets) {
      const { cpu, reason } =
        choice === 'auto' && !subgroupMatrix && nets === undefined ? choose(plan, found) : { cpu: false, reason: found.reason };
      if (cpu) return openCpuSession(plan, reason);
      if (subgroupMatrix && !plan.backends.webgpu?.kernels.some((k) => k.matrices))
        note('--subgroup-matrix: no product of this program is made of whole matrices of a kind that the GPU multiplies');
      const { adapter } = fresh ?? (await findAdapter(search)).found ?? found;
      fresh = undefined;
      return createGpuSession(plan, adapter, {
        via: found.via,
        reason,
        budget: BUDGET_MS.native,
        sleep,
        prove: (gpu, section) => prove(gpu, section, units),
        nets,
      });
    },
  };
}

/** Tells the user if f16 numbers are only rounded and not stored in two bytes. */
export function notePrecision({ precision }: Pick<Model, 'precision'>, { adapter }: Device, { device }: Session): void {
  if (precision === 'f32' || adapter.half || device.kind === 'cpu') return;
  note(`precision f16: ${device.name} has no shader-f16, so that numbers are rounded as it says and take four bytes`);
}

/** Loads one plan on a device. */
export async function openSession(plan: Plan, choice: DeviceChoice): Promise<Session> {
  return (await findDevice(choice)).open(plan);
}
