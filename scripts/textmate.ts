// Writes grammar/nn.tmLanguage.json, which editors colour programs with, from the words of the language.
import { writeFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import { tokenLabel } from 'chevrotain';
import { KEYWORDS } from '../src/parser/tokens.ts';
import { LAYERS } from '../src/sema/layers/registry.ts';
import { LOSSES } from '../src/sema/losses/registry.ts';
import { OPTIMIZERS } from '../src/sema/optimizers.ts';

const words = (list: readonly string[]): string => `\\b(?:${[...new Set(list)].sort().join('|')})\\b`;

export function textmateGrammar(): string {
  const keywords = Object.values(KEYWORDS).map((t) => tokenLabel(t).replaceAll("'", ''));
  const functions = [
    ...Object.keys(LAYERS),
    ...Object.keys(LOSSES),
    ...Object.keys(OPTIMIZERS),
    'residual',
    'share',
    'scan',
    'grad',
    'predict',
  ];
  const grammar = {
    name: 'nnc',
    scopeName: 'source.nn',
    fileTypes: ['nn'],
    patterns: [
      { name: 'comment.line.number-sign.nn', match: '#.*$' },
      { name: 'string.quoted.double.nn', match: '"(?:[^"\\\\]|\\\\.)*"' },
      { name: 'constant.numeric.nn', match: '(?:\\b\\d+\\.?\\d*|\\.\\d+)(?:[eE][+-]?\\d+)?' },
      {
        match: '^\\s*(block|fn)\\s+(\\w+)',
        captures: { 1: { name: 'keyword.declaration.nn' }, 2: { name: 'entity.name.function.nn' } },
      },
      { name: 'variable.parameter.nn', match: '\\b[A-Za-z_]\\w*(?=\\s*=(?!=))' },
      { name: 'entity.name.label.nn', match: '\\b[A-Za-z_]\\w*(?=\\s*:\\s*[A-Za-z(])' },
      { name: 'keyword.control.nn', match: `(?<=^|[;{])\\s*${words(keywords)}` },
      { name: 'keyword.operator.word.nn', match: words(['repeat']) },
      { name: 'constant.language.nn', match: words(['true', 'false']) },
      { name: 'support.function.nn', match: words(functions) },
      { name: 'keyword.operator.nn', match: '->|==|!=|<=|>=|[-+*/%^@<>=]' },
      { name: 'variable.other.nn', match: '\\b[A-Za-z_]\\w*\\b' },
    ],
  };
  return `${JSON.stringify(grammar, null, 2)}\n`;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) writeFileSync('grammar/nn.tmLanguage.json', textmateGrammar());
