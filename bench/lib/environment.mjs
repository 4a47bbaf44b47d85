import { execFileSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Drivers keep compiled shaders on disk: switched off, so that every first step compiles, whoever ran before. */
export const NO_SHADER_CACHE = { MESA_SHADER_CACHE_DISABLE: 'true', __GL_SHADER_DISK_CACHE: '0' };

/** The environment of every measured process: the same adapter for all of them. */
export function environmentFor(adapter) {
  const environment = { ...process.env, ...NO_SHADER_CACHE };
  if (adapter === 'system') return environment;
  const helper = fileURLToPath(new URL('./find-swiftshader.mjs', import.meta.url));
  const icd = execFileSync(process.execPath, ['--import', import.meta.resolve('tsx'), helper], { encoding: 'utf8' }).trim();
  const folder = dirname(icd);
  if (!readdirSync(folder).some((file) => file.startsWith('libvulkan.so')))
    throw new Error('the SwiftShader package holds no Vulkan loader');
  return {
    ...environment,
    VK_DRIVER_FILES: icd,
    VK_ICD_FILENAMES: icd,
    LD_LIBRARY_PATH: [folder, process.env.LD_LIBRARY_PATH].filter(Boolean).join(':'),
  };
}
