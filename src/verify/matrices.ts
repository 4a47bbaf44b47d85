/// <reference types="@webgpu/types" />
import { THREADS } from '../codegen-wgsl/body.ts';
import { ENABLE_MATRICES, productText } from '../codegen-wgsl/product.ts';
import type { MatrixUnit } from '../ir/kernel/types.ts';
import { DeviceError } from '../runtime/errors.ts';
import { runSmall } from './proofs.ts';

/** Dawn's name of the feature; it is only listed if unsafe features are allowed. */
export const MATRIX_FEATURE = 'chromium-experimental-subgroup-matrix';
export const ALLOW_MATRICES = 'allow_unsafe_apis';

/** An adapter's description of its matrix units, which is not in the standard yet. */
interface MatrixConfig {
  readonly componentType: string;
  readonly resultComponentType: string;
  readonly M: number;
  readonly N: number;
  readonly K: number;
}

/** The units that nnc can use: those with f32 sums, if all subgroups have one size that divides a workgroup. */
export function unitsOf({ features, info }: Pick<GPUAdapter, 'features' | 'info'>): MatrixUnit[] {
  const { subgroupMinSize: subgroup = 1, subgroupMaxSize } = info;
  if (!features.has(MATRIX_FEATURE) || subgroup !== subgroupMaxSize || THREADS % subgroup !== 0) return [];
  const configs = (info as { readonly subgroupMatrixConfigs?: readonly MatrixConfig[] }).subgroupMatrixConfigs ?? [];
  return configs.flatMap(({ componentType: type, resultComponentType, M, N, K }) =>
    ((type === 'f16' && features.has('shader-f16')) || type === 'f32') && resultComponentType === 'f32'
      ? [{ type, m: M, n: N, k: K, subgroup }]
      : [],
  );
}

const left = (i: number): number => ((i * 7) % 5) - 2;
const right = (i: number): number => ((i * 3) % 7) - 3;

/** A product of small integers, which any float type represents exactly: one unit per subgroup, in two rounds. */
export function proofCode(unit: MatrixUnit): { readonly code: string; readonly rows: number; readonly depth: number } {
  const { type, m, n, k, subgroup } = unit;
  const [rows, depth] = [m * (THREADS / subgroup), 2 * k];
  const fill = (name: string, count: number, value: string): string =>
    `  for (var i = lane; i < ${count}u; i += ${THREADS}u) { ${name}[i] = ${type}(${value}); }`;
  const operand = (buffer: string) => ({ buffer, index: { kind: 'literal', type: 'u32', value: 0 }, along: depth, depth: 1 }) as const;
  const product = productText(
    { kind: 'product', name: 'table', unit, rows, columns: n, loops: [{ name: 't', extent: 2 }], left: operand('a'), right: operand('b') },
    '  ',
    THREADS,
    ({ buffer }) => ({ array: buffer, start: `t * ${k}u` }),
  );
  const code = `${type === 'f16' ? 'enable f16;\n' : ''}${ENABLE_MATRICES.join('\n')}
@group(0) @binding(0) var<storage, read_write> out: array<i32, ${rows * n}>;
var<workgroup> a: array<${type}, ${rows * depth}>;
var<workgroup> b: array<${type}, ${n * depth}>;
var<workgroup> table: array<f32, ${rows * n}>;
@compute @workgroup_size(${THREADS})
fn main(@builtin(local_invocation_index) lane: u32) {
${fill('a', rows * depth, 'i32((i * 7u) % 5u) - 2')}
${fill('b', n * depth, 'i32((i * 3u) % 7u) - 3')}
  workgroupBarrier();
${product}  for (var i = lane; i < ${rows * n}u; i += ${THREADS}u) { out[i] = i32(table[i]); }
}
`;
  return { code, rows, depth };
}

/** Whether the results are those of the product. */
export function isProduct(out: ArrayLike<number>, { n }: MatrixUnit, rows: number, depth: number): boolean {
  return Array.from({ length: rows * n }, (_, i) => i).every((i) => {
    let sum = 0;
    for (let d = 0; d < depth; d++) sum += left(Math.floor(i / n) * depth + d) * right((i % n) * depth + d);
    return ((out[i] ?? NaN) | 0) === sum;
  });
}

/** Throws if a device's matrix units do not multiply as kernels expect. */
export async function checkMatrices(gpu: GPUDevice, units: readonly MatrixUnit[]): Promise<void> {
  for (const unit of units) {
    const { code, rows, depth } = proofCode(unit);
    const [out] = await runSmall(gpu, 'matrices', code, [rows * unit.n]);
    if (!isProduct(out ?? [], unit, rows, depth))
      throw new DeviceError(
        `the device's matrix units of ${unit.type} ${unit.m} x ${unit.n} x ${unit.k} give wrong products`,
        'NN602',
        'leave --subgroup-matrix away',
      );
  }
}
