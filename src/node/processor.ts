import type { Plan } from '../plan.ts';
import { openCpu } from '../runtime/open-cpu.ts';
import type { Session } from '../runtime/session.ts';
import { nodeHelpers } from './helpers.ts';

/** Loads a plan on the processor: as WebAssembly on all of its cores, or as plain JavaScript. */
export const openCpuSession = (plan: Plan, reason: string): Session => openCpu(nodeHelpers())(plan, {}, reason);
