import { createReadStream, existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, rename, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { fileURLToPath } from 'node:url';
import { createBrotliDecompress } from 'node:zlib';
import { cacheFolder } from './cache.ts';
import { openLibrary } from './vulkan.ts';

/** The folder of the package's archives; throws if it is not installed. */
function chromiumBin(): string {
  const entry = fileURLToPath(import.meta.resolve('@sparticuz/chromium'));
  let folder = dirname(entry);
  while (!existsSync(join(folder, 'bin', 'swiftshader.tar.br'))) {
    if (dirname(folder) === folder) throw new Error('the package @sparticuz/chromium has no SwiftShader in it');
    folder = dirname(folder);
  }
  return join(folder, 'bin');
}

/** Unpacks an archive once per user. It is unpacked under another name and renamed, so that concurrent processes do not interfere. */
async function unpack(archive: string, name: string): Promise<string> {
  const cache = cacheFolder();
  const parent = await mkdir(cache, { recursive: true }).then(
    () => cache,
    () => join(tmpdir(), 'nnc'),
  );
  await mkdir(parent, { recursive: true });
  const target = join(parent, name);
  if (existsSync(target)) return target;
  const { default: tar } = await import('tar-fs');
  const beside = await mkdtemp(join(parent, 'unpacking-'));
  await pipeline(createReadStream(archive), createBrotliDecompress(), tar.extract(beside));
  await rename(beside, target).catch(async (e: unknown) => {
    // Another process was faster; use its copy.
    await rm(beside, { recursive: true, force: true });
    if (!existsSync(target)) throw e;
  });
  return target;
}

/** Loads the package's Vulkan loader and points it at SwiftShader, so that Dawn finds both by name. */
export async function loadSwiftShader(): Promise<void> {
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
