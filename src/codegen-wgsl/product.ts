import type { MatrixOperand, Stmt } from '../ir/kernel/types.ts';

/**
 * The head of a module that uses matrix units. The uniformity check is off, because the text cannot show that a lane determines its
 * subgroup; that is proved on the device.
 */
export const ENABLE_MATRICES = ['enable chromium_experimental_subgroup_matrix;', 'diagnostic(off, chromium.subgroup_matrix_uniformity);'];

/**
 * A product by subgroup matrices. The subgroups of a workgroup of `threads` threads divide the rows of the table, and each sums up its
 * units over the loops. `find` returns the array of an operand and the index where its matrix starts.
 */
export function productText(
  s: Extract<Stmt, { kind: 'product' }>,
  indent: string,
  threads: number,
  find: (operand: MatrixOperand) => { readonly array: string; readonly start: string },
): string {
  const { name, unit, rows, columns, loops, left, right } = s;
  const { type, m, n, k, subgroup } = unit;
  const groups = threads / subgroup;
  const below = Array.from({ length: rows / m / groups }, (_, i) => i);
  const beside = Array.from({ length: columns / n }, (_, i) => i);
  const inner = indent + '  '.repeat(loops.length);
  const [l, r] = [find(left), find(right)];
  const row = (i: number): string => `(${name}_row + ${i * m}u)`;
  const load = (kind: 'left' | 'right', sizes: string, operand: MatrixOperand, array: string, start: string): string => {
    // Rows of the left operand run along the sum, those of the right one across it.
    const inRows = kind === 'left' ? operand.depth === 1 : operand.along === 1;
    const far = operand.depth === 1 ? operand.along : operand.depth;
    return `subgroupMatrixLoad<subgroup_matrix_${kind}<${type}, ${sizes}>, ${inRows ? 'row_major' : 'col_major'}>(&${array}, ${start}, ${far}u)`;
  };
  const lines = [
    `${indent}let ${name}_row = (lane / ${subgroup}u) * ${below.length * m}u;`,
    ...below.flatMap((i) => beside.map((j) => `${indent}var ${name}_${i}_${j}: subgroup_matrix_result<f32, ${n}, ${m}>;`)),
    ...loops.map(({ name: t, extent }, d) => `${indent}${'  '.repeat(d)}for (var ${t} = 0u; ${t} < ${extent}u; ${t}++) {`),
    ...below.map(
      (i) => `${inner}let ${name}_l${i} = ${load('left', `${k}, ${m}`, left, l.array, `${l.start} + ${row(i)} * ${left.along}u`)};`,
    ),
    ...beside.map(
      (j) => `${inner}let ${name}_r${j} = ${load('right', `${n}, ${k}`, right, r.array, `${r.start} + ${j * n * right.along}u`)};`,
    ),
    ...below.flatMap((i) =>
      beside.map((j) => `${inner}${name}_${i}_${j} = subgroupMatrixMultiplyAccumulate(${name}_l${i}, ${name}_r${j}, ${name}_${i}_${j});`),
    ),
    ...loops.map((_, d) => `${indent}${'  '.repeat(loops.length - 1 - d)}}`),
    ...below.flatMap((i) =>
      beside.map(
        (j) => `${indent}subgroupMatrixStore<row_major>(&${name}, ${row(i)} * ${columns}u + ${j * n}u, ${name}_${i}_${j}, ${columns}u);`,
      ),
    ),
    `${indent}workgroupBarrier();`,
  ];
  return `${lines.join('\n')}\n`;
}
