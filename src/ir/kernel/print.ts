import { isVector } from './functions.ts';
import type { Expr, Kernel, MatrixOperand, Stmt, ValueType } from './types.ts';

/** `x[i]` is one element, `x[4 * i]` a vector of four. */
function place(buffer: string, type: ValueType, index: Expr): string {
  return `${buffer}[${isVector(type) ? '4 * ' : ''}${printExpr(index)}]`;
}

const SUFFIX = { f32: 'f', i32: 'i', u32: 'u', bool: 'b' } as const;

export function printExpr(e: Expr): string {
  switch (e.kind) {
    case 'literal':
      return `${e.value}${SUFFIX[e.type]}`;
    case 'ref':
      return e.name;
    case 'uniform':
      return `uniforms.${e.name}:${e.type}`;
    case 'load':
      return place(e.buffer, e.type, e.index);
    case 'item':
      return `${e.table}[[${printExpr(e.index)}]]`;
    case 'call':
      return `${e.fn}(${e.args.map(printExpr).join(', ')})`;
  }
}

function printStmt(s: Stmt, indent: string): string {
  const inner = (body: readonly Stmt[]): string => body.map((t) => printStmt(t, `${indent}  `)).join('');
  switch (s.kind) {
    case 'let':
    case 'var':
    case 'set':
      return `${indent}${s.kind} ${s.name} = ${printExpr(s.value)}\n`;
    case 'table':
      return `${indent}table ${s.name} = ${s.values.map(printExpr).join(', ')}\n`;
    case 'for':
      return `${indent}for ${s.name} < ${s.extent} {\n${inner(s.body)}${indent}}\n`;
    case 'if':
      return `${indent}if ${printExpr(s.condition)} {\n${inner(s.body)}${indent}}\n`;
    case 'shared':
      return `${indent}shared ${s.name} : ${s.type}[${s.size}]\n`;
    case 'put':
      return `${indent}put ${s.table}[[${printExpr(s.index)}]] = ${printExpr(s.value)}\n`;
    case 'barrier':
      return `${indent}barrier of ${s.of}\n`;
    case 'combine':
      return `${indent}combine ${s.name} by ${s.fn}\n`;
    case 'product': {
      const { type, m, n, k, subgroup } = s.unit;
      const operand = ({ buffer, index, along, depth }: MatrixOperand): string => `${buffer}[${printExpr(index)}] by ${along} and ${depth}`;
      const loops = s.loops.map((l) => `${l.name} < ${l.extent}`).join(', ');
      return `${indent}product ${s.name} = ${s.rows} x ${s.columns} over ${loops} of ${type} ${m} x ${n} x ${k} in ${subgroup}: ${operand(s.left)} times ${operand(s.right)}\n`;
    }
    case 'store':
      return `${indent}store ${place(s.buffer, s.value.type, s.index)} = ${printExpr(s.value)}\n`;
  }
}

/** The kernel as text; `parseKernel` reads back the same kernel. */
export function printKernel(k: Kernel): string {
  const about = k.about.map((line) => `  # ${line}\n`).join('');
  const buffers = k.buffers
    .map((b) => `  ${b.access} ${b.name} : ${b.type}[${b.size}]${b.tensor === b.name ? '' : ` at ${b.tensor} + ${b.offset}`}\n`)
    .join('');
  const axes = k.axes.map((a) => `  axis ${a.name} < ${a.extent}\n`).join('');
  const lanes = k.lanes > 1 ? `  lanes ${k.lanes}\n` : '';
  const subgroup = k.subgroup > 1 ? `  subgroup ${k.subgroup}\n` : '';
  const places = k.places === undefined ? '' : `  places ${k.places}\n`;
  return `kernel ${k.name} {\n${about}${buffers}${axes}${lanes}${subgroup}${places}${k.body.map((s) => printStmt(s, '  ')).join('')}}\n`;
}
