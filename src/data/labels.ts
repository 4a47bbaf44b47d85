import { type Diagnostic, userError } from '../base/diagnostics.ts';
import { isWrong, wrongLabel } from '../base/numbers.ts';
import type { Dataset, Needs } from './needs.ts';
import { findIn } from './values.ts';

/** Throws an error about data, at the program's `data` statement if there is one. */
export function reject(needs: Pick<Needs, 'span'>, code: Diagnostic['code'], label: string, help?: string): never {
  throw userError([{ code, severity: 'error', label, ...(needs.span ? { span: needs.span } : {}), ...(help ? { help } : {}) }]);
}

/** Labels outside the classes would index out of bounds, so they are rejected before they reach the device. */
export function checkLabels(path: string, { rows, tensors }: Dataset, needs: Needs): void {
  needs.targets.forEach(({ classes, ignored, shares }, k) => {
    const y = tensors[needs.inputs.length + k];
    if (!y || (classes === undefined && !shares)) return;
    const wrong = findIn(y, (v) => isWrong(v, classes) && v !== ignored);
    if (wrong) reject(needs, 'NN306', ...wrongLabel(wrong.value, Math.floor((wrong.at * rows) / y.length) + 1, path, classes));
  });
}
