/// <reference types="@webgpu/types" />
import { messageOf } from '../base/errors.ts';
import { withoutNativeWords } from './quiet.ts';
import { loadSwiftShader } from './swiftshader.ts';
import { missingDriver } from './vulkan.ts';

/** A WebGPU adapter, and how it was found. */
export interface FoundAdapter {
  readonly adapter: GPUAdapter;
  readonly via: string;
  readonly reason: string;
  readonly software: boolean;
}

/** What was tried, in order; only the last one can have succeeded. */
export interface Attempt {
  readonly what: string;
  readonly outcome: string;
}

export interface AdapterSearch {
  readonly found: FoundAdapter | undefined;
  readonly attempts: readonly Attempt[];
}

/**
 * Profiles need timestamps in nanoseconds instead of the 65 microseconds that pages get. And Dawn hides f16 on NVIDIA; programs that use it
 * are checked on the device first.
 */
const DAWN = { disable: ['timestamp_quantization'], enable: ['vulkan_enable_f16_on_nvidia'] };

/**
 * SwiftShader clears workgroup memory with a store for each number, written out, which makes a staged product compile ten times as long;
 * without the extension Dawn writes a loop instead.
 */
const DISABLED_ON_SWIFTSHADER = ['use_vulkan_zero_initialize_workgroup_memory_extension'];

/**
 * Dawn must stay reachable while it is used, or the process crashes; dropping it lets the process end. There is one of it for each set of
 * features, however many adapters are asked for: each one has threads of its own.
 */
const instances = new Map<string, GPU>();

export function releaseGpu(): void {
  instances.clear();
}

const firstLine = (e: unknown): string => messageOf(e).split('\n')[0] ?? '';

/** Tries Dawn with the system's driver, then with the SwiftShader of an npm package. */
export async function findAdapter(
  options: { readonly system?: boolean; readonly swiftshader?: boolean; readonly dawn?: readonly string[] | undefined } = {},
): Promise<AdapterSearch> {
  const attempts: Attempt[] = [];
  let dawn: { readonly create: (options: string[]) => GPU };
  try {
    dawn = await import('webgpu');
  } catch (e) {
    attempts.push({ what: 'Dawn (npm package webgpu)', outcome: `does not load: ${firstLine(e)}` });
    return { found: undefined, attempts };
  }
  const request = async (what: string, disable: readonly string[] = []): Promise<GPUAdapter | undefined> => {
    try {
      const features = [
        `disable-dawn-features=${[...DAWN.disable, ...disable].join()}`,
        `enable-dawn-features=${[...DAWN.enable, ...(options.dawn ?? [])].join()}`,
      ];
      // Drivers are looked for when Dawn is made.
      const key = [...features, process.env['VK_DRIVER_FILES'], process.env['VK_ICD_FILENAMES']].join(' ');
      const instance = instances.get(key) ?? dawn.create(features);
      instances.set(key, instance);
      const adapter = await withoutNativeWords(() => instance.requestAdapter({ powerPreference: 'high-performance' }));
      attempts.push({ what, outcome: adapter ? adapter.info.description || adapter.info.device : 'no adapter' });
      return adapter ?? undefined;
    } catch (e) {
      attempts.push({ what, outcome: firstLine(e) });
      return undefined;
    }
  };
  const missing = missingDriver();
  if (options.system !== false && missing) attempts.push({ what: "Dawn with the system's driver", outcome: missing });
  else if (options.system !== false) {
    const adapter = await request("Dawn with the system's driver");
    if (adapter) {
      const software = isSoftware(adapter);
      return {
        found: {
          adapter,
          via: 'Dawn',
          reason: software ? "the system's driver is a software one; --device cpu may be faster" : 'a GPU is there',
          software,
        },
        attempts,
      };
    }
  }
  if (options.swiftshader !== false) {
    const what = 'Dawn with SwiftShader (npm package @sparticuz/chromium)';
    try {
      await loadSwiftShader();
    } catch (e) {
      attempts.push({ what, outcome: firstLine(e) });
      return { found: undefined, attempts };
    }
    const adapter = await request(what, DISABLED_ON_SWIFTSHADER);
    if (adapter)
      return {
        found: {
          adapter,
          via: 'Dawn, software',
          reason: 'no GPU driver was found; --device cpu may be faster than this software one',
          software: true,
        },
        attempts,
      };
  }
  return { found: undefined, attempts };
}

function isSoftware(adapter: GPUAdapter): boolean {
  return /llvmpipe|lavapipe|swiftshader|basic render/i.test(
    `${adapter.info.description} ${adapter.info.device} ${adapter.info.architecture}`,
  );
}
