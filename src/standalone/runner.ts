import { readSafetensors, writeSafetensors } from '../data/safetensors.ts';
import type { Runner } from '../runtime/api.ts';
import { load as loadModel } from '../runtime/load.ts';
import { openCpu } from '../runtime/open-cpu.ts';

/** The runtime as one module without dependencies, which a built folder contains. */
export const load: Runner['load'] = (plan, options) => loadModel(plan, options, { cpu: openCpu() });
export const readTensors: Runner['readTensors'] = (bytes) => Object.fromEntries(readSafetensors(bytes, 'the file'));
export const writeTensors: Runner['writeTensors'] = (tensors) => writeSafetensors(tensors);
