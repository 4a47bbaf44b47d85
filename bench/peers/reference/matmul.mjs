import { openDevice } from './device.mjs';

/** The tile that won among those that were tried on a software adapter. */
const TILE = 8;
const THREADS = 4;
const VECTOR = 4;

/** A register tile of 8x8 a thread, both operands read as vec4, no shared memory. */
function codeOf(n) {
  const rows = [...Array(TILE).keys()];
  const columns = [...Array(TILE / VECTOR).keys()];
  const lanes = [...Array(VECTOR).keys()];
  const each = (list, line) => list.map(line).join('\n');
  return /* wgsl */ `
@group(0) @binding(0) var<storage, read> A: array<vec4f>;
@group(0) @binding(1) var<storage, read> B: array<vec4f>;
@group(0) @binding(2) var<storage, read_write> C: array<vec4f>;

@compute @workgroup_size(${THREADS}, ${THREADS})
fn main(@builtin(global_invocation_id) id: vec3u) {
  let row = id.y * ${TILE}u;
  let column = id.x * ${TILE / VECTOR}u;
  ${each(rows, (i) => each(columns, (j) => `var sum${i}_${j} = vec4f();`))}
  for (var k = 0u; k < ${n / VECTOR}u; k++) {
    ${each(rows, (i) => `let a${i} = A[(row + ${i}u) * ${n / VECTOR}u + k];`)}
    ${each(
      lanes,
      (lane) => `{
      ${each(columns, (j) => `let b${j} = B[(k * ${VECTOR}u + ${lane}u) * ${n / VECTOR}u + column + ${j}u];`)}
      ${each(rows, (i) => each(columns, (j) => `sum${i}_${j} = fma(vec4f(a${i}[${lane}]), b${j}, sum${i}_${j});`))}
    }`,
    )}
  }
  ${each(rows, (i) => each(columns, (j) => `C[(row + ${i}u) * ${n / VECTOR}u + column + ${j}u] = sum${i}_${j};`))}
}`;
}

export async function matmul(n, { a, b }) {
  const { buffer, kernel, submit, read } = await openDevice();
  const product = buffer(n * n);
  const blocks = n / (TILE * THREADS);
  const multiply = kernel(codeOf(n), [buffer(n * n, a), buffer(n * n, b), product], [blocks, blocks]);
  return {
    run: (count) => submit((encoder) => multiply(encoder, count)),
    async at(places) {
      const values = await read(product, 0, n * n);
      return places.map((place) => values[place]);
    },
  };
}
