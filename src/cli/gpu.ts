/// <reference types="@webgpu/types" />
import { createReadStream, existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, rename, rm } from 'node:fs/promises';
import { constants as os, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { fileURLToPath } from 'node:url';
import { createBrotliDecompress } from 'node:zlib';
import tar from 'tar-fs';
import { cacheFolder } from './files.ts';

/** A WebGPU adapter in this process, and how it was come by. */
export interface FoundAdapter {
  readonly adapter: GPUAdapter;
  readonly via: string;
  readonly reason: string;
  readonly software: boolean;
}

/** What was tried, in order; the last one may have succeeded. */
export interface Attempt {
  readonly what: string;
  readonly outcome: string;
}

export interface AdapterSearch {
  readonly found: FoundAdapter | undefined;
  readonly attempts: readonly Attempt[];
}

/**
 * Timestamps to the nanosecond instead of to 65 microseconds: a page must not have them, a profile needs them. And f16 where Dawn
 * hides it: programs that ask for it prove it first.
 */
const DAWN = { disable: ['timestamp_quantization'], enable: ['vulkan_enable_f16_on_nvidia'] };

/** Dawn must stay reachable while it is used, or the process crashes; dropping it lets the process end. */
const instances: GPU[] = [];

export function releaseGpu(): void {
  instances.length = 0;
}

const message = (e: unknown): string => (e instanceof Error ? (e.message.split('\n')[0] ?? '') : String(e));

/** Dawn with the system's driver, then Dawn with the SwiftShader that an npm package carries. */
export async function findAdapter(
  options: { readonly system?: boolean; readonly swiftshader?: boolean; readonly dawn?: readonly string[] | undefined } = {},
): Promise<AdapterSearch> {
  const attempts: Attempt[] = [];
  let dawn: { readonly create: (options: string[]) => GPU };
  try {
    dawn = await import('webgpu');
  } catch (e) {
    attempts.push({ what: 'Dawn (npm package webgpu)', outcome: `does not load: ${message(e)}` });
    return { found: undefined, attempts };
  }
  const request = async (what: string): Promise<GPUAdapter | undefined> => {
    try {
      const instance = dawn.create([
        `disable-dawn-features=${DAWN.disable.join()}`,
        `enable-dawn-features=${[...DAWN.enable, ...(options.dawn ?? [])].join()}`,
      ]);
      instances.push(instance);
      const adapter = await instance.requestAdapter({ powerPreference: 'high-performance' });
      attempts.push({ what, outcome: adapter ? adapter.info.description || adapter.info.device : 'no adapter' });
      return adapter ?? undefined;
    } catch (e) {
      attempts.push({ what, outcome: message(e) });
      return undefined;
    }
  };
  const missing = missingLoader();
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
      attempts.push({ what, outcome: message(e) });
      return { found: undefined, attempts };
    }
    const adapter = await request(what);
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

/** Why the system's driver cannot be asked, without Dawn's own complaint on the terminal. */
function missingLoader(): string | undefined {
  if (process.platform !== 'linux') return undefined;
  const problem = openLibrary('libvulkan.so.1');
  return problem && 'no Vulkan loader is installed (libvulkan.so.1)';
}

const RTLD_NODELETE = 0x1000;

/** Makes a plain library resident; gives the reason if it cannot be opened. */
function openLibrary(path: string): string | undefined {
  try {
    process.dlopen({ exports: {} } as NodeJS.Module, path, os.dlopen.RTLD_NOW | os.dlopen.RTLD_GLOBAL | RTLD_NODELETE);
    return undefined;
  } catch (e) {
    // A plain library never registers itself as an addon; it stays loaded all the same.
    return message(e).includes('did not self-register') ? undefined : message(e);
  }
}

function isSoftware(adapter: GPUAdapter): boolean {
  return /llvmpipe|lavapipe|swiftshader|basic render/i.test(
    `${adapter.info.description} ${adapter.info.device} ${adapter.info.architecture}`,
  );
}

/** Where the package keeps its archives; throws if it is not installed. */
function chromiumBin(): string {
  const entry = fileURLToPath(import.meta.resolve('@sparticuz/chromium'));
  let folder = dirname(entry);
  while (!existsSync(join(folder, 'bin', 'swiftshader.tar.br'))) {
    if (dirname(folder) === folder) throw new Error('the package @sparticuz/chromium has no SwiftShader in it');
    folder = dirname(folder);
  }
  return join(folder, 'bin');
}

/** Unpacks an archive once for each user; made beside and renamed, so that two processes do no harm to each other. */
async function unpack(archive: string, name: string): Promise<string> {
  const cache = cacheFolder();
  const parent = await mkdir(cache, { recursive: true }).then(
    () => cache,
    () => join(tmpdir(), 'nnc'),
  );
  await mkdir(parent, { recursive: true });
  const target = join(parent, name);
  if (existsSync(target)) return target;
  const beside = await mkdtemp(join(parent, 'unpacking-'));
  await pipeline(createReadStream(archive), createBrotliDecompress(), tar.extract(beside));
  await rename(beside, target).catch(async (e: unknown) => {
    // Another process was faster; its copy is as good.
    await rm(beside, { recursive: true, force: true });
    if (!existsSync(target)) throw e;
  });
  return target;
}

/** Makes the Vulkan loader of the package resident and points it at SwiftShader, so that Dawn finds both by name. */
async function loadSwiftShader(): Promise<void> {
  if (process.platform !== 'linux' || process.arch !== 'x64')
    throw new Error(`SwiftShader is carried for Linux on x64, not for ${process.platform} on ${process.arch}`);
  const folder = await unpack(join(chromiumBin(), 'swiftshader.tar.br'), 'swiftshader-143');
  const files = await readdir(folder);
  const loader = files.find((f) => f.startsWith('libvulkan.so'));
  const icd = files.find((f) => f.endsWith('_icd.json'));
  if (!loader || !icd) throw new Error(`${folder} is not complete; remove it and try again`);
  process.env['VK_ICD_FILENAMES'] = join(folder, icd);
  process.env['VK_DRIVER_FILES'] = join(folder, icd);
  const problem = openLibrary(join(folder, loader));
  if (problem) throw new Error(problem);
}
