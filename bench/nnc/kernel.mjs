import { findDevice } from '../../src/cli/device.ts';
import { planGraph } from '../../src/verify/run-graph.ts';
import { GraphBuilder } from '../../src/ir/graph/builder.ts';
import { dataTensor } from '../../src/passes/schedule/schedule.ts';
import { stepUniforms } from '../../src/runtime/session.ts';
import { CHAIN, WORKLOADS } from '../lib/workloads.mjs';

const FUSED = 1;

/** A kernel workload as a graph of its own, which goes through the same scheduler as a model. */
export async function kernel(name, inputs, device) {
  const found = await findDevice(device);
  const { plan, lowered } = planGraph(graphOf(name), FUSED, { adapter: found.adapter, devices: found.devices });
  const session = await found.open(plan);
  for (const [input, values] of Object.entries(inputs)) {
    const { arena, offset } = lowered.placed.get(dataTensor(input));
    session.write(arena, offset, values);
  }
  const result = lowered.schedule.outputs.result;
  const place = lowered.placed.get(result.tensor);
  const read = async (index) => (await session.read(place.arena, place.offset + result.offset + index, 1))[0];
  const uniforms = stepUniforms(plan, 0, 1, { seed: 0, total: 1 });
  return {
    async run(count) {
      for (let i = 0; i < count; i++) await session.run(['main'], uniforms);
      // A program that traces nothing does not wait for the device: one element read does.
      await read(0);
    },
    async at(places) {
      const values = [];
      for (const index of places) values.push(await read(index));
      return values;
    },
  };
}

function graphOf(name) {
  const b = new GraphBuilder(name);
  const { matrix, vector } = WORKLOADS[name];
  const input = (key, shape) => b.add('input', [], { name: key }, { dtype: 'f32', shape });
  if (matrix !== undefined) {
    b.outputs.result = b.contract('ab,bc->ac', input('a', [matrix, matrix]), input('b', [matrix, matrix]));
    return b.graph();
  }
  const x = input('x', [vector]);
  const scaled = (node, factor, shift) => b.op('add', b.op('mul', node, b.like(factor, node)), b.like(shift, node));
  const z = scaled(x, CHAIN.scale, CHAIN.shift);
  const erf = b.op('erf', b.op('mul', z, b.like(Math.SQRT1_2, z)));
  const gelu = b.op('mul', b.op('mul', z, b.like(0.5, z)), b.op('add', erf, b.like(1, z)));
  b.outputs.result = scaled(gelu, CHAIN.gain, CHAIN.offset);
  return b.graph();
}
