import type { Plan } from '../../src/plan.ts';
import type { WasmSection, WebGpuSection } from '../../src/sections.ts';

/** What a plan carries for GPUs; an error where it carries nothing. */
export function webgpuOf({ backends }: Plan): WebGpuSection {
  if (!backends.webgpu) throw new Error('the plan is not for GPUs');
  return backends.webgpu;
}

/** The plan's WebAssembly; an error where it carries none. */
export function wasmOf({ backends }: Plan): WasmSection {
  if (!backends.wasm) throw new Error('the plan has no WebAssembly');
  return backends.wasm;
}
