import { homedir } from 'node:os';
import { join } from 'node:path';

/** Where nnc keeps what it would otherwise have to find out again. */
export function cacheFolder(): string {
  return process.env['NNC_CACHE'] ?? join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'nnc');
}
