import { createHash } from 'node:crypto';
import { createReadStream, existsSync, rmSync } from 'node:fs';
import { mkdtemp, readFile, readdir, rename, rm, writeFile } from 'node:fs/promises';
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

/** What an unpacked archive holds, by name with its checksum; written last. */
const LIST = 'files.json';

/**
 * The folder of an unpacked archive, which is unpacked once per user. What is there is only used as it was unpacked: a driver that was
 * cut off would end the process. Without a usable cache it is unpacked for this process alone.
 */
async function unpack(archive: string, name: string): Promise<string> {
  const cache = await cacheFolder('drivers');
  const target = cache === undefined ? undefined : join(cache, name);
  if (target !== undefined && (await isWhole(target))) return target;
  // Under another name and then renamed, so that processes that run at once do not interfere.
  const beside = await mkdtemp(join(cache ?? tmpdir(), 'nnc-driver-'));
  // Root would make the files belong to users of the archive's maker.
  const own = { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 };
  const { default: tar } = await import('tar-fs');
  await pipeline(createReadStream(archive), createBrotliDecompress(), tar.extract(beside, { map: (header) => ({ ...header, ...own }) }));
  await writeFile(join(beside, LIST), JSON.stringify(await checksums(beside)));
  if (target === undefined) {
    process.on('exit', () => rmSync(beside, { recursive: true, force: true }));
    return beside;
  }
  await rm(target, { recursive: true, force: true });
  await rename(beside, target).catch(async (e: unknown) => {
    // Another process was faster; use its copy.
    await rm(beside, { recursive: true, force: true });
    if (!(await isWhole(target))) throw e;
  });
  return target;
}

async function checksums(folder: string): Promise<Record<string, string>> {
  const sums: Record<string, string> = {};
  for (const name of (await readdir(folder)).filter((n) => n !== LIST).sort())
    sums[name] = createHash('sha256')
      .update(await readFile(join(folder, name)))
      .digest('hex');
  return sums;
}

async function isWhole(folder: string): Promise<boolean> {
  const list = await readFile(join(folder, LIST), 'utf8').catch(() => undefined);
  return list !== undefined && list === JSON.stringify(await checksums(folder).catch(() => undefined));
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
