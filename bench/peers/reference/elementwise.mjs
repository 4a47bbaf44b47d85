import { CHAIN } from '../../lib/workloads.mjs';
import { openDevice } from './device.mjs';

const THREADS = 64;
const VECTOR = 4;
const MOST_WORKGROUPS = 32768;

/** The chain of F, four floats a thread; erf by formula 7.1.26 of Abramowitz and Stegun. */
const CODE = /* wgsl */ `
@group(0) @binding(0) var<storage, read> X: array<vec4f>;
@group(0) @binding(1) var<storage, read_write> Y: array<vec4f>;

fn erf(x: vec4f) -> vec4f {
  let t = 1.0 / (1.0 + 0.3275911 * abs(x));
  let poly = ((((1.061405429 * t - 1.453152027) * t + 1.421413741) * t - 0.284496736) * t + 0.254829592) * t;
  return sign(x) * (1.0 - poly * exp(-x * x));
}

@compute @workgroup_size(${THREADS})
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = id.x + id.y * groups.x * ${THREADS}u;
  let z = X[i] * ${CHAIN.scale} + ${CHAIN.shift};
  Y[i] = 0.5 * z * (1.0 + erf(z * ${Math.SQRT1_2})) * ${CHAIN.gain} + ${CHAIN.offset};
}`;

export async function elementwise({ x }) {
  const { buffer, kernel, submit, read } = await openDevice();
  const result = buffer(x.length);
  const workgroups = x.length / VECTOR / THREADS;
  const width = Math.min(workgroups, MOST_WORKGROUPS);
  const chain = kernel(CODE, [buffer(x.length, x), result], [width, workgroups / width]);
  return {
    run: (count) => submit((encoder) => chain(encoder, count)),
    async at(places) {
      const values = [];
      for (const place of places) values.push((await read(result, place, 1))[0]);
      return values;
    },
  };
}
