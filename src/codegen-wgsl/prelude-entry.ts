import type { Fn } from '../ir/kernel/types.ts';

/** One numeric function in WGSL. */
export interface PreludeEntry {
  /** Other functions that its text calls; `turn` is the same for numbers and for vectors. */
  readonly needs: readonly (Fn | 'turn')[];
  readonly text: string;
  /** The text for vectors, where it is not the same arithmetic by element. */
  readonly wide?: string;
}

/** The text of an entry for vectors of four: the same arithmetic by element. */
export function vectorText(text: string): string {
  return text
    .replace(/\b(nn_\w+)\(/g, '$1_4(')
    .replace(/\bf32\b/g, 'vec4f')
    .replace(/\bi32\b/g, 'vec4i')
    .replace(/\bbool\b/g, 'vec4<bool>')
    .replace(/&&/g, '&')
    .replace(/\|\|/g, '|');
}
