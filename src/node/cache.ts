import { homedir } from 'node:os';
import { join } from 'node:path';

/** The folder for cached results. */
export function cacheFolder(): string {
  return process.env['NNC_CACHE'] ?? join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'nnc');
}
