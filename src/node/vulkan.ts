import { existsSync } from 'node:fs';
import { constants as os } from 'node:os';
import { messageOf } from '../base/errors.ts';

/** Why the system's driver cannot be used, if that is certain. Asking Dawn would make it print its own complaints. */
export function missingDriver(): string | undefined {
  if (process.platform !== 'linux') return undefined;
  if (openLibrary('libvulkan.so.1')) return 'no Vulkan loader is installed (libvulkan.so.1)';
  const variable = ['VK_DRIVER_FILES', 'VK_ICD_FILENAMES'].find((name) => process.env[name]);
  const files = variable && process.env[variable];
  if (!files || files.split(':').some((file) => existsSync(file))) return undefined;
  return `${variable} names no file that exists`;
}

const RTLD_NODELETE = 0x1000;

/** Loads a plain shared library; returns the reason if that fails. */
export function openLibrary(path: string): string | undefined {
  try {
    process.dlopen({ exports: {} } as NodeJS.Module, path, os.dlopen.RTLD_NOW | os.dlopen.RTLD_GLOBAL | RTLD_NODELETE);
    return undefined;
  } catch (e) {
    // A plain library never registers itself as an addon, but it stays loaded.
    return messageOf(e).includes('did not self-register') ? undefined : messageOf(e);
  }
}
