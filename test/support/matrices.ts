import type { Plan } from '../../src/plan.ts';
import { webgpuOf } from './sections.ts';

/**
 * The same plan for a device without matrix units: the first thread of a subgroup computes a matrix by itself, as an array, as the
 * proposal says what loads, products and stores mean.
 */
export function withoutMatrices(plan: Plan): Plan {
  const section = webgpuOf(plan);
  const features = section.features.filter((f) => f !== 'chromium-experimental-subgroup-matrix');
  const kernels = section.kernels.map((k) => (k.matrices ? { ...k, matrices: false, wgsl: emulated(k.wgsl) } : k));
  return { ...plan, backends: { webgpu: { ...section, features, kernels } } };
}

const MATRIX = /subgroup_matrix_(left|right|result)<(?:f16|f32), (\d+), (\d+)>/g;

/** The text of a kernel that uses none. */
export function emulated(wgsl: string): string {
  const functions = new Map<string, string>();
  const sizes = new Map([...wgsl.matchAll(MATRIX)].map(([, kind, columns, rows]) => [kind, { columns, rows }]));
  const array = (kind: string): string => `array<f32, ${Number(sizes.get(kind)?.columns) * Number(sizes.get(kind)?.rows)}>`;
  const pointer = (kind: string): string => `ptr<function, ${array(kind)}>`;
  const [, subgroup = '1'] = /\(lane \/ (\d+)u\)/.exec(wgsl) ?? [];
  /** A function that the first thread of each subgroup runs for every row and column of a matrix. */
  const define = (name: string, parameters: string, kind: string, body: string): void => {
    const { rows = '', columns = '' } = sizes.get(kind) ?? {};
    functions.set(
      name,
      `fn ${name}(${parameters}, lane: u32) {
  if (lane % ${subgroup}u != 0u) { return; }
  for (var r = 0u; r < ${rows}u; r++) { for (var c = 0u; c < ${columns}u; c++) { let at = r * ${columns}u + c; ${body} } }
}`,
    );
  };
  const depth = sizes.get('left')?.columns ?? '';
  const columns = sizes.get('right')?.columns ?? '';
  const sum = `for (var d = 0u; d < ${depth}u; d++) { (*m)[at] += (*a)[r * ${depth}u + d] * (*b)[d * ${columns}u + c]; }`;
  define('multiply', `a: ${pointer('left')}, b: ${pointer('right')}, m: ${pointer('result')}`, 'result', sum);
  const body = wgsl
    .replace('enable chromium_experimental_subgroup_matrix;\n', '')
    .replace('diagnostic(off, chromium.subgroup_matrix_uniformity);\n', '')
    .replace(
      /let (\w+) = subgroupMatrixLoad<subgroup_matrix_(left|right)<[^>]*>, (row|col)_major>\(&(\w+), (.*), (\d+u)\);/g,
      (_, name: string, kind: string, major: string, buffer: string, start: string, stride: string) => {
        const load = `load_${kind}_${major}_${buffer}`;
        const place = major === 'row' ? 'r * stride + c' : 'c * stride + r';
        define(load, `m: ${pointer(kind)}, start: u32, stride: u32`, kind, `(*m)[at] = f32(${buffer}[start + ${place}]);`);
        return `var ${name}: ${array(kind)}; ${load}(&${name}, ${start}, ${stride}, lane);`;
      },
    )
    .replace(
      /subgroupMatrixStore<row_major>\(&(\w+), (.*), (\w+), (\d+u)\);/g,
      (_, table: string, start: string, name: string, stride: string) => {
        define(
          `store_${table}`,
          `m: ${pointer('result')}, start: u32, stride: u32`,
          'result',
          `${table}[start + r * stride + c] = (*m)[at];`,
        );
        return `store_${table}(&${name}, ${start}, ${stride}, lane);`;
      },
    )
    .replace(/(\w+) = subgroupMatrixMultiplyAccumulate\((\w+), (\w+), \1\);/g, 'multiply(&$2, &$3, &$1, lane);')
    .replace(MATRIX, (_, kind: string) => array(kind));
  // Behind the declarations of the buffers, which they name.
  const split = body.search(/^(fn|@compute) /m);
  return `${body.slice(0, split)}${[...functions.values()].join('\n')}\n${body.slice(split)}`;
}
