import { create } from 'webgpu';
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { at } from '../../src/base/errors.ts';
import { planGraph, randomInputs, runGraph } from '../../src/verify/run-graph.ts';
import { storedErrors } from '../../src/verify/stored-errors.ts';
import { compile } from '../../src/compile.ts';
import { parseKernel } from '../../src/ir/kernel/parse.ts';
import { printKernel } from '../../src/ir/kernel/print.ts';
import type { MatrixUnit } from '../../src/ir/kernel/types.ts';
import type { Adapter } from '../../src/codegen/backend.ts';
import { isProduct, proofCode, unitsOf } from '../../src/verify/matrices.ts';
import { findAdapter } from '../../src/node/gpu.ts';
import { runSmall } from '../../src/verify/proofs.ts';
import { emulated, withoutMatrices } from '../support/matrices.ts';
import { model } from '../support/programs.ts';
import { openHalves } from '../support/run-graph.ts';
import { webgpuOf } from '../support/sections.ts';

/** What adapters of NVIDIA, Intel and Apple offer. */
const UNITS: readonly MatrixUnit[] = [
  { type: 'f16', m: 16, n: 16, k: 16, subgroup: 32 },
  { type: 'f16', m: 8, n: 16, k: 16, subgroup: 16 },
  { type: 'f32', m: 8, n: 8, k: 8, subgroup: 32 },
];

/** Dawn without a GPU, which compiles shaders for every feature and runs nothing. It must stay reachable while its device is used. */
const nothing = create(['backend=null', 'enable-dawn-features=allow_unsafe_apis']);
const FEATURES = ['chromium-experimental-subgroup-matrix' as GPUFeatureName, 'shader-f16' as const];

const adapter = (unit: MatrixUnit, bindings = 8): Adapter => ({
  software: false,
  bindings,
  subgroup: 1,
  collectives: false,
  half: unit.type === 'f16',
  units: [unit],
});

/** Operands whose rows overlap, or lie in one place: no matrices for a unit. */
const NO_MATRICES = [
  'input x: [1, 264]\nlayer Conv1d(1, 32, 16, stride=8) -> relu -> flatten -> Linear(1024, 16)\nloss mse\noptim sgd lr=0.1\ntrain batch=16',
  'input x: [1, 32]\nlayer expand([64, 32]) -> Linear(32, 16) -> flatten -> Linear(1024, 16)\nloss mse\noptim sgd lr=0.1\ntrain batch=16',
  'input x: [1, 260]\nlayer Conv1d(1, 16, 8, stride=4) -> relu -> flatten -> Linear(1024, 16)\nloss mse\noptim sgd lr=0.1\ntrain batch=16',
];

/** A transformer whose sizes are whole units, and a net with a bias, an activation and a transposed operand in every place. */
const PROGRAMS = {
  net: 'layer Linear(48, 64) -> relu -> Linear(64, 32) -> gelu -> Linear(32, 16)\nloss mse\noptim sgd lr=0.1\ntrain batch=64',
  gpt: `block Attention(d, heads) {
  let q, k, v = x -> qkv: Linear(d, 3*d) -> split(3)
  attention(q, k, v, heads, causal=true) -> proj: Linear(d, d)
}
input tokens: int[64]
layer tok: Embedding(16, 32) -> ln: LayerNorm(32) -> attn: Attention(32, 2) -> head: Linear(32, 16, bias=false)
loss cross_entropy
optim sgd lr=0.1
train batch=2`,
};

describe.each(UNITS.slice(1))('matrix units of $type $m x $n x $k', (unit) => {
  const precision = unit.type === 'f16' ? '\nprecision f16' : '';

  // The processor stands in for larger units, which takes it a while.
  it.each(Object.entries(PROGRAMS).slice(0, unit.m * unit.n > 64 ? 1 : 2))('%s: products agree with the reference', async (name, text) => {
    const { source: graph } = at(compile(model(`${text}${precision}`).model, { rows: 64, devices: 'gpu' }).programs, 0).schedule;
    const planned = planGraph(graph, 1, { keepAll: true, adapter: adapter(unit), devices: 'gpu' });
    const products = (planned.lowered.kernels.webgpu ?? []).filter((k) => k.body.some((s) => s.kind === 'product'));
    expect(products.length).toBeGreaterThanOrEqual(name === 'net' ? 6 : 5);
    for (const k of products) expect(parseKernel(printKernel(k))).toEqual(k);
    const session = await openHalves(withoutMatrices(planned.plan));
    try {
      const given = { ...randomInputs(graph, () => 16, 5), step: 1, seed: 5 };
      for (const { what, error } of storedErrors(graph, given, await runGraph(planned, session, given)))
        expect(error, what).toBeLessThan(unit.type === 'f16' ? 4e-3 : 1e-4);
    } finally {
      session.destroy();
    }
  });
});

describe('what a device shows of its matrix units', () => {
  it('is a product that the proof knows', async () => {
    // Of f32, since any GPU can stand in for them.
    const unit = at(UNITS, 2);
    const { code, rows, depth } = proofCode(unit);
    const { found } = await findAdapter();
    const device = await found?.adapter.requestDevice();
    if (!device) throw new Error('no adapter');
    const [out = []] = await runSmall(device, 'proof', emulated(code), [rows * unit.n]);
    expect(isProduct(out, unit, rows, depth)).toBe(true);
    expect(isProduct(Int32Array.from(out).fill(1, 5, 6), unit, rows, depth)).toBe(false);
    device.destroy();
  });

  it('is of a kind that nnc can use', () => {
    const adapterOf = (configs: readonly object[], most = 32, feature = 'chromium-experimental-subgroup-matrix', half = 'shader-f16') =>
      ({
        features: new Set([feature, half]),
        info: { subgroupMinSize: 32, subgroupMaxSize: most, subgroupMatrixConfigs: configs },
      }) as unknown as Parameters<typeof unitsOf>[0];
    const config = { componentType: 'f16', resultComponentType: 'f32', M: 16, N: 16, K: 16 };
    expect(unitsOf(adapterOf([{ ...config, resultComponentType: 'f16' }, config, { ...config, componentType: 'i8' }]))).toEqual([UNITS[0]]);
    expect(unitsOf(adapterOf([config], 64))).toEqual([]);
    expect(unitsOf(adapterOf([config], 32, 'subgroups'))).toEqual([]);
    expect(unitsOf(adapterOf([config], 32, undefined, 'subgroups'))).toEqual([]);
  });

  it.each(UNITS)('is valid for $type $m x $n x $k', async (unit) => {
    const device = await (await nothing.requestAdapter())?.requestDevice({ requiredFeatures: FEATURES });
    const info = await device?.createShaderModule({ code: proofCode(unit).code }).getCompilationInfo();
    expect(info?.messages.map((m) => m.message)).toEqual([]);
    device?.destroy();
  });
});

it.each(NO_MATRICES)('what is no matrix is left to other kernels: %s', async (text) => {
  const device = await (await nothing.requestAdapter())?.requestDevice({ requiredFeatures: FEATURES });
  for (const unit of UNITS) {
    const { model: m } = model(`${text}${unit.type === 'f16' ? '\nprecision f16' : ''}`);
    for (const { name, wgsl: code } of webgpuOf(compile(m, { rows: 64, devices: 'gpu', adapter: adapter(unit) }).plan).kernels) {
      const info = await device?.createShaderModule({ code }).getCompilationInfo();
      expect(
        info?.messages.map((i) => i.message),
        name,
      ).toEqual([]);
    }
  }
  device?.destroy();
});

it.each(['B', 'D'])('kernels of benchmark %s are valid where a device has matrix units', async (name) => {
  const found = await nothing.requestAdapter();
  const device = await found?.requestDevice({ requiredFeatures: FEATURES });
  if (!device) throw new Error('no adapter');
  const text = `${readFileSync(`bench/programs/${name}.nn`, 'utf8')}\nprecision f16`;
  const { plan } = compile(model(text).model, { rows: 128, devices: 'gpu', adapter: adapter(at(UNITS, 0)) });
  expect(webgpuOf(plan).kernels.filter((k) => k.matrices).length).toBeGreaterThan(3);
  for (const { name: kernel, wgsl: code } of webgpuOf(plan).kernels) {
    const { messages } = await device.createShaderModule({ code }).getCompilationInfo();
    expect(
      messages.map((m) => m.message),
      kernel,
    ).toEqual([]);
  }
  device.destroy();
});
