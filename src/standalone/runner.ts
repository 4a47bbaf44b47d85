import { readSafetensors, writeSafetensors } from '../data/safetensors.ts';
import type { PageInfo } from '../page/built.ts';
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
  const fetched = async (name: string): Promise<Response> => {
    const response = await fetch(new URL(name, folder));
    if (!response.ok) throw new Error(`${response.url} cannot be fetched: ${response.status}`);
    return response;
  };
  const json = async (name: string): Promise<unknown> => (await fetched(name)).json();
  const kernels: unknown[] = [];
  const sections = async (name: string): Promise<unknown> => {
    if (name === 'js') kernels.push(...((await import(new URL('kernels.js', folder).href)) as { kernels: unknown[] }).kernels);
    return json(`plan.${name}.json`);
  };
  const [plan, { weights }] = (await Promise.all([json('plan.json'), json('page.json')])) as [Plan, PageInfo];
  // Those that the folder was built with; without them, the model would answer untrained.
  const built =
    weights && !options?.weights ? readTensors(new Uint8Array(await (await fetched('weights.safetensors')).arrayBuffer())) : undefined;
  return load(plan, { kernels, sections, ...(built && { weights: built }), ...options });
};
