#!/usr/bin/env node
import module from 'node:module';
import { cacheFolder } from '../node/cache.ts';

// Later engines than that of Node 20 can keep what they made of the code, for the next start.
const { enableCompileCache } = module as { enableCompileCache?: (folder: string) => unknown };
const folder = enableCompileCache && (await cacheFolder('code'));
if (folder !== undefined) enableCompileCache?.(folder);
// Not before: only what is loaded from now on is kept.
await import('./run.ts');
