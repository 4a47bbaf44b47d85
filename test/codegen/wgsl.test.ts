import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { SMALL_EXAMPLES } from '../support/examples.ts';
import { findAdapter } from '../../src/node/gpu.ts';
import { compile } from '../../src/compile.ts';
import { model } from '../support/programs.ts';
import { Random } from '../support/random.ts';
import { randomGraph } from '../support/random-graph.ts';
import { adapterAtHand } from '../support/run-graph.ts';
import { planGraph } from '../../src/verify/run-graph.ts';
import { webgpuOf } from '../support/sections.ts';

/** Every kernel of the examples and of random graphs, through Tint on a device with default limits. */
async function messages(
  kernels: readonly { readonly name: string; readonly wgsl: string; readonly bindings: readonly unknown[] }[],
): Promise<string[]> {
  const { found } = await findAdapter();
  const device = await found?.adapter.requestDevice({ requiredFeatures: found.adapter.features.has('subgroups') ? ['subgroups'] : [] });
  if (!device) throw new Error('no device');
  const all: string[] = [];
  for (const k of kernels) {
    expect(k.bindings.length).toBeLessThanOrEqual(device.limits.maxStorageBuffersPerShaderStage);
    const info = await device.createShaderModule({ code: k.wgsl }).getCompilationInfo();
    all.push(...info.messages.map((m) => `${k.name}: ${m.type}: ${m.message}`));
  }
  device.destroy();
  return all;
}

describe('generated WGSL', () => {
  it.each(SMALL_EXAMPLES)('%s passes Tint without a word', async (file) => {
    const m = model(readFileSync(`examples/${file}`, 'utf8'), file);
    for (const level of [0, 1] as const) expect(await messages(webgpuOf(compile(m.model, { rows: 200, level }).plan).kernels)).toEqual([]);
  });

  it('passes Tint without a word for random graphs', async () => {
    for (let seed = 0; seed < 25; seed++) {
      const r = new Random(3000 + seed);
      const { graph } = randomGraph(r, r.int(3, 12));
      expect(
        await messages(webgpuOf(planGraph(graph, r.pick([0, 1]), { adapter: await adapterAtHand(seed % 2 === 0) }).plan).kernels),
      ).toEqual([]);
    }
  });

  it('is named after the source and says what it computes', () => {
    const m = model(readFileSync('examples/house.nn', 'utf8'), 'house.nn');
    const { kernels, programs } = webgpuOf(compile(m.model, { rows: 100 }).plan);
    expect(kernels.find((k) => k.name.startsWith('predict'))?.name).toBe('predict_k0_add_2_Linear_16_1');
    const about = programs['predict']?.[0]?.about ?? [];
    expect(about).toContain('add_18 = add : f32[100, 1], 2 Linear(16, 1) (house.nn:4:32)');
  });
});
