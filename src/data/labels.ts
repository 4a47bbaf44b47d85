import { type Diagnostic, userError } from '../base/diagnostics.ts';
import type { Dataset, Needs } from './needs.ts';
import { findIn } from './values.ts';

/** Throws an error about data, at the program's `data` statement if there is one. */
export function reject(needs: Needs, code: Diagnostic['code'], label: string, help?: string): never {
  throw userError([{ code, severity: 'error', label, ...(needs.span ? { span: needs.span } : {}), ...(help ? { help } : {}) }]);
}

/** Labels outside the classes would index out of bounds, so they are rejected before they reach the device. */
export function checkLabels(path: string, { tensors }: Dataset, needs: Needs): void {
  needs.targets.forEach(({ classes, ignored }, k) => {
    const y = tensors[needs.inputs.length + k];
    if (!y || classes === undefined) return;
    const wrong = findIn(y, (v) => (v < 0 || v >= classes) && v !== ignored);
    if (wrong)
      reject(
        needs,
        'NN306',
        `label ${wrong.value} of example ${wrong.at + 1} in ${path} is not one of the ${classes} classes 0 to ${classes - 1}`,
        'the last layer has one output for each class',
      );
  });
}
