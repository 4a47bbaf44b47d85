import type { Fn } from '../ir/kernel/types.ts';

/** One numeric function in WGSL. */
export interface PreludeEntry {
  /** Other functions that its text calls; `turn` is the same for scalars and vectors. */
  readonly needs: readonly (Fn | 'turn')[];
  readonly text: string;
  /** The text for vectors, if it is not the same arithmetic element by element. */
  readonly wide?: string;
}

/** The text of an entry for vectors of four: the same arithmetic, element by element. */
export function vectorText(text: string): string {
  return text
    .replace(/\b(nn_\w+)\(/g, '$1_4(')
    .replace(/\bf32\b/g, 'vec4f')
    .replace(/\bi32\b/g, 'vec4i')
    .replace(/\bbool\b/g, 'vec4<bool>')
    .replace(/&&/g, '&')
    .replace(/\|\|/g, '|');
}
