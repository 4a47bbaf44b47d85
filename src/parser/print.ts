import { lineColumn, type Span } from '../base/source.ts';
import type { Program } from './ast.ts';

/** The tree as indented text with the place of each node, for reading and for golden tests. */
export function printAst(program: Program): string {
  return program.statements.map((s) => print(s, '')).join('');
}

/** A parameter of a block has no place of its own but that of its name. */
interface AnyNode {
  readonly kind?: string;
  readonly span?: Span;
  readonly name?: { readonly span: Span };
}

function isNode(value: unknown): value is AnyNode {
  return typeof value === 'object' && value !== null && 'span' in value;
}

function show(value: unknown): string {
  return isNode(value) && 'text' in value ? String(value.text) : JSON.stringify(value);
}

function print(node: AnyNode, indent: string): string {
  const span = node.span ?? node.name?.span;
  const { line, column } = span ? lineColumn(span.source, span.start) : { line: 0, column: 0 };
  const fields = Object.entries(node).filter(([k, v]) => k !== 'kind' && k !== 'span' && v !== undefined);
  const simple = fields.filter(([, v]) => !Array.isArray(v) && (!isNode(v) || 'text' in v));
  const nested = fields.filter(([, v]) => Array.isArray(v) || (isNode(v) && !('text' in v)));
  const head = `${indent}${node.kind ?? 'argument'}${simple.map(([k, v]) => ` ${k}=${show(v)}`).join('')} @${line}:${column}\n`;
  const body = nested.map(([k, v]) =>
    Array.isArray(v)
      ? v.map((item: AnyNode) => print(item, `${indent}  `)).join('')
      : isNode(v)
        ? `${indent}  ${k}:\n${print(v, `${indent}    `)}`
        : '',
  );
  return head + body.join('');
}
