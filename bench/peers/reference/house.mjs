import { openData } from '../../lib/data.mjs';
import { openDevice } from './device.mjs';

const ROWS = 100;
const HIDDEN = 16;
const PARAMS = 3 * HIDDEN + 1;
const STEPS = 500;
const WORKGROUP = 104;

/**
 * Workload A with the whole loop in one dispatch of one workgroup: a thread for each row in the forward pass, then a
 * thread for each parameter, which sums its gradient over the rows and makes its own step of Adam.
 */
const CODE = /* wgsl */ `
@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read> y: array<f32>;
@group(0) @binding(2) var<storage, read_write> params: array<f32>;
// Per parameter: mean and square of the gradient; then the powers of both betas.
@group(0) @binding(3) var<storage, read_write> moments: array<f32>;
@group(0) @binding(4) var<storage, read_write> losses: array<f32>;
@group(0) @binding(5) var<storage, read> steps: array<u32>;

var<workgroup> p: array<f32, ${PARAMS}>;
var<workgroup> error: array<f32, ${ROWS}>;
var<workgroup> input: array<f32, ${ROWS}>;

fn output(xi: f32) -> f32 {
  var sum = p[${3 * HIDDEN}];
  for (var j = 0u; j < ${HIDDEN}u; j++) { sum += max(xi * p[j] + p[${HIDDEN}u + j], 0.0) * p[${2 * HIDDEN}u + j]; }
  return sum;
}

fn gradient(index: u32) -> f32 {
  let j = index % ${HIDDEN}u;
  let kind = index / ${HIDDEN}u;
  var sum = 0.0;
  for (var i = 0u; i < ${ROWS}u; i++) {
    let before = input[i] * p[j] + p[${HIDDEN}u + j];
    let back = select(0.0, p[${2 * HIDDEN}u + j], before > 0.0);
    if (kind == 0u) { sum += error[i] * back * input[i]; }
    else if (kind == 1u) { sum += error[i] * back; }
    else if (kind == 2u) { sum += error[i] * max(before, 0.0); }
    else { sum += error[i]; }
  }
  return sum;
}

@compute @workgroup_size(${WORKGROUP})
fn main(@builtin(local_invocation_id) local: vec3u) {
  let q = local.x;
  let mine = q < ${PARAMS}u;
  var mean = 0.0;
  var square = 0.0;
  if (mine) {
    p[q] = params[q];
    mean = moments[q];
    square = moments[${PARAMS}u + q];
  }
  var power1 = moments[${2 * PARAMS}u];
  var power2 = moments[${2 * PARAMS + 1}u];
  if (q < ${ROWS}u) { input[q] = x[q]; }
  workgroupBarrier();
  let count = steps[0];
  for (var s = 0u; s < count; s++) {
    if (q < ${ROWS}u) { error[q] = (output(input[q]) - y[q]) * (2.0 / ${ROWS}.0); }
    workgroupBarrier();
    power1 *= 0.9;
    power2 *= 0.999;
    var next = 0.0;
    if (mine) {
      let g = gradient(q);
      mean = 0.9 * mean + 0.1 * g;
      square = 0.999 * square + 0.001 * g * g;
      next = p[q] - 0.01 * (mean / (1.0 - power1)) / (sqrt(square / (1.0 - power2)) + 1e-8);
    }
    if (q == ${ROWS}u) {
      var sum = 0.0;
      for (var i = 0u; i < ${ROWS}u; i++) { sum += error[i] * error[i]; }
      losses[s] = sum * (${ROWS}.0 / 4.0);
    }
    workgroupBarrier();
    if (mine) { p[q] = next; }
    workgroupBarrier();
  }
  if (mine) {
    params[q] = p[q];
    moments[q] = mean;
    moments[${PARAMS}u + q] = square;
  }
  if (q == 0u) {
    moments[${2 * PARAMS}u] = power1;
    moments[${2 * PARAMS + 1}u] = power2;
  }
}`;

export async function house() {
  const { x, y, weights } = openData('A');
  const { queue, buffer, kernel, read } = await openDevice();
  const start = ['0.weight', '0.bias', '2.weight', '2.bias'].flatMap((name) => [...weights[name].values]);
  const moments = new Float32Array(2 * PARAMS + 2);
  moments.fill(1, 2 * PARAMS);
  const losses = buffer(STEPS);
  const steps = buffer(1);
  const buffers = [
    buffer(ROWS, x.values),
    buffer(ROWS, y.values),
    buffer(PARAMS, Float32Array.from(start)),
    buffer(moments.length, moments),
    losses,
    steps,
  ];
  const loop = kernel(CODE, buffers, [1]);
  return {
    /** At most 500 steps at once. */
    async run(count) {
      queue.writeBuffer(steps, 0, Uint32Array.of(count));
      const traced = await read(losses, 0, STEPS, loop);
      return traced[count - 1];
    },
  };
}
