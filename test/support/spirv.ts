import { readFileSync } from 'node:fs';
import { findAdapter } from '../../src/node/gpu.ts';
import { check, compile } from '../../src/compile.ts';
import type { WgslKernel } from '../../src/sections.ts';
import { webgpuOf } from './sections.ts';

/** Neither its end nor its index can be known. */
const ENDLESS = {
  wgsl: `@group(0) @binding(0) var<storage, read_write> b0: array<f32, 64>;
@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) id: vec3u) {
  var i = 0u;
  loop {
    if (i >= id.y) { break; }
    b0[i] = 1.0;
    i += 2u;
  }
}
`,
  bindings: [{ access: 'read_write' }],
  uniforms: false,
};

/**
 * Compiles the kernels of a benchmark for hardware (or one that loops for ever) on a device that prints what Tint makes of them:
 * `tsx spirv.ts NAME ROWS`.
 */
const [, , name = '', rows = '1'] = process.argv;

function kernelsOf(file: string): Pick<WgslKernel, 'wgsl' | 'bindings' | 'uniforms'>[] {
  const { model } = check({ name: file, text: readFileSync(file, 'utf8') });
  if (!model) throw new Error('the program is wrong');
  const adapter = { software: false, bindings: 8, subgroup: 1, collectives: false, half: false };
  return [...webgpuOf(compile(model, { rows: Number(rows), adapter, devices: 'gpu' }).plan).kernels];
}

const { found } = await findAdapter({ dawn: ['dump_shaders'] });
if (!found) throw new Error('no adapter');
const device = await found.adapter.requestDevice();
const layoutOf = (buffers: GPUBufferBindingLayout[]): GPUBindGroupLayout =>
  device.createBindGroupLayout({ entries: buffers.map((buffer, binding) => ({ binding, visibility: 4, buffer })) });
for (const k of name === 'endless' ? [ENDLESS] : kernelsOf(`bench/programs/${name}.nn`)) {
  const windows = layoutOf(k.bindings.map(({ access }) => ({ type: access === 'read' ? 'read-only-storage' : 'storage' })));
  const layout = device.createPipelineLayout({ bindGroupLayouts: k.uniforms ? [windows, layoutOf([{ type: 'uniform' }])] : [windows] });
  await device.createComputePipelineAsync({ layout, compute: { module: device.createShaderModule({ code: k.wgsl }) } });
}
process.exit(0);
