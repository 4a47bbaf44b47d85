import { readSafetensors, writeSafetensors } from '../data/safetensors.ts';
import type { Plan } from '../plan.ts';
import type { Runner } from '../runtime/api.ts';
import { load as loadModel } from '../runtime/load.ts';
import { openCpu } from '../runtime/open-cpu.ts';

/** The runtime as one module without dependencies, which a built folder contains. */
export const load: Runner['load'] = (plan, options) => loadModel(plan, options, { cpu: openCpu() });
export const readTensors: Runner['readTensors'] = (bytes) => Object.fromEntries(readSafetensors(bytes, 'the file'));
export const writeTensors: Runner['writeTensors'] = (tensors) => writeSafetensors(tensors);

export const open: Runner['open'] = async (given = new URL('.', import.meta.url), options) => {
  // Relative to the page, as addresses in pages are.
  const here = typeof document === 'undefined' ? import.meta.url : document.baseURI;
  const folder = new URL(String(given).replace(/\/?$/, '/'), here);
  if (folder.protocol === 'file:')
    throw new Error('a folder on a disk cannot be fetched: read its files, and give them to load({ sections })');
  const json = async (name: string): Promise<unknown> => {
    const response = await fetch(new URL(name, folder));
    if (!response.ok) throw new Error(`${response.url} cannot be fetched: ${response.status}`);
    return response.json();
  };
  const kernels: unknown[] = [];
  const sections = async (name: string): Promise<unknown> => {
    if (name === 'js') kernels.push(...((await import(new URL('kernels.js', folder).href)) as { kernels: unknown[] }).kernels);
    return json(`plan.${name}.json`);
  };
  return load((await json('plan.json')) as Plan, { kernels, sections, ...options });
};
